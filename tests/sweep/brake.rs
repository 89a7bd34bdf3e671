//! Where so much is broken that the mistake is more likely ours, nothing is written.

use dts_role_guard::report::Status;
use emulator::{Rule, Seed};

use super::*;

#[tokio::test]
async fn more_broken_accounts_than_the_share_are_all_left_as_they_are() {
    // 10 of 50 would be 20 percent; the own account makes it 51.
    let lab = organization(49, 11);
    let report = sweep(&lab).await;
    let json = checked(&report);
    assert_eq!((report.status, report.summary.refused), (Status::Refused, 11), "{json}");
    assert!(lab.emulator.writes().is_empty());
    for line in with_status(&json, "refused") {
        assert_eq!(next(line), "the brake holds it back: `reason` of the report says why");
        assert!(!line["findings"].as_array().unwrap().is_empty(), "what is broken is still said");
    }
    let reason = json["reason"].as_str().unwrap();
    assert!(reason.contains("11 of 50") && reason.contains("`DTS_GUARD_BRAKE`"), "{json}");
    assert_eq!(json.to_string().matches("11 of 50").count(), 1, "the reason stands once: {json}");
    let failure = report.failure().unwrap();
    assert_eq!(failure.error_type, "Refused", "or nobody would notice");
    assert!(failure.error_message.starts_with("11 refused, 39 authorized; the brake holds: 11 of 50"), "{failure:?}");
}

#[tokio::test]
async fn at_the_share_and_below_the_least_number_the_brake_does_not_hold() {
    for (members, broken) in [(49, 10), (4, 4)] {
        let lab = organization(members, broken);
        assert_eq!(sweep(&lab).await.summary.remediated, broken);
    }
}

#[tokio::test]
async fn one_setting_moves_or_lifts_it() {
    for (setting, broken, repaired) in [("off", 20, 20), ("100", 20, 20), ("50", 11, 0), ("0", 5, 0), ("0", 4, 4)] {
        let lab = organization(19, broken.min(19)).set("DTS_GUARD_BRAKE", setting);
        let report = sweep(&lab).await;
        assert_eq!(report.summary.remediated, repaired.min(19), "{setting}: {}", json(&report));
    }
}

#[tokio::test]
async fn accounts_that_could_not_be_judged_do_not_count() {
    // 5 of 21 are more than 20 percent, 5 of 41 are not.
    let lab = organization_of(40, |index, member| match index {
        0..5 => member.seed(Seed::Trust),
        5..20 => member.seed(Seed::Healthy),
        _ => member.without_access_role(),
    });
    let report = sweep(&lab).await;
    assert_eq!((report.summary.refused, report.summary.failed), (5, 20), "{}", json(&report));
    assert!(lab.emulator.writes().is_empty());
}

#[tokio::test]
async fn a_plan_says_that_the_brake_would_hold_and_verify_does_not_speak_of_it() {
    for (payload, warns) in [("plan", true), ("verify", false)] {
        let lab = organization(19, 10);
        let report = checked(&lab.invoke(&timer(payload)).await);
        assert_eq!(report["summary"]["drifted"], 10);
        for line in with_status(&report, "drifted") {
            assert_eq!(next(line).contains("would refuse: the brake holds it back"), warns, "{line}");
        }
        assert_eq!(report["reason"].is_string(), warns, "{report}");
    }
}

#[tokio::test]
async fn five_broken_accounts_of_one_batch_are_held_and_four_are_not() {
    for (count, repaired) in [(5, 0), (4, 4)] {
        let lab = organization(40, 40);
        let accounts: Vec<_> = member_ids(count).collect();
        let report = lab.invoke(&serde_json::json!({"accounts": accounts})).await;
        assert_eq!((report.summary.remediated, report.summary.refused), (repaired, count - repaired));
    }
}

