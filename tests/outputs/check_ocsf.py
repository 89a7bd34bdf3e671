"""Holds OCSF events against two validators that are not ours: one knows the schema, one the arithmetic."""

import json
import sys
from collections.abc import Iterator

from jsonschema import Draft202012Validator
from ocsf.v1_7_0.events import ComplianceFinding
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from pydantic import ValidationError

SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))


def validator(profiles: list[str]) -> Draft202012Validator:
    # From the event's own profiles: else a key of a profile that is not named would pass.
    return Draft202012Validator(SCHEMA.get_class_schema(class_name="compliance_finding", profiles=profiles))


def deprecated(schema: object, event: object, root: dict) -> Iterator[str]:
    """Keys that the schema marks as deprecated: the validator lets them pass."""
    if isinstance(schema, dict) and "$ref" in schema:
        node = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    if isinstance(event, list):
        for item in event:
            yield from deprecated(schema.get("items", {}), item, root)
    if isinstance(event, dict) and isinstance(schema, dict):
        for key, value in event.items():
            part = schema.get("properties", {}).get(key, {})
            if part.get("deprecated"):
                yield key
            yield from deprecated(part, value, root)


def problems(event: dict, check: Draft202012Validator) -> Iterator[str]:
    for error in check.iter_errors(event):
        yield f"schema: {error.json_path}: {error.message}"
    yield from (f"deprecated: {key}" for key in deprecated(check.schema, event, check.schema))
    try:
        ComplianceFinding.model_validate(event)
    except ValidationError as errors:
        for error in errors.errors():
            # It takes the values of another object for `status_id`; the schema allows 4 to 6.
            if "status_id" in error["loc"] and event.get("status_id") in (4, 5, 6):
                continue
            yield f"arithmetic: {error['loc']}: {error['msg']}"


def can_fail(event: dict, check: Draft202012Validator) -> None:
    """Faults that must be seen, so that silence means something."""
    for fault in (
        {"type_uid": 1},
        {"finding_info": {}},
        {"severity_id": 7},
        {"unknown": 1},
        {"cloud": {}},
        {"resource": {"name": "x"}},
    ):
        if not list(problems({**event, **fault}, check)):
            sys.exit(f"the validators let {fault} pass")


def main(paths: list[str]) -> None:
    checks: dict[str, Draft202012Validator] = {}
    count = bad = 0
    for path in paths:
        uids = set()
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                profiles = event["metadata"]["profiles"]
                if "cloud" not in profiles:
                    sys.exit(f"{path}: the profile `cloud` is missing")
                check = checks.setdefault(str(profiles), validator(profiles))
                if count == 0:
                    can_fail(event, check)
                count += 1
                for problem in problems(event, check):
                    bad += 1
                    print(f"{path}: {problem}", file=sys.stderr)
                if event["finding_info"]["uid"] in uids:
                    sys.exit(f"{path}: {event['finding_info']['uid']} twice")
                uids.add(event["finding_info"]["uid"])
    if bad or not count:
        sys.exit(f"{bad} problems in {count} events")
    print(f"{count} events are valid")


main(sys.argv[1:])
