"""Asks the emulator through the vendor's Python clients: `check.py URL`.

The emulator must have been started with `--seed missing` and the key below. Exits with 1 if anything is not as it should be.
"""

import json
import re
import sys

from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdkram.request.v20150501 import (
    AttachPolicyToRoleRequest,
    CreateRoleRequest,
    DeleteRoleRequest,
    DetachPolicyFromRoleRequest,
    GetRoleRequest,
    ListPoliciesForRoleRequest,
)

KEY, SECRET, TOKEN = "STS.NUSdkCheck", "sdk-check-secret", "CAISSdk+Check/Token=="
ROLE = "AliyunDTSDefaultRole"
TRUST = json.dumps(
    {"Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["dts.aliyuncs.com"]}}], "Version": "1"}
)


class Refused(Exception):
    """The server answered with an error envelope."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Tea:
    """The current clients, over ACS3 or, if asked, RPC signature 1.0."""

    def __init__(self, host, secret=SECRET, algorithm=None):
        config = Config(access_key_id=KEY, access_key_secret=secret, security_token=TOKEN, endpoint=host, protocol="http")
        if algorithm:
            config.signature_algorithm = algorithm
        self.ram, self.sts = RamClient(config), StsClient(config)

    def call(self, action, **params):
        try:
            return self._send(action, params).body.to_map()
        except Exception as error:
            code = getattr(error, "code", None)
            if not code:
                raise
            raise Refused(code) from error

    def _send(self, action, params):
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
        if action == "GetCallerIdentity":
            return self.sts.get_caller_identity()
        request = getattr(ram, action + "Request")().from_map(params)
        return getattr(self.ram, method)(request)


class Core:
    """The old core SDK, which signs with RPC signature 1.0 only."""

    REQUESTS = {
        "GetRole": GetRoleRequest.GetRoleRequest,
        "CreateRole": CreateRoleRequest.CreateRoleRequest,
        "DeleteRole": DeleteRoleRequest.DeleteRoleRequest,
        "AttachPolicyToRole": AttachPolicyToRoleRequest.AttachPolicyToRoleRequest,
        "DetachPolicyFromRole": DetachPolicyFromRoleRequest.DetachPolicyFromRoleRequest,
        "ListPoliciesForRole": ListPoliciesForRoleRequest.ListPoliciesForRoleRequest,
    }

    def __init__(self, host, secret=SECRET):
        self.host = host
        self.client = AcsClient(region_id="cn-hangzhou", credential=StsTokenCredential(KEY, secret, TOKEN))

    def call(self, action, **params):
        try:
            return json.loads(self.client.do_action_with_exception(self._request(action, params)))
        except ServerException as error:
            raise Refused(error.get_error_code()) from error

    def _request(self, action, params):
        typed = self.REQUESTS.get(action)
        request = typed() if typed else self._common(action)
        for name, value in params.items():
            text = value if isinstance(value, str) else json.dumps(value)
            request.add_query_param(name, text)
        request.set_accept_format("json")
        request.set_protocol_type("http")
        if typed:
            request.set_endpoint(self.host)
        return request

    def _common(self, action):
        """For operations that the old RAM package does not know."""
        version = "2015-04-01" if action == "GetCallerIdentity" else "2015-05-01"
        request = CommonRequest(domain=self.host, version=version, action_name=action)
        request.set_method("POST")
        return request


class Checks:
    """Counts, and says what went wrong."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, name, fact, seen=None):
        if fact:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {name}: {seen!r}", file=sys.stderr)

    def refused(self, name, code, call):
        try:
            self.that(name, False, call())
        except Refused as refusal:
            self.that(name, refusal.code == code, refusal.code)


def life_of_a_role(checks, style, client):
    """Creates the role, tries to delete it too early, and deletes it."""
    call = client.call
    role, policy = {"RoleName": ROLE}, {"PolicyType": "System", "PolicyName": "AliyunDTSRolePolicy"}
    checks.refused(f"{style}: GetRole of no role", "EntityNotExist.Role", lambda: call("GetRole", **role))
    created = call("CreateRole", **role, AssumeRolePolicyDocument=TRUST, Description="DTS 角色 a+b~c*")["Role"]
    checks.that(f"{style}: CreateRole", created["RoleName"] == ROLE, created)
    told = call("GetRole", **role)["Role"]
    checks.that(f"{style}: GetRole", told["AssumeRolePolicyDocument"] == TRUST and told["Description"] == "DTS 角色 a+b~c*", told)
    call("AttachPolicyToRole", **role, **policy)
    checks.refused(f"{style}: attached twice", "EntityAlreadyExists.Role.Policy", lambda: call("AttachPolicyToRole", **role, **policy))
    names = [policy["PolicyName"] for policy in call("ListPoliciesForRole", **role)["Policies"]["Policy"]]
    checks.that(f"{style}: ListPoliciesForRole", names == ["AliyunDTSRolePolicy"], names)
    tags(checks, style, call)
    checks.refused(f"{style}: DeleteRole too early", "DeleteConflict.Role.Policy", lambda: call("DeleteRole", **role))
    call("DetachPolicyFromRole", **role, **policy)
    call("DeleteRole", **role)
    checks.refused(f"{style}: GetRole of the deleted role", "EntityNotExist.Role", lambda: call("GetRole", **role))


def tags(checks, style, call):
    resources = {"ResourceType": "role", "ResourceNames": [ROLE]}
    call("TagResources", **resources, Tag=[{"Key": "team name", "Value": "a+b/c=d"}, {"Key": "空", "Value": ""}])
    told = call("ListTagResources", **resources)["TagResources"]
    told = told if isinstance(told, list) else told["TagResource"]
    pairs = {tag["TagKey"]: tag["TagValue"] for tag in told}
    checks.that(f"{style}: tags", pairs == {"team name": "a+b/c=d", "空": ""}, pairs)


def identity(checks, style, client):
    told = client.call("GetCallerIdentity")
    expected = "acs:ram::1234567890123456:assumed-role/dts-role-guard-role/emulator"
    checks.that(f"{style}: GetCallerIdentity", told["Arn"] == expected, told)


def main(url):
    host = url.removeprefix("http://")
    # The old core compares the string to sign that the server quotes with its own; if they agree, it blames the secret.
    styles = {
        "ACS3": (lambda secret: Tea(host, secret), "SignatureDoesNotMatch"),
        "RPC 1.0": (lambda secret: Tea(host, secret, "v2"), "SignatureDoesNotMatch"),
        "RPC 1.0, old core": (lambda secret: Core(host, secret), "InvalidAccessKeySecret"),
    }
    checks = Checks()
    for style, (client, mismatch) in styles.items():
        life_of_a_role(checks, style, client(SECRET))
        identity(checks, style, client(SECRET))
        wrong = client("wrong")
        checks.refused(f"{style}: wrong secret", mismatch, lambda: wrong.call("GetRole", RoleName=ROLE))
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
