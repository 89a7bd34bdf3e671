//! Nothing in a document is there for nothing: for each action and each resource, what breaks without it.

use std::collections::BTreeSet;

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, Role, WorldState};

use crate::document::{Document, Kind, Part};
use crate::place::{Outcome, Place};
use crate::{ORGANIZATION, REMEDIATE, VERIFY, full, lab};

const DTS_ROLE: &str = "acs:ram:*:*:role/AliyunDTSDefaultRole";
const ACCESS_ROLE: &str = "acs:ram:*:*:role/ResourceDirectoryAccountAccessRole";

/// Something that the guard does.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) role: fn() -> Option<Role>,
    pub(crate) mode: Mode,
    pub(crate) strategy: &'static str,
    /// What becomes of it.
    status: Status,
}

const LOOK: Scenario = Scenario {
    name: "a look",
    role: || Some(Role::dts()),
    mode: Mode::Verify,
    strategy: "recreate",
    status: Status::Authorized,
};
const PLAN: Scenario =
    Scenario { name: "a plan", role: || Some(full()), mode: Mode::Plan, strategy: "recreate", status: Status::Drifted };
const CREATION: Scenario = Scenario {
    name: "a missing role is created",
    role: || None,
    mode: Mode::Remediate,
    strategy: "recreate",
    status: Status::Remediated,
};
const RECREATION: Scenario =
    Scenario { name: "a role with extra policies and tags is recreated", role: || Some(full()), ..CREATION };
const POLICY: Scenario = Scenario {
    name: "the policy is attached in place",
    role: || Some(Role::dts().detach(DTS_POLICY)),
    strategy: "in-place",
    ..CREATION
};
const TRUST: Scenario = Scenario {
    name: "the trust policy is extended in place",
    role: || Some(Role::dts().trusting_service("ecs.aliyuncs.com")),
    strategy: "in-place",
    ..CREATION
};

