//! One thing that is broken, and what the doctor must say of it.

use aliyun::credentials::RawCredentials;
use dts_role_guard::doctor::CheckStatus;
use emulator::{Emulator, FaultGuard, Member, Role};
use testkit::Lab;

use super::{assert_follows_schema, check, troubles};

pub(crate) const MEMBER: &str = "2234567890123456";

/// What is broken, and what the doctor has to say: which check, how bad, what it names, what to do.
pub(crate) struct Case {
    name: &'static str,
    pub(crate) lab: Lab,
    keys: RawCredentials,
    id: &'static str,
    status: CheckStatus,
    says: &'static str,
    next: &'static str,
    faults: Vec<FaultGuard>,
}

impl Case {
    pub(crate) fn failed(
        name: &'static str,
        lab: Lab,
        id: &'static str,
        says: &'static str,
        next: &'static str,
    ) -> Self {
        Self { name, lab, keys: Lab::keys(), id, status: CheckStatus::Failed, says, next, faults: Vec::new() }
    }

    pub(crate) fn warning(
        name: &'static str,
        lab: Lab,
        id: &'static str,
        says: &'static str,
        next: &'static str,
    ) -> Self {
        Self { status: CheckStatus::Warning, ..Self::failed(name, lab, id, says, next) }
    }

    pub(crate) fn with_keys(self, keys: RawCredentials) -> Self {
        Self { keys, ..self }
    }

    pub(crate) fn with(mut self, fault: impl FnOnce(&Emulator) -> FaultGuard) -> Self {
        self.faults.push(fault(&self.lab.emulator));
        self
    }

    pub(crate) async fn check(self) {
        let name = self.name;
        let before = self.lab.role();
        let report = self.lab.doctor_with(self.keys).await;
        assert_eq!(troubles(&report), [self.id], "{name}: {report:#?}");
        let found = check(&report, self.id);
        assert_eq!(found.status, self.status, "{name}: {found:#?}");
        assert!(found.message.contains(self.says), "{name}: {found:#?}");
        assert!(found.next.as_deref().unwrap_or_default().contains(self.next), "{name}: {found:#?}");
        assert_eq!(report.exit_code(), if self.status == CheckStatus::Failed { 3 } else { 1 }, "{name}");
        assert!(self.lab.emulator.calls().iter().all(|call| !call.effect), "{name}");
        assert_eq!(self.lab.role(), before, "{name}");
        assert_follows_schema(&serde_json::from_str(&report.to_json()).unwrap());
        let text = report.to_human();
        for secret in self.lab.emulator.secrets() {
            assert!(!text.contains(&secret) && !report.to_json().contains(&secret), "{name}: {text}");
        }
    }
}

pub(crate) async fn all(cases: Vec<Case>) {
    for case in cases {
        case.check().await;
    }
}

pub(crate) fn healthy() -> Lab {
    Lab::new(Some(Role::dts().tag("team", "data")))
}

pub(crate) fn organization() -> Lab {
    Lab::organization(|directory| directory.member(Member::new(MEMBER).role(Role::dts())))
}
