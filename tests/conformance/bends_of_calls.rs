//! What surrounds a call, permissions, sessions, and the directory.

use aliyun::Reply;
use emulator::{ErrorDate, Rule};
use serde_json::Value;

use crate::bench::ACCOUNT;
use crate::bends::{Bend, How, MISSING, POLICY, ROLE, SESSION, on, permits, policy, rewrite, says, tag};

const DTS: &str = "AliyunDTSRolePolicy";
const ECS: &str = "AliyunECSReadOnlyAccess";

/// Another code in the place of one.
fn code(reply: &mut Reply, from: &str, to: &str) {
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
    if body["Code"] == from {
        body["Code"] = to.into();
        reply.body = body.to_string().into_bytes().into();
    }
}

pub(crate) fn calls() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Wire(how) };
    vec![
        bend("time-refused", |_, reply| code(reply, "InvalidTimeStamp.Expired", "Expired")),
        Bend {
            fact: "time-told",
            how: How::Emulator(|it| {
                it.set_error_date(ErrorDate::Absent);
                Vec::new()
            }),
        },
        bend("nonce-refused", |_, reply| code(reply, "SignatureNonceUsed", "EntityNotExist.Role")),
        bend("both-signatures", |scheme, reply| {
            if scheme == "acs3" {
                code(reply, "EntityNotExist.Role", "InvalidSignatureMethod");
            }
        }),
        bend("signature-refused", |_, reply| code(reply, "SignatureDoesNotMatch", "NoPermission")),
        bend("key-unknown", |_, reply| code(reply, "InvalidAccessKeyId.NotFound", "NoPermission")),
    ]
}

pub(crate) fn permission() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    vec![
        bend("description-empty", |it| {
            rewrite(it, on("GetRole", SESSION), |reply| {
                if reply.get("Role").is_some() {
                    reply["Role"]["Description"] = "-".into();
                }
            })
        }),
        bend("assume-new-role", |it| {
            vec![it.fault(Rule::on("AssumeRole").times(130).error(404, "EntityNotExist.Role"))]
        }),
        bend("identity-free", |it| {
            it.with_world(emulator::WorldState::require_permission_for_identity);
            Vec::new()
        }),
        bend("identity-arn", |it| {
            rewrite(it, Rule::on("GetCallerIdentity"), |reply| {
                let arn = reply["Arn"].as_str().unwrap_or_default();
                if arn.contains(SESSION) {
                    reply["Arn"] = format!("acs:ram::{ACCOUNT}:role/{SESSION}").into();
                }
            })
        }),
        bend("denied-code", |it| {
            permits(it, on("GetRole", ROLE), Some("Forbidden.RAM")).into_iter().chain(detail(it)).collect()
        }),
        bend("denied-detail", |it| rewrite(it, on("GetRole", ROLE), |reply| reply["AccessDeniedDetail"] = Value::Null)),
        bend("denied-create", |it| permits(it, on("CreateRole", ROLE), Some("EntityAlreadyExists.Role"))),
        bend("denied-attach", |it| {
            let attach = policy("AttachPolicyToRole", ROLE, "System", DTS);
            permits(it, attach, Some("EntityAlreadyExists.Role.Policy"))
        }),
        bend("denied-tag", |it| permits(it, tag("TagResources", ROLE), None)),
        bend("denied-missing", |it| permits(it, on("GetRole", MISSING), Some("EntityNotExist.Role"))),
        bend("denied-detach", |it| permits(it, on("DetachPolicyFromRole", ROLE), Some("EntityNotExist.Role.Policy"))),
        bend("denied-delete", |it| permits(it, on("DeleteRole", ROLE), Some("DeleteConflict.Role.Policy"))),
        // By the caller, the caller, the caller, nobody, and then by somebody with the permission.
        bend("narrow-create", |it| vec![it.fault(on("CreateRole", ROLE).nth(5).deny())]),
        bend("narrow-tag", |it| vec![it.fault(tag("TagResources", ROLE).nth(6).deny())]),
        bend("narrow-tag-other", |it| permits(it, tag("TagResources", SESSION), None)),
        bend("narrow-attach", |it| vec![it.fault(policy("AttachPolicyToRole", ROLE, "System", DTS).nth(5).deny())]),
        bend("narrow-attach-policy", |it| permits(it, policy("AttachPolicyToRole", ROLE, "Custom", POLICY), None)),
        bend("narrow-attach-role", |it| permits(it, policy("AttachPolicyToRole", SESSION, "System", DTS), None)),
        bend("narrow-deny", |it| permits(it, policy("AttachPolicyToRole", ROLE, "System", ECS), None)),
    ]
}

/// A denial under another code has its detail all the same.
fn detail(it: &emulator::Emulator) -> Vec<emulator::FaultGuard> {
    rewrite(it, on("GetRole", ROLE), |reply| {
        if reply["Code"] == "Forbidden.RAM" {
            reply["AccessDeniedDetail"] =
                serde_json::json!({ "AuthAction": "ram:GetRole", "NoPermissionType": "ImplicitDeny" });
        }
    })
}

pub(crate) fn sessions() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    vec![
        bend("assume-missing", |it| says(it, assumes(MISSING), "NoPermission")),
        bend("assume-untrusted", |it| says(it, assumes(ROLE), "EntityNotExist.Role")),
        bend("assume-duration", |it| says(it, assumes(SESSION).param("DurationSeconds", "899"), "InvalidParameter")),
        // By the role's own session, and then by the one that is narrowed.
        bend("assume-policy", |it| vec![it.fault(tag("ListTagResources", ROLE).nth(8).error(200, ""))]),
        bend("assume-policy-length", |it| {
            vec![it.rewrite(assumes(SESSION), |reply, params| {
                if params.get("Policy").is_some_and(|policy| policy.len() == 2048) {
                    reply["Code"] = "InvalidParameter.PolicyGrammar".into();
                }
            })]
        }),
        bend("assume-chained", |it| {
            vec![it.fault(
                assumes(SESSION).param("DurationSeconds", "3600").error(400, "InvalidParameter.DurationSeconds"),
            )]
        }),
    ]
}

fn assumes(role: &str) -> Rule {
    Rule::on("AssumeRole").param("RoleArn", &format!("acs:ram::{ACCOUNT}:role/{role}"))
}

pub(crate) fn directory() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    vec![
        Bend {
            fact: "directory-none",
            how: How::Lonely(|it| says(it, Rule::on("ListAccounts"), "InternalServiceError")),
        },
        bend("members-total", |it| rewrite(it, Rule::on("ListAccounts"), |reply| reply["TotalCount"] = 4.into())),
        bend("members-end", |it| {
            vec![it.fault(Rule::on("ListAccounts").param("PageNumber", "2").error(400, "InvalidParameter.PageNumber"))]
        }),
        bend("members-own", |it| {
            rewrite(it, Rule::on("ListAccounts").nth(1), |reply| {
                reply["Accounts"]["Account"][0]["AccountId"] = ACCOUNT.into();
            })
        }),
        bend("members-status", |it| {
            rewrite(it, Rule::on("ListAccounts").nth(1), |reply| {
                reply["Accounts"]["Account"][0]["Status"] = "MoveVerifying".into();
            })
        }),
        bend("member-unknown", |it| says(it, Rule::on("GetAccount"), "EntityNotExist.Account")),
    ]
}
