"""Asks the emulator through the vendor's Python clients: `check.py URL`.

The emulator must have been started with `--seed missing --members 12` and the key below. Exits with 1 if anything is not as it should be.
"""

import json
import re
import sys
from typing import NamedTuple

from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_resourcemanager20200331 import models as resource_manager
from alibabacloud_resourcemanager20200331.client import Client as ResourceManagerClient
from alibabacloud_sts20150401 import models as sts
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


class Key(NamedTuple):
    id: str
    secret: str
    token: str


KEY = Key("STS.NUSdkCheck", "sdk-check-secret", "CAISSdk+Check/Token==")
ACCOUNT, ROLE = "1234567890123456", "AliyunDTSDefaultRole"
MEMBERS = [f"2{number:015}" for number in range(1, 13)]
STS_ACTIONS = ["GetCallerIdentity", "AssumeRole"]
RESOURCE_MANAGER_ACTIONS = ["ListAccounts", "GetAccount", "GetResourceDirectory"]
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

    def __init__(self, host, key, algorithm=None):
        config = Config(access_key_id=key.id, access_key_secret=key.secret, security_token=key.token, endpoint=host, protocol="http")
        if algorithm:
            config.signature_algorithm = algorithm
        self.ram, self.sts = RamClient(config), StsClient(config)
        self.resource_manager = ResourceManagerClient(config)

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
        client, models = self._product(action)
        request = getattr(models, action + "Request", None)
        call = getattr(client, method)
        return call(request().from_map(params)) if request else call()

    def _product(self, action):
        if action in STS_ACTIONS:
            return self.sts, sts
        if action in RESOURCE_MANAGER_ACTIONS:
            return self.resource_manager, resource_manager
        return self.ram, ram


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

    def __init__(self, host, key):
        self.host = host
        self.client = AcsClient(region_id="cn-hangzhou", credential=StsTokenCredential(key.id, key.secret, key.token))

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
        request = CommonRequest(domain=self.host, version=self._version(action), action_name=action)
        request.set_method("POST")
        return request

    def _version(self, action):
        if action in STS_ACTIONS:
            return "2015-04-01"
        return "2020-03-31" if action in RESOURCE_MANAGER_ACTIONS else "2015-05-01"


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


def organization(checks, style, client, connect):
    """Lists the members in pages, looks one up, and asks as a member what only the management account may."""
    pages = [client.call("ListAccounts", PageNumber=number, PageSize=5) for number in (1, 2, 3, 4)]
    ids = [account["AccountId"] for page in pages for account in page["Accounts"]["Account"]]
    checks.that(f"{style}: ListAccounts", ids == MEMBERS and pages[0]["TotalCount"] == 12, pages)
    tagged = client.call("ListAccounts", Tag=[{"Key": "team", "Value": "data"}])
    checks.that(f"{style}: ListAccounts by tag", tagged["TotalCount"] == 0, tagged)
    found = client.call("GetAccount", AccountId=MEMBERS[0])["Account"]
    checks.that(f"{style}: GetAccount", (found["AccountId"], found["Status"]) == (MEMBERS[0], "CreateSuccess"), found)
    checks.refused(f"{style}: GetAccount of none", "EntityNotExists.Account", lambda: client.call("GetAccount", AccountId=ACCOUNT))
    directory = client.call("GetResourceDirectory")["ResourceDirectory"]
    checks.that(f"{style}: GetResourceDirectory", directory["MasterAccountId"] == ACCOUNT, directory)
    role = f"acs:ram::{MEMBERS[0]}:role/ResourceDirectoryAccountAccessRole"
    told = client.call("AssumeRole", RoleArn=role, RoleSessionName="sdk-check")["Credentials"]
    member = connect(Key(told["AccessKeyId"], told["AccessKeySecret"], told["SecurityToken"]))
    checks.that(f"{style}: AssumeRole", member.call("GetCallerIdentity")["AccountId"] == MEMBERS[0])
    checks.refused(f"{style}: ListAccounts of a member", "NoPermission", lambda: member.call("ListAccounts"))
    checks.that(f"{style}: the member's directory", member.call("GetResourceDirectory")["ResourceDirectory"] == directory)


def main(url):
    host = url.removeprefix("http://")
    # The old core compares the string to sign that the server quotes with its own; if they agree, it blames the secret.
    styles = {
        "ACS3": (lambda key: Tea(host, key), "SignatureDoesNotMatch"),
        "RPC 1.0": (lambda key: Tea(host, key, "v2"), "SignatureDoesNotMatch"),
        "RPC 1.0, old core": (lambda key: Core(host, key), "InvalidAccessKeySecret"),
    }
    checks = Checks()
    for style, (connect, mismatch) in styles.items():
        life_of_a_role(checks, style, connect(KEY))
        identity(checks, style, connect(KEY))
        organization(checks, style, connect(KEY), connect)
        wrong = connect(KEY._replace(secret="wrong"))
        checks.refused(f"{style}: wrong secret", mismatch, lambda: wrong.call("GetRole", RoleName=ROLE))
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
