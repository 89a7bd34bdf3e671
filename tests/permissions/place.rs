//! Where a document says what the guard may do: in the function's own account, and in a member of the directory.

use std::collections::BTreeSet;

use dts_role_guard::report::{Report, Status};
use emulator::{Member, Role, Seed, WorldState};
use serde_json::{Value, json};
use testkit::{Lab, key};

use crate::document::Document;
use crate::needed::Scenario;
use crate::{MEMBER_TRUST, ORGANIZATION, lab};

pub(crate) const MEMBER: &str = "2234567890123456";
/// A member role of one's own.
pub(crate) const ENTRY: &str = "dts-role-guard";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Own,
    /// The document is that of the member role.
    Member,
}

/// What became of a run, and which calls the cloud denied.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// Planned or done.
    pub(crate) steps: usize,
    pub(crate) denied: BTreeSet<String>,
}

impl Outcome {
    fn of(lab: &Lab, report: &Report) -> Self {
        let calls = lab.emulator.calls().into_iter();
        let denied = calls.filter(|call| call.code.as_deref() == Some("NoPermission"));
        let steps = report.accounts.iter().map(|account| account.steps.len()).sum();
        Self { status: report.status, steps, denied: denied.map(|call| call.operation).collect() }
    }

    pub(crate) fn is(&self, status: Status, denied: &[&str]) -> bool {
        self.status == status && self.denied.iter().eq(denied)
    }
}

impl Place {
    pub(crate) async fn run(self, scenario: &Scenario, document: &Document) -> Outcome {
        let role = (scenario.role)();
        let (lab, event) = match self {
            Self::Own => (lab(role, &document.text()), json!({"mode": scenario.mode})),
            Self::Member => (with_member(role, document), json!({"mode": scenario.mode, "accounts": [MEMBER]})),
        };
        let lab = lab.set("DTS_GUARD_STRATEGY", scenario.strategy);
        lab.emulator.with_world(WorldState::require_permission_for_identity);
        let report = lab.invoke(&event).await;
        Outcome::of(&lab, &report)
    }
}

fn with_member(role: Option<Role>, document: &Document) -> Lab {
    let member = entered_by(MEMBER_TRUST, &document.text());
    let member = role.into_iter().fold(member, Member::role);
    let key = key().policy(&ORGANIZATION.replace("ResourceDirectoryAccountAccessRole", ENTRY));
    Lab::organization_with_key(key, |directory| directory.member(member)).set("DTS_GUARD_MEMBER_ROLE", ENTRY)
}

/// A member with a role of one's own.
pub(crate) fn entered_by(trust: &str, document: &str) -> Member {
    let entry = Role::named(ENTRY).trust(trust).attach_custom("Guard");
    let member = Member::new(MEMBER).without_access_role();
    member.account(|account| account.custom_policy_with("Guard", document)).role(entry)
}

/// A run over a directory with one member, whose role is missing; the document is that of the function's role. With folders, a
/// run over that of the member.
pub(crate) async fn in_directory(document: &Document, event: &Value, has_folders: bool) -> Outcome {
    let key = key().policy(&document.text());
    let lab = Lab::organization_with_key(key, |directory| directory.member(Member::new(MEMBER).seed(Seed::Missing)));
    let lab = lab.set("DTS_GUARD_FOLDERS", if has_folders { "fd-000000001" } else { "" });
    lab.emulator.with_world(WorldState::require_permission_for_identity);
    let report = lab.invoke(event).await;
    Outcome::of(&lab, &report)
}
