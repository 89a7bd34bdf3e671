// Asks the emulator through the vendor's Node client: `node check.js URL`.
'use strict';

const assert = require('node:assert');
const { RPCClient } = require('@alicloud/pop-core');

const KEY = { accessKeyId: 'STS.NUSdkCheck', accessKeySecret: 'sdk-check-secret', securityToken: 'CAISSdk+Check/Token==' };
const ACCOUNT = '1234567890123456';
const MEMBERS = Array.from({ length: 12 }, (_, index) => `2${String(index + 1).padStart(15, '0')}`);
const ROLE = { RoleName: 'AliyunDTSDefaultRole' };
const POLICY = { ...ROLE, PolicyType: 'System', PolicyName: 'AliyunDTSRolePolicy' };
const TRUST = JSON.stringify({
  Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: ['dts.aliyuncs.com'] } }],
  Version: '1',
});

let passed = 0;
let failed = 0;

async function check(name, work) {
  try {
    await work();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.error(`FAILED ${name}: ${error.message}`);
  }
}

const refused = (code, promise) => assert.rejects(promise, (error) => error.code === code);

function client(url, apiVersion, more = {}) {
  return new RPCClient({ ...KEY, endpoint: url, apiVersion, ...more });
}

async function lifeOfARole(url, method) {
  const rpc = client(url, '2015-05-01');
  const call = (action, params) => rpc.request(action, params, { method });
  await check(`${method} GetRole of no role`, () => refused('EntityNotExist.Role', call('GetRole', ROLE)));
  await check(`${method} CreateRole`, () => call('CreateRole', { ...ROLE, AssumeRolePolicyDocument: TRUST, Description: "it's 角色 (a)*!" }));
  await check(`${method} GetRole`, async () => {
    const { Role: role } = await call('GetRole', ROLE);
    assert.strictEqual(role.AssumeRolePolicyDocument, TRUST);
    assert.strictEqual(role.Description, "it's 角色 (a)*!");
  });
  await check(`${method} AttachPolicyToRole`, () => call('AttachPolicyToRole', POLICY));
  await check(`${method} ListPoliciesForRole`, async () => {
    const { Policies: policies } = await call('ListPoliciesForRole', ROLE);
    assert.deepStrictEqual(policies.Policy.map((policy) => policy.PolicyName), ['AliyunDTSRolePolicy']);
  });
  await check(`${method} tags`, () => tags(call));
  await check(`${method} DeleteRole too early`, () => refused('DeleteConflict.Role.Policy', call('DeleteRole', ROLE)));
  await check(`${method} DetachPolicyFromRole`, () => call('DetachPolicyFromRole', POLICY));
  await check(`${method} DeleteRole`, () => call('DeleteRole', ROLE));
}

async function tags(call) {
  const resources = { ResourceType: 'role', ResourceNames: JSON.stringify([ROLE.RoleName]) };
  await call('TagResources', { ...resources, Tag: JSON.stringify([{ Key: 'team name', Value: 'a+b/c=d' }]) });
  const { TagResources: told } = await call('ListTagResources', resources);
  assert.deepStrictEqual(told.map((tag) => [tag.TagKey, tag.TagValue]), [['team name', 'a+b/c=d']]);
}

async function organization(url, method) {
  const ask = (action, params = {}, key = {}) => client(url, '2020-03-31', key).request(action, params, { method });
  await check(`${method} ListAccounts`, async () => {
    const pages = await Promise.all([1, 2, 3].map((page) => ask('ListAccounts', { PageNumber: page, PageSize: 5 })));
    assert.deepStrictEqual(pages.flatMap((page) => page.Accounts.Account.map((account) => account.AccountId)), MEMBERS);
    assert.deepStrictEqual(pages.map((page) => page.TotalCount), [12, 12, 12]);
  });
  await check(`${method} GetAccount`, async () => {
    const { Account: account } = await ask('GetAccount', { AccountId: MEMBERS[1] });
    assert.deepStrictEqual([account.AccountId, account.JoinMethod], [MEMBERS[1], 'created']);
  });
  await check(`${method} GetAccount of none`, () => refused('EntityNotExists.Account', ask('GetAccount', { AccountId: ACCOUNT })));
  await check(`${method} GetResourceDirectory`, async () => {
    const { ResourceDirectory: directory } = await ask('GetResourceDirectory');
    assert.strictEqual(directory.MasterAccountId, ACCOUNT);
  });
  await check(`${method} ListAccounts of a member`, async () => {
    const role = { RoleArn: `acs:ram::${MEMBERS[1]}:role/ResourceDirectoryAccountAccessRole`, RoleSessionName: 'sdk-check' };
    const { Credentials: told } = await client(url, '2015-04-01').request('AssumeRole', role, { method });
    const key = { accessKeyId: told.AccessKeyId, accessKeySecret: told.AccessKeySecret, securityToken: told.SecurityToken };
    await refused('NoPermission', ask('ListAccounts', {}, key));
  });
}

async function main(url) {
  for (const method of ['GET', 'POST']) {
    await lifeOfARole(url, method);
    await organization(url, method);
    await check(`${method} GetCallerIdentity`, async () => {
      const told = await client(url, '2015-04-01').request('GetCallerIdentity', {}, { method });
      assert.strictEqual(told.Arn, 'acs:ram::1234567890123456:assumed-role/dts-role-guard-role/emulator');
    });
    await check(`${method} wrong secret`, () => {
      const wrong = client(url, '2015-05-01', { accessKeySecret: 'wrong' });
      return refused('SignatureDoesNotMatch', wrong.request('GetRole', ROLE, { method }));
    });
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

main(process.argv[2]);
