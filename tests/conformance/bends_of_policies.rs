//! Policies and tags.

use emulator::Rule;
use serde_json::{Value, json};

use crate::bench::ACCOUNT;
use crate::bends::{Bend, How, LATE, MISSING, NO_POLICY, ROLE, on, policy, rewrite, says, tag};

const DTS: &str = "AliyunDTSRolePolicy";
/// The first that is attached.
const ECS: &str = "AliyunECSReadOnlyAccess";

fn list() -> Rule {
    on("ListPoliciesForRole", ROLE)
}

pub(crate) fn policies() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    vec![
        bend("attach-seen", |it| rewrite(it, list().times(LATE), |reply| reply["Policies"]["Policy"] = json!([]))),
        bend("attach-twice", |it| {
            says(it, policy("AttachPolicyToRole", ROLE, "System", DTS).nth(2), "EntityAlreadyExists")
        }),
        bend("attach-twice-harmless", |it| {
            rewrite(it, list().nth(2), |reply| {
                reply["Policies"]["Policy"][0]["AttachDate"] = "2030-01-01T00:00:00Z".into();
            })
        }),
        bend("attach-policy-missing", |it| {
            says(it, policy("AttachPolicyToRole", ROLE, "Custom", NO_POLICY), "EntityNotExist.Custom")
        }),
        bend("attach-type", |it| {
            says(it, policy("AttachPolicyToRole", ROLE, "Custom", DTS), "EntityAlreadyExists.Role.Policy")
        }),
        bend("attach-role-missing", |it| {
            says(it, policy("AttachPolicyToRole", MISSING, "System", DTS), "EntityNotExist")
        }),
        bend("attach-role-first", |it| {
            says(it, policy("AttachPolicyToRole", MISSING, "Custom", NO_POLICY), "EntityNotExist.Policy")
        }),
        bend("list-missing", |it| vec![it.fault(on("ListPoliciesForRole", MISSING).error(200, ""))]),
        bend("attach-limit", |it| {
            rewrite(it, on("AttachPolicyToRole", ROLE), |reply| {
                if reply["Code"] == "LimitExceeded.Role.Policy" {
                    reply["Code"] = "QuotaExceeded".into();
                }
            })
        }),
        bend("attach-twice-full", |it| {
            says(it, policy("AttachPolicyToRole", ROLE, "System", DTS).nth(3), "LimitExceeded.Role.Policy")
        }),
        bend("list-unpaged", |it| {
            rewrite(it, list(), |reply| {
                if reply["Policies"]["Policy"].as_array().is_some_and(|told| told.len() >= 20) {
                    (reply["IsTruncated"], reply["Marker"]) = (true.into(), "more".into());
                }
            })
        }),
        bend("detach-seen", |it| {
            rewrite(it, list().from(4).times(LATE), |reply| {
                let old = json!({ "PolicyName": ECS, "PolicyType": "System" });
                reply["Policies"]["Policy"].as_array_mut().unwrap().push(old);
            })
        }),
        bend("detach-twice", |it| {
            says(it, policy("DetachPolicyFromRole", ROLE, "System", ECS).nth(2), "EntityNotExist")
        }),
        bend("detach-policy-missing", |it| {
            says(it, policy("DetachPolicyFromRole", ROLE, "Custom", NO_POLICY), "InvalidParameter.PolicyName")
        }),
        bend("detach-role-missing", |it| says(it, on("DetachPolicyFromRole", MISSING), "EntityNotExist.Role.Policy")),
    ]
}

pub(crate) fn tags() -> Vec<Bend> {
    let bend = |fact, how| Bend { fact, how: How::Emulator(how) };
    vec![
        bend("tag-20", |it| vec![it.fault(tag("TagResources", ROLE).nth(1).error(400, "InvalidParameter.Tag"))]),
        bend("tag-seen", |it| {
            rewrite(it, tag("ListTagResources", ROLE).times(LATE), |reply| reply["TagResources"] = json!([]))
        }),
        bend("tag-empty", |it| {
            rewrite(it, tag("ListTagResources", ROLE), |reply| {
                for told in reply["TagResources"].as_array_mut().into_iter().flatten() {
                    if told["TagValue"] == "" {
                        told["TagValue"] = "(none)".into();
                    }
                }
            })
        }),
        bend("tag-pages", |it| {
            rewrite(it, tag("ListTagResources", ROLE).param("NextToken", "tags-14"), |reply| {
                reply["TagResources"].as_array_mut().map(Vec::pop);
            })
        }),
        bend("tag-same", |it| {
            vec![it.after_call(tag("TagResources", ROLE).nth(2), |world| {
                assert!(world.set_tag(ACCOUNT, ROLE, "conformance-02", ""));
            })]
        }),
        bend("tag-21", |it| vec![it.fault(tag("TagResources", ROLE).nth(3).error(200, ""))]),
        bend("tag-reserved", |it| vec![it.fault(tag("TagResources", ROLE).nth(4).error(200, ""))]),
        bend("tag-missing", |it| rewrite(it, tag("TagResources", MISSING), |reply| reply["Code"] = Value::Null)),
    ]
}
