//! The emulator bent, one way for each fact: that fact is contradicted, and no other.

use std::sync::{Arc, Mutex};

use conformance::{FACTS, Verdict};
use emulator::{Emulator, FaultGuard, Rule, World};
use serde_json::{Value, json};

use crate::bench::{self, ACCOUNT, Bench, Between};
use crate::{bends_of_calls, bends_of_policies};

/// How a fact is made untrue.
pub(crate) struct Bend {
    pub(crate) fact: &'static str,
    pub(crate) how: How,
}

pub(crate) enum How {
    /// A switch, rules or rewritten replies of the emulator.
    Emulator(fn(&Emulator) -> Vec<FaultGuard>),
    /// What only the gateway says, between the two.
    Wire(fn(&str, &mut aliyun::Reply)),
    /// The same as the first, for an account without a directory.
    Lonely(fn(&Emulator) -> Vec<FaultGuard>),
}

pub(crate) const ROLE: &str = "dts-role-guard-conformance-0123456789abcdef-1";
pub(crate) const UPPER: &str = "DTS-ROLE-GUARD-CONFORMANCE-0123456789ABCDEF-1";
pub(crate) const SESSION: &str = "dts-role-guard-conformance-0123456789abcdef-2";
pub(crate) const MISSING: &str = "dts-role-guard-conformance-0123456789abcdef-0";
pub(crate) const POLICY: &str = "dts-role-guard-conformance-0123456789abcdef-p";
pub(crate) const NO_POLICY: &str = MISSING;
/// More tries than fit into ten seconds, and fewer than into a minute.
pub(crate) const LATE: usize = 30;

pub(crate) fn on(operation: &str, role: &str) -> Rule {
    Rule::on(operation).param("RoleName", role)
}

pub(crate) fn policy(operation: &str, role: &str, kind: &str, name: &str) -> Rule {
    on(operation, role).param("PolicyType", kind).param("PolicyName", name)
}

pub(crate) fn tag(operation: &str, role: &str) -> Rule {
    Rule::on(operation).param("ResourceNames", &json!([role]).to_string())
}

/// Errors carry another code.
pub(crate) fn says(emulator: &Emulator, rule: Rule, code: &'static str) -> Vec<FaultGuard> {
    rewrite(emulator, rule, move |reply| {
        if reply.get("Code").is_some() {
            reply["Code"] = code.into();
        }
    })
}

/// What is not permitted is answered as if it were.
pub(crate) fn permits(emulator: &Emulator, rule: Rule, code: Option<&'static str>) -> Vec<FaultGuard> {
    rewrite(emulator, rule, move |reply| {
        if reply["Code"] == "NoPermission" {
            *reply = code.map_or_else(|| json!({}), |code| json!({ "Code": code }));
        }
    })
}

pub(crate) fn rewrite(
    emulator: &Emulator,
    rule: Rule,
    mut change: impl FnMut(&mut Value) + Send + 'static,
) -> Vec<FaultGuard> {
    vec![emulator.rewrite(rule, move |reply, _| change(reply))]
}

/// What `GetRole` tells of the new role, until it is changed.
fn new_role(emulator: &Emulator, field: &'static str, value: Value) -> Vec<FaultGuard> {
    rewrite(emulator, on("GetRole", ROLE).from(2).times(2), move |reply| reply["Role"][field] = value.clone())
}

fn creation() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    vec![
        bend("role-missing", |it| vec![it.fault(on("GetRole", MISSING).nth(5).error(404, "EntityNotExist"))]),
        bend("create-reply", |it| {
            rewrite(it, on("CreateRole", ROLE).nth(1), |reply| reply["Role"]["Arn"] = Value::Null)
        }),
        bend("attach-new-role", |it| {
            vec![it.fault(on("AttachPolicyToRole", ROLE).times(LATE).error(404, "EntityNotExist.Role"))]
        }),
        bend("create-seen", |it| {
            vec![it.fault(on("GetRole", ROLE).from(2).times(LATE).error(404, "EntityNotExist.Role"))]
        }),
        bend("create-trust", |it| new_role(it, "AssumeRolePolicyDocument", "%7B%22Version%22%3A%221%22%7D".into())),
        bend("create-settings", |it| new_role(it, "Description", "cut".into())),
        bend("create-console", |it| new_role(it, "AllowConsoleLogin", Value::Null)),
        bend("ordinary-role", |it| new_role(it, "IsServiceLinkedRole", true.into())),
        bend("arn", |it| new_role(it, "Arn", format!("acs:ram::9999999999999999:role/{ROLE}").into())),
        bend("name-case-read", |it| vec![it.fault(on("GetRole", UPPER).error(404, "EntityNotExist.Role"))]),
        bend("name-case-create", |it| vec![it.fault(on("CreateRole", UPPER).error(200, ""))]),
        bend("create-twice", |it| says(it, on("CreateRole", ROLE).nth(2), "EntityAlreadyExists")),
        bend("create-twice-harmless", |it| {
            let overwritten = it.after_call(on("CreateRole", ROLE).nth(2), |world| {
                assert!(world.set_max_session_duration(ACCOUNT, ROLE, 3600));
            });
            // So that nothing else is seen of it.
            let mended = it.after_call(on("CreateRole", ROLE).nth(3), |world| {
                assert!(world.set_max_session_duration(ACCOUNT, ROLE, 7200));
            });
            vec![overwritten, mended]
        }),
        bend("create-checks-first", |it| says(it, on("CreateRole", ROLE).nth(3), "EntityAlreadyExists.Role")),
    ]
}

