//! Who may take on the roles: Function Compute that of the function, the function that of a member.

use authorization::policy::{ASSUME_ROLE, Access, PolicyDocument, Principal, evaluate, other_principals};
use dts_role_guard::report::Status;
use emulator::Member;
use serde_json::json;
use testkit::{ACCOUNT, Lab, session_key};

use crate::{ENTRY, FUNCTION_TRUST, MEMBER, MEMBER_TRUST, ORGANIZATION, VERIFY, entered_by};

#[test]
fn the_role_of_the_function_is_for_function_compute_alone() {
    let document = PolicyDocument::parse(FUNCTION_TRUST, "fc.aliyuncs.com");
    let platform = Principal::service("fc.aliyuncs.com");
    assert_eq!(document.unreadable, []);
    assert_eq!(evaluate(&document, ASSUME_ROLE, &platform).access, Access::Allowed);
    assert!(other_principals(&document, &platform).is_empty());
}

#[tokio::test]
async fn a_member_role_of_ones_own_lets_in_the_function_and_no_other_role_of_its_account() {
    let everybody = MEMBER_TRUST.replace("role/dts-role-guard-role", "root");
    for (caller, trust, enters) in [
        ("dts-role-guard-role", MEMBER_TRUST, true),
        ("another-role", MEMBER_TRUST, false),
        ("another-role", everybody.as_str(), true),
    ] {
        let status = looked_by(caller, entered_by(trust, VERIFY)).await;
        assert_eq!(status == Status::Drifted, enters, "{caller} {trust}: {status:?}");
    }
}

/// A look at a member without the role that DTS uses.
async fn looked_by(caller: &str, member: Member) -> Status {
    let key = session_key();
    let key =
        key.of_role(ACCOUNT, caller, "lab").policy(&ORGANIZATION.replace("ResourceDirectoryAccountAccessRole", ENTRY));
    let lab = Lab::organization_with_key(key, |directory| directory.member(member)).set("DTS_GUARD_MEMBER_ROLE", ENTRY);
    lab.invoke(&json!({"mode": "verify", "accounts": [MEMBER]})).await.status
}
