//! What the limits of a document keep away: for each `Deny` and each narrowed resource, an attack that it stops.

use std::collections::BTreeSet;

use authorization::plan::PRIVILEGED_POLICIES;
use authorization::target::PolicyType;

use crate::document::{Document, Kind, Part};
use crate::thief::{Attack, OWNER, Thief};
use crate::{ORGANIZATION, REMEDIATE, VERIFY, without_extras};

const ADMINISTRATOR: Attack = Attack::Takeover(PolicyType::System, "AdministratorAccess");
const RAM_ADMINISTRATOR: Attack = Attack::Takeover(PolicyType::System, "AliyunRAMFullAccess");

/// A statement and its limit, and what becomes possible without it.
type Row = (usize, &'static str, Attack);

const OF_VERIFY: [Row; 1] = [(0, "acs:ram:*:*:role/AliyunDTSDefaultRole", Attack::LookAtAnotherRole)];

const OF_REMEDIATE: [Row; 8] = [
    (0, "acs:ram:*:*:role/AliyunDTSDefaultRole", Attack::DeletionOfAnotherRole),
    (1, "acs:ram:*:system:policy/*", Attack::PolicyForAnotherRole),
    (1, "acs:ram:*:*:policy/*", Attack::PolicyForAnotherRole),
    (2, "ram:AttachPolicyToRole", ADMINISTRATOR),
    (2, "acs:ram:*:system:policy/AdministratorAccess", ADMINISTRATOR),
    (2, "acs:ram:*:system:policy/AliyunRAMFullAccess", RAM_ADMINISTRATOR),
    (2, "acs:ram:*:system:policy/AliyunSTSAssumeRoleAccess", Attack::EntryByTheRole),
    (2, "acs:ram:*:system:policy/AliyunResourceDirectoryFullAccess", Attack::DirectoryByTheRole),
];

const OF_ORGANIZATION: [Row; 1] =
    [(1, "acs:ram:*:*:role/ResourceDirectoryAccountAccessRole", Attack::EntryByAnotherRole)];

#[tokio::test]
async fn each_limit_of_a_document_stops_an_attack() {
    for (document, rows) in
        [(VERIFY, &OF_VERIFY[..]), (REMEDIATE, &OF_REMEDIATE[..]), (ORGANIZATION, &OF_ORGANIZATION[..])]
    {
        let document = Document::parse(document);
        let named: BTreeSet<_> = rows.iter().map(|(statement, value, _)| document.part(*statement, value)).collect();
        assert_eq!(named, document.parts().into_iter().filter(is_limit).collect(), "the limits with an attack");
        for (statement, value, attack) in rows {
            let limit = document.part(*statement, value);
            assert!(!Thief::new(&document.text()).succeeds(*attack).await, "{attack:?} succeeds");
            assert!(Thief::new(&opened(&document, &limit).text()).succeeds(*attack).await, "{attack:?}: {limit:?}");
        }
    }
}

fn is_limit(part: &Part) -> bool {
    part.denies || (part.kind == Kind::Resource && part.value != "*")
}

/// Without what is denied, or with everything instead of what is allowed.
fn opened(document: &Document, limit: &Part) -> Document {
    if limit.denies { document.without(limit) } else { document.with(limit, "*") }
}

#[test]
fn the_deny_names_the_policies_that_the_guard_never_attaches() {
    let denied = Document::parse(REMEDIATE).parts().into_iter().filter(|part| part.denies);
    let denied: Vec<_> = denied.filter(|part| part.kind == Kind::Resource).map(|part| part.value).collect();
    assert_eq!(denied, PRIVILEGED_POLICIES.map(|policy| format!("acs:ram:*:system:policy/{policy}")));
}

/// The `Deny` goes by name. This is why `docs/permissions.md` says how to do without extra policies.
#[tokio::test]
async fn only_the_document_without_extra_policies_stops_a_mighty_policy_of_another_name() {
    let attack = Attack::Takeover(PolicyType::Custom, OWNER);
    assert!(Thief::new(REMEDIATE).succeeds(attack).await);
    assert!(!Thief::new(&without_extras().text()).succeeds(attack).await);
}