/// A statement and its action or resource, what needs it, and what becomes of that without it.
type Row = (usize, &'static str, Scenario, Status);

const OF_VERIFY: [Row; 4] = [
    (0, "ram:GetRole", LOOK, Status::Failed),
    (0, "ram:ListPoliciesForRole", LOOK, Status::Failed),
    // The plan is shorter than what a repair would do.
    (0, "ram:ListTagResources", PLAN, Status::Drifted),
    (0, DTS_ROLE, LOOK, Status::Failed),
];

const OF_REMEDIATE: [Row; 16] = [
    (0, "ram:GetRole", LOOK, Status::Failed),
    (0, "ram:ListPoliciesForRole", LOOK, Status::Failed),
    (0, "ram:ListTagResources", RECREATION, Status::Refused),
    (0, "ram:CreateRole", RECREATION, Status::Refused),
    (0, "ram:UpdateRole", TRUST, Status::RolledBack),
    (0, "ram:DeleteRole", RECREATION, Status::RolledBack),
    (0, "ram:TagResources", RECREATION, Status::Refused),
    (0, "ram:AttachPolicyToRole", POLICY, Status::RolledBack),
    (0, "ram:DetachPolicyFromRole", RECREATION, Status::RolledBack),
    (0, DTS_ROLE, LOOK, Status::Failed),
    (1, "ram:AttachPolicyToRole", POLICY, Status::RolledBack),
    (1, "ram:DetachPolicyFromRole", RECREATION, Status::RolledBack),
    (1, "acs:ram:*:system:policy/*", POLICY, Status::RolledBack),
    (1, "acs:ram:*:*:policy/*", RECREATION, Status::Refused),
    // As far as the vendor says; that it needs no permission is inferred.
    (3, "sts:GetCallerIdentity", CREATION, Status::Failed),
    (3, "*", CREATION, Status::Failed),
];

#[tokio::test]
async fn each_part_of_the_document_for_verify_is_needed() {
    each_is_needed(VERIFY, &OF_VERIFY, &[(1, "sts:GetCallerIdentity"), (1, "*")]).await;
}

/// A terminal learns from the keys whose account it looks at, and so does a function whose platform does not say it.
#[tokio::test]
async fn the_document_for_verify_lets_the_keys_say_whose_they_are() {
    let document = Document::parse(VERIFY);
    let look = async |document: &Document| {
        let lab = lab(Some(Role::dts()), &document.text());
        lab.emulator.with_world(WorldState::require_permission_for_identity);
        lab.ask_without_account(Mode::Verify).await.status
    };
    assert_eq!(look(&document).await, Status::Authorized);
    for value in ["sts:GetCallerIdentity", "*"] {
        assert_eq!(look(&document.without(&document.part(1, value))).await, Status::Failed, "{value}");
    }
}

#[tokio::test]
async fn each_part_of_the_document_for_remediate_is_needed() {
    each_is_needed(REMEDIATE, &OF_REMEDIATE, &[]).await;
}

/// In the function's own account, and as the document of a member role of one's own.
async fn each_is_needed(document: &str, rows: &[Row], elsewhere: &[(usize, &str)]) {
    let document = Document::parse(document);
    let named = rows.iter().map(|(statement, value, ..)| (*statement, *value)).chain(elsewhere.iter().copied());
    assert_all_named(&document, named.map(|(statement, value)| document.part(statement, value)));
    for (statement, value, scenario, status) in rows {
        let part = document.part(*statement, value);
        for place in [Place::Own, Place::Member] {
            let whole = place.run(scenario, &document).await;
            assert!(whole.is(scenario.status, &[]), "{} in {place:?}: {whole:?}", scenario.name);
            let broken = place.run(scenario, &document.without(&part)).await;
            assert_broken(&part, &broken, *status, scenario.name);
            assert_ne!(
                (whole.status, whole.steps),
                (broken.status, broken.steps),
                "{} without {part:?}",
                scenario.name
            );
        }
    }
}

/// The second document of the function's role in the management account.
#[tokio::test]
async fn each_part_of_the_document_for_an_organization_is_needed() {
    let (document, own) = (Document::parse(ORGANIZATION), Document::parse(REMEDIATE));
    let sweep = ("a run over all members", serde_json::json!({}));
    let named = ("a run over one member", serde_json::json!({"accounts": [crate::place::MEMBER]}));
    let folders = ("a run over the members of a folder", serde_json::json!({}));
    let rows = [
        (0, "resourcemanager:ListAccounts", &sweep),
        (0, "resourcemanager:GetAccount", &named),
        (0, "resourcemanager:GetFolder", &folders),
        (0, "*", &sweep),
        (1, "sts:AssumeRole", &sweep),
        (1, ACCESS_ROLE, &named),
    ];
    assert_all_named(&document, rows.iter().map(|(statement, value, _)| document.part(*statement, value)));
    for (statement, value, (name, event)) in rows {
        let part = document.part(statement, value);
        let has_folders = value == "resourcemanager:GetFolder";
        let whole = crate::place::in_directory(&document.clone().and(own.clone()), event, has_folders).await;
        assert!(whole.is(Status::Remediated, &[]), "{name}: {whole:?}");
        let broken = crate::place::in_directory(&document.without(&part).and(own.clone()), event, has_folders).await;
        assert_broken(&part, &broken, Status::Failed, name);
    }
}

/// A part without a scenario is one that nobody has shown to be needed.
fn assert_all_named(document: &Document, named: impl Iterator<Item = Part>) {
    let allowed: BTreeSet<_> = document.parts().into_iter().filter(|part| !part.denies).collect();
    assert_eq!(named.collect::<BTreeSet<_>>(), allowed, "the parts with a scenario, and the parts of the document");
}

fn assert_broken(part: &Part, outcome: &Outcome, status: Status, name: &str) {
    assert_eq!(outcome.status, status, "{name} without {part:?}: {outcome:?}");
    match part.kind {
        Kind::Action => {
            let operation = part.value.split(':').next_back().unwrap();
            assert!(outcome.is(status, &[operation]), "{name} without {part:?}: {outcome:?}");
        }
        Kind::Resource => assert!(!outcome.denied.is_empty(), "{name} without {part:?}"),
    }
}
