//! Whatever happens to a run, nothing is left behind.

use conformance::{Ended, Verdict};
use emulator::{Role, Rule};

use crate::bench::{ACCOUNT, Bench, Between};
use crate::bends::{ROLE, on};

/// The numbers of the writes of a whole run.
async fn writes() -> Vec<usize> {
    let bench = Bench::start();
    bench.run().await;
    // The first call is the one for the caller, which goes another way.
    bench.emulator.calls().iter().filter(|call| call.write).map(|call| call.index).collect()
}

#[tokio::test]
async fn the_lost_reply_of_any_write_leaves_nothing_behind() {
    for number in writes().await {
        let bench = Bench::start();
        let report = bench.run_over(Between::LoseReply(number)).await;
        assert_eq!(report.left, [], "{number}");
        assert_eq!(report.with(Verdict::Contradicted).count(), 0, "{number}: {}", report.human());
        bench.assert_clean(&format!("the reply to call {number} was lost"));
    }
}

#[tokio::test]
async fn a_panic_leaves_nothing_behind() {
    for number in writes().await {
        let bench = Bench::start();
        let report = bench.run_over(Between::Panic(number)).await;
        bench.assert_clean(&format!("panic at call {number}"));
        // The last writes are those of the removal.
        if report.ended == Ended::Panicked {
            assert_eq!((report.status(), report.exit_code()), ("incomplete", 3), "{number}");
        }
    }
}

#[tokio::test]
async fn a_signal_at_any_call_leaves_nothing_behind() {
    let count = {
        let bench = Bench::start();
        bench.run().await;
        bench.emulator.calls().len() - 1
    };
    for number in (1..count).step_by(3) {
        let bench = Bench::start();
        let report = bench.run_over(Between::Interrupt(number, bench.interrupt())).await;
        assert_eq!((report.ended, report.exit_code()), (Ended::Interrupted, 3), "{number}");
        bench.assert_clean(&format!("signal at call {number}"));
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_told_with_its_command() {
    let bench = Bench::start();
    // Its own deletions, and those of the removal, are denied from the second on.
    let denied = bench.emulator.fault(on("DeleteRole", ROLE).from(2).deny());
    let report = bench.run().await;
    assert_eq!((report.status(), report.exit_code()), ("left", 4));
    let left: Vec<_> = report.left.iter().map(|left| (left.name.as_str(), left.command.as_str())).collect();
    assert_eq!(left, [(ROLE, &*format!("aliyun ram DeleteRole --RoleName {ROLE}"))]);
    assert!(report.human().contains(&report.left[0].command) && report.left[0].why.contains("NoPermission"));
    drop(denied);
    assert!(bench.emulator.role(ACCOUNT, ROLE).is_some());
}

#[tokio::test]
async fn a_role_that_somebody_has_put_in_its_place_is_not_touched() {
    let bench = Bench::start();
    let theirs = || Role::named(ROLE).trusting_service("ecs.aliyuncs.com").attach_system("AliyunOSSReadOnlyAccess");
    // In the middle of the tags somebody deletes the role, and makes one of that name.
    let replaced = bench.emulator.after_call(Rule::on("ListTagResources").nth(5), move |world| {
        assert!(world.delete_role(ACCOUNT, ROLE));
        world.put_role(ACCOUNT, theirs());
    });
    let report = bench.run().await;
    drop(replaced);
    let role = bench.emulator.role(ACCOUNT, ROLE).expect("theirs is there");
    assert_eq!(role.policy_names(), ["AliyunOSSReadOnlyAccess"]);
    assert_eq!(report.exit_code(), 4, "{}", report.human());
    assert!(report.left[0].why.contains("not touched"), "{:?}", report.left);
}

#[tokio::test]
async fn a_name_that_is_taken_ends_the_run_before_its_first_write() {
    let bench = Bench::start();
    bench.emulator.with_world(|world| world.put_role(ACCOUNT, Role::named(ROLE)));
    let report = bench.run().await;
    assert_eq!(bench.emulator.writes().len(), 0);
    assert_eq!((report.status(), report.left.len()), ("incomplete", 0), "{}", report.human());
}
