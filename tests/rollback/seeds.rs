//! Plan shapes: a missing role, each finding, no, one and five extra policies, tags, under either strategy.

use authorization::settings::Mode;
use emulator::{Call, DTS_POLICY, Role, Rule};
use testkit::{CUSTOM, Lab};

/// A broken role that a plan is made for.
pub(crate) struct Seed {
    pub(crate) name: &'static str,
    pub(crate) strategy: &'static str,
    pub(crate) role: fn() -> Option<Role>,
    /// It meets every kind of fault. Between them, these have every kind of step.
    pub(crate) thorough: bool,
}

const fn seed(name: &'static str, strategy: &'static str, role: fn() -> Option<Role>) -> Seed {
    Seed { name, strategy, role, thorough: false }
}

const fn thorough(name: &'static str, strategy: &'static str, role: fn() -> Option<Role>) -> Seed {
    Seed { thorough: true, ..seed(name, strategy, role) }
}

/// The service that other roles trust.
pub(crate) const OTHER_SERVICE: &str = "ecs.aliyuncs.com";

fn other_trust() -> Role {
    Role::dts().trusting_service(OTHER_SERVICE)
}

/// Others who may assume the role would get the DTS policy: but for DTS of another account, that is refused.
fn of_another_account() -> Role {
    Role::dts().trusting_service("2234567890123456@dts.aliyuncs.com")
}

/// What no statement more can mend.
const DENY: &str = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"Service":["dts.aliyuncs.com"]}}]}"#;

fn five_extras() -> Role {
    let custom = CUSTOM.into_iter().fold(other_trust().description("it's ours"), Role::attach_custom);
    let system = custom.attach_system("AliyunOSSReadOnlyAccess").attach_system("AliyunECSReadOnlyAccess");
    system.max_session_duration(7200).console_login(true).tag("team", "data").tag("empty", "")
}

/// Every shape of a plan.
pub(crate) static SEEDS: [Seed; 13] = [
    thorough("missing", "recreate", || None),
    seed("trust", "recreate", || Some(other_trust())),
    seed("policy", "recreate", || Some(Role::dts().detach(DTS_POLICY))),
    seed("trust and policy", "recreate", || Some(other_trust().detach(DTS_POLICY))),
    thorough("one extra", "recreate", || Some(other_trust().attach_custom(CUSTOM[0]))),
    seed("five extras and tags", "recreate", || Some(five_extras())),
    thorough("tags", "recreate", || Some(other_trust().detach(DTS_POLICY).tag("team", "data"))),
    seed("trust in place", "in-place", || Some(of_another_account().attach_custom(CUSTOM[0]).tag("team", "data"))),
    seed("policy in place", "in-place", || Some(Role::dts().detach(DTS_POLICY).attach_custom(CUSTOM[0]))),
    thorough("trust and policy in place", "in-place", || Some(of_another_account().detach(DTS_POLICY))),
    seed("policy, least", "least", || Some(Role::dts().detach(DTS_POLICY).attach_custom(CUSTOM[0]))),
    seed("denied, least", "least", || Some(Role::dts().trust(DENY).attach_custom(CUSTOM[0]).tag("team", "data"))),
    seed("missing in place", "in-place", || None),
];

impl Seed {
    pub(crate) fn lab(&self) -> Lab {
        Lab::new((self.role)()).set("DTS_GUARD_STRATEGY", self.strategy)
    }

    pub(crate) fn is_in_place(&self) -> bool {
        self.strategy == "in-place"
    }

    /// The run that nothing disturbs.
    pub(crate) async fn course(&'static self) -> Course {
        let lab = self.lab();
        let _ = lab.run(Mode::Remediate).await;
        Course { seed: self, calls: lab.emulator.calls() }
    }
}

/// The calls of a run that nothing disturbs.
pub(crate) struct Course {
    pub(crate) seed: &'static Seed,
    pub(crate) calls: Vec<Call>,
}

