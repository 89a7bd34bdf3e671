//! The facts that the guard relies on, asked of the emulator: all agree, and each that is bent is told, alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod bench;
mod bends;
mod bends_of_calls;
mod bends_of_policies;
mod removal;
mod told;

use conformance::{FACTS, Verdict};
use emulator::World;

use bench::{ACCOUNT, Bench};

/// What an account with a directory, asked with the keys of a role, cannot show.
const ELSEWHERE: [&str; 1] = ["directory-none"];

#[tokio::test]
async fn the_emulator_agrees_with_every_fact() {
    let bench = Bench::start();
    let report = bench.run().await;
    let ids = |verdict| report.with(verdict).map(|finding| finding.fact.id).collect::<Vec<_>>();
    assert_eq!(ids(Verdict::Contradicted), [""; 0], "{}", report.human());
    assert_eq!(ids(Verdict::NotTried), ELSEWHERE, "{}", report.human());
    assert_eq!((report.status(), report.exit_code(), report.findings.len()), ("agrees", 0, FACTS.len()));
    bench.assert_clean("agrees");
}

#[tokio::test]
async fn an_account_without_a_directory_shows_the_rest() {
    let bench = Bench::of(World::new().key(bench::key()));
    let report = bench.run().await;
    let untried: Vec<_> = report.with(Verdict::NotTried).map(|finding| finding.fact.id).collect();
    assert_eq!(untried, ["members-total", "members-end", "members-own", "members-status", "member-unknown"]);
    assert_eq!(report.exit_code(), 0, "{}", report.human());
}

#[tokio::test]
async fn the_keys_of_a_user_show_all_but_chaining_and_those_of_the_root_nothing_of_sessions() {
    let key = emulator::AccessKey::permanent("LTAI5tUser", "conformance-secret");
    let untried = async |key: emulator::AccessKey| {
        let bench = Bench::of(World::new().key(key.clone()).directory(ACCOUNT, |directory| directory));
        let report = bench.run_with("LTAI5tUser", "conformance-secret", None).await;
        assert_eq!(report.with(Verdict::Contradicted).count(), 0, "{}", report.human());
        bench.assert_clean("other keys");
        report.with(Verdict::NotTried).map(|finding| (finding.fact.id, finding.seen.clone())).collect::<Vec<_>>()
    };
    let of_user = untried(key.clone().of_user(ACCOUNT, "alice")).await;
    let ids: Vec<_> = of_user.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["assume-chained", "directory-none"]);
    let of_root = untried(key.of_root(ACCOUNT)).await;
    let root = of_root.iter().filter(|(_, why)| why.contains("account's root")).count();
    assert!(root > 15, "{of_root:?}");
}

/// The guard's own role is there, and nothing is written to it.
#[tokio::test]
async fn nothing_but_its_own_roles_and_policy_is_written_to() {
    let bench = Bench::start();
    bench.run().await;
    let names = bench::names();
    for call in bench.emulator.writes() {
        let param = |name: &str| call.params.get(name).cloned().unwrap_or_default();
        let target = [param("RoleName"), param("ResourceNames")].concat();
        let own = [names.role(), names.session_role(), names.missing_role()];
        let is_ours = own.iter().any(|own| target.to_lowercase().contains(own.as_str()));
        assert!(is_ours || param("PolicyName") == names.policy(), "{} {:?}", call.operation, call.params);
        assert!(!target.to_lowercase().contains("aliyundtsdefaultrole"));
    }
    assert!(bench.emulator.writes().len() > 50);
}