/// One after the other, so that the count is exact.
#[tokio::test]
async fn no_repair_is_begun_once_too_many_have_failed() {
    let lab = organization_of(99, |index, member| member.seed(if index < 12 { Seed::Extras } else { Seed::Healthy }))
        .set("DTS_GUARD_CONCURRENCY", "1");
    let _denied = lab.emulator.fault(Rule::on("DeleteRole").every().deny());
    let report = sweep(&lab).await;
    let json = checked(&report);
    assert_eq!((report.summary.rolled_back, report.summary.refused), (5, 7), "{json}");
    for line in with_status(&json, "refused") {
        assert!(next(line).contains("the brake holds it back"), "{line}");
    }
    let reason = json["reason"].as_str().unwrap();
    assert!(reason.contains("5 of 5 (more than 20 percent) repairs failed"), "{reason}");
    let deletions = lab.emulator.calls().iter().filter(|call| call.operation == "DeleteRole").count();
    assert!(deletions >= 5);
    let touched = lab.emulator.writes().into_iter().filter_map(|call| call.account);
    assert_eq!(touched.collect::<std::collections::BTreeSet<_>>().len(), 5, "the others were not touched");
}

#[tokio::test]
async fn one_failed_repair_among_many_stops_no_other() {
    let lab = organization_of(99, |index, member| member.seed(if index < 12 { Seed::Extras } else { Seed::Healthy }));
    let _denied = lab.emulator.fault(Rule::on("DeleteRole").account(&id(3)).every().deny());
    let report = sweep(&lab).await;
    assert_eq!((report.summary.rolled_back, report.summary.remediated), (1, 11), "{}", json(&report));
}

/// Of 30 broken accounts ten must not be written to at all. One after the other, and in each order.
#[tokio::test]
async fn repairs_that_are_denied_before_their_first_write_keep_no_other_from_its_own() {
    for seed in [Seed::Missing, Seed::Extras] {
        let lab = organization_of(160, |index, member| member.seed(if index < 30 { seed } else { Seed::Healthy }))
            .set("DTS_GUARD_CONCURRENCY", "1");
        let denied = (1..=10).map(|number| lab.emulator.fault(Rule::writes().account(&id(number)).every().deny()));
        let denied: Vec<_> = denied.collect();
        let report = checked(&sweep(&lab).await);
        assert_eq!(report["summary"]["remediated"], 20, "{}", report["summary"]);
        assert!(report["reason"].is_null(), "{}", report["reason"]);
        drop(denied);
    }
}

/// Six repairs fail after their first write, which may make the brake hold. The next run begins with the others.
#[tokio::test]
async fn accounts_whose_repair_failed_last_time_come_last() {
    let folder = tempfile::tempdir().unwrap();
    let lab = organization_of(160, |index, member| member.seed(if index < 30 { Seed::Extras } else { Seed::Healthy }))
        .set("DTS_GUARD_CONCURRENCY", "1")
        .set("DTS_GUARD_JOURNAL_DIR", folder.path().to_str().unwrap());
    let failing = (1..=6).map(|number| lab.emulator.fault(Rule::on("DeleteRole").account(&id(number)).every().deny()));
    let _failing: Vec<_> = failing.collect();
    let failed = ids(&with_status(&checked(&sweep(&lab).await), "rolledBack"));
    assert!(failed.len() >= 5, "{failed:?}");
    lab.emulator.with_world(|world| {
        for number in 31..=36 {
            world.detach(&id(number), DTS_ROLE, DTS_POLICY);
        }
    });
    let before = lab.emulator.writes().len();
    let report = checked(&sweep(&lab).await);
    let mut order: Vec<_> = lab.emulator.writes().drain(before..).filter_map(|call| call.account).collect();
    order.dedup();
    let tried_again = order.iter().position(|account| failed.contains(account)).unwrap();
    assert!(order[tried_again..].iter().all(|account| failed.contains(account)), "{order:?} after {failed:?}");
    assert!((7..=36).all(|number| is_authorized(&lab.emulator, &id(number))), "{report}");
}