fn change() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    vec![
        bend("update-seen", |it| vec![it.fault(on("GetRole", ROLE).from(5).times(LATE).stale())]),
        bend("update-absent", |it| {
            vec![it.after_call(on("UpdateRole", ROLE).nth(1), |world| {
                assert!(world.set_description(ACCOUNT, ROLE, ""));
            })]
        }),
        bend("update-id", |it| {
            rewrite(it, on("GetRole", ROLE).nth(5), |reply| reply["Role"]["RoleId"] = "399999999999999999".into())
        }),
        bend("update-missing", |it| says(it, on("UpdateRole", MISSING), "EntityNotExist")),
        bend("update-malformed", |it| says(it, on("UpdateRole", ROLE).nth(2), "InvalidParameter")),
        bend("statement-object", |it| vec![it.fault(on("UpdateRole", ROLE).nth(3).error(200, ""))]),
        bend("trust-length", |it| {
            let code = "InvalidParameter.NewAssumeRolePolicyDocument.Length";
            vec![it.fault(on("UpdateRole", ROLE).nth(4).error(400, code))]
        }),
    ]
}

fn deletion() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    // The first `DeleteRole` is the one without permission, and the sixth `CreateRole` the one after the deletion.
    vec![
        bend("delete-attached", |it| says(it, on("DeleteRole", ROLE).nth(2), "DeleteConflict.Role")),
        bend("delete-attached-harmless", |it| {
            vec![it.after_call(on("DeleteRole", ROLE).nth(2), |world| {
                assert!(world.detach(ACCOUNT, ROLE, "AliyunDTSRolePolicy"));
            })]
        }),
        bend("delete-detached", |it| {
            vec![it.fault(on("DeleteRole", ROLE).from(3).times(LATE).error(409, "DeleteConflict.Role.Policy"))]
        }),
        bend("create-deleted", |it| {
            vec![it.fault(on("CreateRole", ROLE).from(6).times(LATE).error(409, "EntityAlreadyExists.Role"))]
        }),
        bend("new-id", |it| {
            let old = Arc::new(Mutex::new(Value::Null));
            let known = old.clone();
            let note = rewrite(it, on("CreateRole", ROLE).nth(1), move |reply| {
                *known.lock().unwrap() = reply["Role"]["RoleId"].clone();
            });
            let keep = rewrite(it, on("CreateRole", ROLE).nth(6), move |reply| {
                reply["Role"]["RoleId"] = old.lock().unwrap().clone();
            });
            note.into_iter().chain(keep).collect()
        }),
        bend("same-arn", |it| {
            rewrite(it, on("CreateRole", ROLE).nth(6), |reply| reply["Role"]["Arn"] = "acs:ram::1:role/x".into())
        }),
        bend("new-empty", |it| {
            vec![it.after_call(on("CreateRole", ROLE).nth(6), |world| {
                assert!(world.set_tag(ACCOUNT, ROLE, "conformance-01", "old"));
            })]
        }),
        bend("delete-seen", |it| vec![it.fault(on("GetRole", ROLE).from(17).times(LATE).stale())]),
        bend("delete-twice", |it| says(it, on("DeleteRole", ROLE).nth(5), "EntityNotExist")),
    ]
}

async fn contradicts(bends: Vec<Bend>) {
    for Bend { fact, how } in bends {
        let bench = match &how {
            How::Lonely(_) => Bench::of(World::new().key(bench::key())),
            _ => Bench::start(),
        };
        let (report, rules) = match how {
            How::Wire(change) => (bench.run_over(Between::Reply(change)).await, Vec::new()),
            How::Emulator(rules) | How::Lonely(rules) => {
                let rules = rules(&bench.emulator);
                (bench.run().await, rules)
            }
        };
        let contradicted: Vec<_> = report.with(Verdict::Contradicted).map(|finding| finding.fact.id).collect();
        assert_eq!(contradicted, [fact], "{}", report.human());
        assert_eq!((report.status(), report.exit_code()), ("contradicted", 1), "{fact}");
        assert!(rules.iter().all(|rule| rule.hits() > 0), "{fact}: a rule that met no call");
        drop(rules);
        bench.assert_clean(fact);
    }
}

#[tokio::test]
async fn a_call_that_is_bent_is_told() {
    contradicts(bends_of_calls::calls()).await;
}

#[tokio::test]
async fn a_creation_or_a_change_that_is_bent_is_told() {
    contradicts(creation()).await;
    contradicts(change()).await;
}

#[tokio::test]
async fn policies_and_tags_that_are_bent_are_told() {
    contradicts(bends_of_policies::policies()).await;
    contradicts(bends_of_policies::tags()).await;
}

#[tokio::test]
async fn permissions_that_are_bent_are_told() {
    contradicts(bends_of_calls::permission()).await;
}

#[tokio::test]
async fn sessions_a_deletion_and_a_directory_that_are_bent_are_told() {
    contradicts(bends_of_calls::sessions()).await;
    contradicts(deletion()).await;
    contradicts(bends_of_calls::directory()).await;
}

/// No fact is believed without a test in which it is untrue.
#[test]
fn every_fact_is_bent_once() {
    let all = [
        bends_of_calls::calls(),
        creation(),
        change(),
        bends_of_policies::policies(),
        bends_of_policies::tags(),
        bends_of_calls::permission(),
        bends_of_calls::sessions(),
        deletion(),
        bends_of_calls::directory(),
    ];
    let bent: Vec<_> = all.into_iter().flatten().map(|bend| bend.fact).collect();
    let facts: Vec<_> = FACTS.iter().map(|fact| fact.id).collect();
    assert_eq!(bent, facts);
}
