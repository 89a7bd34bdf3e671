"""What the guard is measured against: the same job as people write it today.

A Python custom runtime of Function Compute with Flask and the vendor's SDK. It checks the three conditions, and repairs by
deleting and recreating the role. It has no journal, no undo, no second look, and brings back policies only: it is here for
its time and its memory, do not deploy it.
"""

import json
import os
from urllib.parse import urlsplit

from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client
from alibabacloud_tea_openapi.models import Config
from flask import Flask, request
from Tea.exceptions import TeaException

ROLE = "AliyunDTSDefaultRole"
POLICY = ("System", "AliyunDTSRolePolicy")
TRUST = {
    "Statement": [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["dts.aliyuncs.com"]}}
    ],
    "Version": "1",
}

app = Flask(__name__)


def client():
    endpoint = urlsplit(os.environ.get("DTS_GUARD_RAM_ENDPOINT", "https://ram.aliyuncs.com"))
    return Client(
        Config(
            access_key_id=request.headers["x-fc-access-key-id"],
            access_key_secret=request.headers["x-fc-access-key-secret"],
            security_token=request.headers["x-fc-security-token"],
            protocol=endpoint.scheme,
            endpoint=endpoint.netloc,
        )
    )


def find_role(ram):
    try:
        return ram.get_role(models.GetRoleRequest(role_name=ROLE)).body.role
    except TeaException as error:
        if error.code == "EntityNotExist.Role":
            return None
        raise


def find_policies(ram):
    reply = ram.list_policies_for_role(models.ListPoliciesForRoleRequest(role_name=ROLE))
    return [(policy.policy_type, policy.policy_name) for policy in reply.body.policies.policy]


def trusts_dts(role):
    statements = json.loads(role.assume_role_policy_document)["Statement"]
    services = [statement.get("Principal", {}).get("Service", []) for statement in statements]
    return any("dts.aliyuncs.com" in service for service in services)


def recreate(ram, role, policies):
    if role is not None:
        for kind, name in policies:
            ram.detach_policy_from_role(
                models.DetachPolicyFromRoleRequest(policy_type=kind, policy_name=name, role_name=ROLE)
            )
        ram.delete_role(models.DeleteRoleRequest(role_name=ROLE))
    ram.create_role(models.CreateRoleRequest(role_name=ROLE, assume_role_policy_document=json.dumps(TRUST)))
    for kind, name in dict.fromkeys([POLICY, *policies]):
        ram.attach_policy_to_role(
            models.AttachPolicyToRoleRequest(policy_type=kind, policy_name=name, role_name=ROLE)
        )


@app.post("/invoke")
def invoke():
    event = request.get_json(force=True, silent=True) or {}
    ram = client()
    role = find_role(ram)
    policies = find_policies(ram) if role is not None else []
    if role is not None and trusts_dts(role) and POLICY in policies:
        return {"status": "authorized"}
    if event.get("payload") == "verify":
        return {"status": "drifted"}
    recreate(ram, role, policies)
    return {"status": "remediated"}


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["FC_CUSTOM_LISTEN_PORT"]))
