//! What the recorder of a run in real time says of its limits.

use std::collections::BTreeMap;
use std::time::Duration;

use emulator::{Rule, peak_accounts, peak_per_second};
use testkit::Guard;

use super::*;

const SETTINGS: [(&str, &str); 4] = [
    ("DTS_GUARD_SCOPE", "organization"),
    ("DTS_GUARD_MODE", "remediate"),
    ("DTS_GUARD_CONCURRENCY", "4"),
    ("DTS_GUARD_RATE", "10"),
];

#[test]
fn neither_concurrency_nor_rate_is_ever_exceeded() {
    let emulator = testkit::members(member_ids(160), |index, member| {
        member.seed(if index % 20 == 0 { Seed::Extras } else { Seed::Healthy })
    });
    let _far = emulator.fault(Rule::any().every().latency(Duration::from_millis(4)));
    let report = Guard::start(&emulator, &SETTINGS).invoke("").report();
    assert_eq!(
        (&report["summary"]["authorized"], &report["summary"]["remediated"]),
        (&153.into(), &8.into()),
        "{report}"
    );

    let calls = emulator.calls();
    let per_second = |calls: &[Call]| peak_per_second(calls);
    let entries: Vec<_> = calls.iter().filter(|call| call.operation == "AssumeRole").cloned().collect();
    assert!((60..=80).contains(&per_second(&entries)), "{}", per_second(&entries));
    let mut buckets: BTreeMap<_, Vec<Call>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.operation != "AssumeRole") {
        buckets.entry((call.operation.clone(), call.account.clone())).or_default().push(call.clone());
    }
    let most = buckets.values().map(|calls| per_second(calls)).max().unwrap();
    assert!(most <= 20, "a burst of one second's worth and the next second's: {most}");

    // The own account is one of the four, and listing goes on beside them.
    let (first_write, _) = calls.iter().enumerate().find(|(_, call)| call.write).unwrap();
    let judging: Vec<_> =
        calls[..first_write].iter().filter(|call| call.operation != "ListAccounts").cloned().collect();
    let members: Vec<_> = judging.into_iter().filter(|call| call.account.is_some()).collect();
    assert_eq!(peak_accounts(&members[..members.len() - 40]), 4);
}

#[tokio::test]
async fn a_cloud_that_throttles_is_waited_for_together() {
    let lab = organization(120, 3);
    let _throttled = lab.emulator.fault(Rule::on("AssumeRole").from(20).times(16).throttle());
    let report = sweep(&lab).await;
    assert_eq!((report.summary.authorized, report.summary.remediated), (118, 3), "{}", json(&report));
    assert!(lab.slept() >= Duration::from_secs(1), "a second at least: {:?}", lab.slept());
}
