//! The lines of a day as the log service would have them, for `tests/observability/run`, which asks them the questions of
//! the documentation.

use std::fs;
use std::path::Path;

use emulator::{DTS_POLICY, DTS_ROLE, Emulator, Member, Role, Rule};
use serde_json::Value;
use testkit::{ACCOUNT, Guard, KEY_ID, MEMBERS, cloud, fixture, healthy_cloud, members};

/// Keeps the lines of runs that a timer started, each with its own id.
#[derive(Default)]
struct Day {
    lines: Vec<String>,
    runs: usize,
}

impl Day {
    fn run(&mut self, emulator: &Emulator, mode: &str, scope: &str, times: usize) {
        let guard = Guard::start(emulator, &[("DTS_GUARD_MODE", mode), ("DTS_GUARD_SCOPE", scope)]);
        for _ in 0..times {
            self.runs += 1;
            let id = format!("1-692414ee-10000001-{:012x}", self.runs);
            let event = fixture("events/timer-empty-payload.json");
            let _ = guard.invoke_with(event, &[("x-fc-request-id", &id)]);
        }
        self.lines.extend(guard.stop().1);
    }

    fn keep(&self, name: &str) -> Vec<Value> {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(file, self.lines.join("\n")).unwrap();
        self.lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn troubled() -> Emulator {
    members(MEMBERS.map(str::to_owned), |index, member: Member| match index {
        0 => member.role(Role::dts().detach(DTS_POLICY)),
        1 => member.without_access_role(),
        _ => member.role(Role::dts()),
    })
}

#[test]
fn a_day_with_troubles_and_a_day_without() {
    let mut bad = Day::default();
    let organization = troubled();
    bad.run(&organization, "verify", "organization", 2);
    bad.run(&organization, "remediate", "organization", 1);
    for _ in 0..2 {
        organization.with_world(|world| world.detach(MEMBERS[0], DTS_ROLE, DTS_POLICY));
        bad.run(&organization, "remediate", "organization", 1);
    }
    let lost = cloud(Role::dts().trusting_service("ecs.aliyuncs.com"));
    // The keys are taken away in the middle of the repair.
    let _taken = lost.after_call(Rule::on("DeleteRole"), |world| {
        world.delete_key(KEY_ID);
    });
    bad.run(&lost, "remediate", "account", 1);
    let bad = bad.keep("bad-day.log");
    let has = |account: &str, status: &str| {
        bad.iter().any(|line| line["accountId"] == account && line["status"] == status && line["durationMs"].is_u64())
    };
    assert!(has(MEMBERS[0], "drifted") && has(MEMBERS[0], "remediated") && has(MEMBERS[1], "failed"), "{bad:#?}");
    assert!(has(ACCOUNT, "stuck"), "{bad:#?}");

    let mut good = Day::default();
    good.run(&healthy_cloud(), "remediate", "account", 2);
    let good = good.keep("good-day.log");
    assert_eq!(good.iter().filter(|line| line["status"] == "authorized").count(), 2, "{good:#?}");
}