/// One write of a plan, named after its operation and its policy, and which of that name it is: what must succeed after
/// the deletion is rehearsed before it.
#[derive(Clone)]
pub(crate) struct Write {
    pub(crate) operation: String,
    pub(crate) policy: Option<String>,
    /// From 1.
    pub(crate) nth: usize,
    /// Whether it is tried where it has no effect.
    pub(crate) is_rehearsal: bool,
    /// Its place among the calls.
    at: usize,
}

impl Write {
    /// The calls of this name.
    fn named(&self) -> Rule {
        let rule = Rule::on(&self.operation);
        self.policy.iter().fold(rule, |rule, policy| rule.param("PolicyName", policy))
    }

    /// This one call.
    pub(crate) fn once(&self) -> Rule {
        self.named().nth(self.nth)
    }

    /// The call, and each time that it is repeated.
    pub(crate) fn always(&self) -> Rule {
        self.named().from(self.nth)
    }

    /// The calls that take this write back.
    pub(crate) fn reverse(&self) -> Option<Rule> {
        let (operation, nth) = match self.operation.as_str() {
            // The first attachment is its rehearsal.
            "DetachPolicyFromRole" => ("AttachPolicyToRole", 2),
            "AttachPolicyToRole" => ("DetachPolicyFromRole", 1),
            "CreateRole" => ("DeleteRole", 1),
            _ => return None,
        };
        Some(Self { operation: operation.to_owned(), nth, ..self.clone() }.always())
    }

    pub(crate) fn name(&self) -> String {
        let rehearsal = if self.is_rehearsal { "rehearsed " } else { "" };
        let name = format!("{rehearsal}{} {}", self.operation, self.policy.as_deref().unwrap_or_default());
        name.trim_end().to_owned()
    }
}

impl Course {
    pub(crate) fn writes(&self) -> Vec<Write> {
        let taken = self.calls.iter().position(|call| takes_away(&call.operation)).unwrap_or(0);
        let mut names = std::collections::HashMap::new();
        let writes = self.calls.iter().filter(|call| call.write).map(|call| {
            let policy = call.params.get("PolicyName").cloned();
            let nth = names.entry((call.operation.clone(), policy.clone())).or_insert(0);
            *nth += 1;
            let is_rehearsal = call.index < taken;
            Write { operation: call.operation.clone(), policy, nth: *nth, is_rehearsal, at: call.index }
        });
        writes.collect()
    }

    /// The writes that are taken back when a later one fails: all up to a deletion.
    pub(crate) fn reversible(&self) -> Vec<Write> {
        let deletion = self.calls.iter().position(|call| call.operation == "DeleteRole").unwrap_or(self.calls.len());
        self.writes().into_iter().filter(|write| write.at <= deletion && !write.is_rehearsal).collect()
    }

    pub(crate) fn last_write(&self) -> Write {
        self.writes().pop().unwrap()
    }

    /// Each read: its operation, and which of that operation it is.
    pub(crate) fn reads(&self) -> Vec<(String, usize)> {
        let reads = self.calls.iter().filter(|call| !call.write);
        reads.map(|call| (call.operation.clone(), self.reads_before(&call.operation, call.index) + 1)).collect()
    }

    /// Reads of an operation that come after a write.
    pub(crate) fn reads_after(&self, write: &Write, operation: &str) -> Rule {
        Rule::on(operation).from(self.reads_before(operation, write.at) + 1)
    }

    /// A write between two of the same operation.
    pub(crate) fn is_like_others(&self, write: &Write) -> bool {
        let writes = self.writes();
        let like = |other: &Write| other.operation == write.operation && other.is_rehearsal == write.is_rehearsal;
        writes.windows(3).any(|of| of[1].at == write.at && of.iter().all(like))
    }

    fn reads_before(&self, operation: &str, at: usize) -> usize {
        self.calls.iter().take(at).filter(|call| call.operation == operation).count()
    }
}

/// Whether an operation takes something away from a role.
pub(crate) fn takes_away(operation: &str) -> bool {
    matches!(operation, "DetachPolicyFromRole" | "DeleteRole")
}
