//! A run that is killed in the middle: the next one says what is left, and the one after that does it.

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_ROLE, Role, RoleSnapshot, Rule};
use testkit::{ACCOUNT, Folder, JOURNAL_DIR, Lab, WRITES_OF_FULL, full, json, session_key};

use crate::{has, kill, lab_with, notes, nothing_is_open, performed, silent};

/// Holds the words about what is left against the truth.
async fn what_is_left_is_said(case: &str, lab: &Lab, folder: &Folder, before: &RoleSnapshot) {
    // What was sent at the same time as the call at which the run was killed may still arrive.
    let report = loop {
        let seen = lab.role();
        let report = silent(lab, folder, Mode::Verify).await;
        if lab.role() == seen {
            break report;
        }
    };
    let notes = notes(&report);
    assert_eq!(notes.len(), 1, "{case}: {}", json(&report));
    let message = notes[0]["message"].as_str().unwrap();
    let now = lab.role();
    let is_old = now.as_ref().is_some_and(|now| now.role_id == before.role_id);
    let holds = |policy: &&str| now.as_ref().is_some_and(|now| has(now, policy));
    let (held, lost): (Vec<_>, Vec<_>) = before.policy_names().into_iter().partition(holds);
    assert!(lost.iter().all(|policy| message.contains(*policy)), "{case}: {message}");
    assert!(!held.iter().any(|policy| message.contains(*policy)), "{case}: {message}");
    let untagged = now.as_ref().is_none_or(|now| now.tags != before.tags);
    assert_eq!(message.contains("TagResources"), untagged, "{case}: {message}");
    assert_eq!(message.contains("CreateRole"), now.is_none(), "{case}: {message}");
    let word = match (is_old, lost.is_empty() && !untagged) {
        (_, true) => "the role has what it had",
        (true, false) => "to put back: ",
        (false, false) => "left to do: ",
    };
    assert!(message.contains(word), "{case}: {message}");
}

#[tokio::test]
async fn whatever_write_it_is_killed_at_everything_comes_back() {
    for nth in 1..=WRITES_OF_FULL {
        for after_effect in [false, true] {
            let folder = Folder::new();
            let lab = lab_with(&folder, Some(full()));
            let before = lab.role().unwrap();
            kill(&lab, Rule::writes().nth(nth), after_effect).await;
            let case = format!("write {nth} ({:?}), effect: {after_effect}", lab.writes().last());
            what_is_left_is_said(&case, &lab, &folder, &before).await;
            let was_whole = lab.authorized() && lab.kept(&before);

            let report = lab.run(Mode::Remediate).await;
            assert!(lab.authorized() && lab.kept(&before), "{case}: {}\n{:#?}", json(&report), lab.role());
            let status = if was_whole { Status::Authorized } else { Status::Remediated };
            assert_eq!(report.status, status, "{case}: {}", json(&report));
            assert_eq!(notes(&report).len(), 1, "{case}: what was finished is told: {}", json(&report));
            assert_eq!(folder.names().len(), 1, "{case}: {:?}", folder.names());
            nothing_is_open(&lab, &folder).await;

            let writes = lab.writes().len();
            assert_eq!(lab.run(Mode::Remediate).await.status, Status::Authorized, "{case}");
            assert_eq!(lab.writes().len(), writes, "{case}");
        }
    }
}

/// The second run is killed, too: at each of its writes.
#[tokio::test]
async fn a_run_that_finishes_may_be_killed_as_well() {
    let mut cases = 0;
    // A rehearsal, a detachment, the deletion, the creation, an attachment.
    for first in [3, 7, 9, 10, 12] {
        for second in 1.. {
            let folder = Folder::new();
            let lab = lab_with(&folder, Some(full()));
            let before = lab.role().unwrap();
            kill(&lab, Rule::writes().nth(first), true).await;
            let hang = testkit::Hang::at(&lab.emulator, Rule::writes().nth(second), second % 2 == 0);
            let ended = tokio::select! {
                () = hang.reached() => false,
                _ = lab.run(Mode::Remediate) => true,
            };
            drop(hang);
            let report = lab.run(Mode::Remediate).await;
            let case = format!("killed at write {first}, then at {second}: {}", json(&report));
            assert!(lab.authorized() && lab.kept(&before), "{case}\n{:#?}", lab.role());
            assert!(matches!(report.status, Status::Remediated | Status::Authorized), "{case}");
            nothing_is_open(&lab, &folder).await;
            assert_eq!(folder.names().len(), 1, "{case}");
            if ended {
                break;
            }
            cases += 1;
        }
    }
    assert!(cases >= 20, "{cases}");
}

#[tokio::test]
async fn a_missing_role_and_an_in_place_repair_are_finished_too() {
    let of_another_account = full().trusting_service("2234567890123456@dts.aliyuncs.com");
    let in_place = || Some(of_another_account.detach(emulator::DTS_POLICY));
    for (strategy, role) in [("recreate", None), ("in-place", in_place())] {
        for nth in 1..=2 {
            for after_effect in [false, true] {
                let folder = Folder::new();
                let lab = lab_with(&folder, role.clone()).set("DTS_GUARD_STRATEGY", strategy);
                let before = lab.role();
                kill(&lab, Rule::writes().nth(nth), after_effect).await;
                let open = silent(&lab, &folder, Mode::Verify).await;
                assert_eq!(notes(&open).len(), 1, "{strategy} {nth}: {}", json(&open));
                let report = lab.run(Mode::Remediate).await;
                let case = format!("{strategy}, write {nth}, effect: {after_effect}: {}", json(&report));
                assert!(lab.authorized(), "{case}");
                assert!(before.is_none_or(|before| lab.kept(&before)), "{case}");
                assert!(!lab.writes().iter().any(|name| name == "DeleteRole"), "{case}");
                nothing_is_open(&lab, &folder).await;
            }
        }
    }
}

#[tokio::test]
async fn a_policy_that_was_deleted_meanwhile_is_named_and_does_not_keep_the_record_open() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    kill(&lab, performed("CreateRole"), false).await;
    assert!(lab.emulator.with_world(|world| world.delete_custom_policy(ACCOUNT, "TeamExtra")));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    let residual = crate::account(&report)["residual"].clone();
    assert!(testkit::ids(&residual).contains(&"policy-gone"), "{residual}");
    assert!(residual.to_string().contains("TeamExtra"), "{residual}");
    nothing_is_open(&lab, &folder).await;
}

#[tokio::test]
async fn a_role_that_somebody_recreated_with_everything_closes_the_record_without_a_write() {
    for description in ["ours", "theirs"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        kill(&lab, Rule::on("DeleteRole"), true).await;
        let theirs: Role = full().trust(emulator::DTS_TRUST).description(description);
        lab.emulator.with_world(|world| world.put_role(ACCOUNT, theirs));
        let (there, writes) = (lab.emulator.role(ACCOUNT, DTS_ROLE), lab.writes().len());
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Authorized, "{description}: {}", json(&report));
        assert_eq!((lab.role(), lab.writes().len()), (there, writes), "{description}");
        nothing_is_open(&lab, &folder).await;
    }
}

#[tokio::test]
async fn what_somebody_changed_on_the_new_role_meanwhile_is_not_changed_back() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    kill(&lab, performed("AttachPolicyToRole"), false).await;
    lab.emulator.with_world(|world| {
        world.set_tag(ACCOUNT, DTS_ROLE, "team", "theirs");
        world.set_description(ACCOUNT, DTS_ROLE, "theirs");
        world.attach_system(ACCOUNT, DTS_ROLE, "AliyunECSReadOnlyAccess");
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    let now = lab.role().unwrap();
    assert_eq!((&*now.description, &*now.tags["team"], &*now.tags["empty"]), ("theirs", "theirs", ""));
    assert!(lab.authorized() && has(&now, "TeamExtra") && has(&now, "AliyunECSReadOnlyAccess"), "{now:#?}");
    nothing_is_open(&lab, &folder).await;
}

#[tokio::test]
async fn keys_of_another_account_finish_nothing() {
    let folder = Folder::new();
    kill(&lab_with(&folder, Some(full())), Rule::on("DeleteRole"), true).await;
    let key = session_key();
    let key = key.of_role("2234567890123456", "dts-role-guard-role", "lab");
    let lab = Lab::with_key(None, key).set(JOURNAL_DIR, folder.text());
    let listing = folder.listing();
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused, "{}", json(&report));
    assert_eq!(lab.writes(), [""; 0]);
    assert!(folder.listing() == listing, "the record waits for the right keys: {:?}", folder.names());
}

#[tokio::test]
async fn a_run_that_cannot_finish_says_that_something_is_left() {
    for operation in ["GetCallerIdentity", "GetRole"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        kill(&lab, Rule::on("DeleteRole"), true).await;
        let denied = lab.emulator.fault(Rule::on(operation).every().deny());
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Failed, "{operation}: {}", json(&report));
        assert_eq!(notes(&report).len(), 1, "{operation}: {}", json(&report));
        drop(denied);
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated, "{operation}");
    }
}

/// A policy that is gone is on record, so the run that finishes neither waits for it nor forgets to name it.
#[tokio::test]
async fn a_policy_that_the_killed_run_found_gone_is_named_by_the_next_one() {
    for after_effect in [false, true] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let person = lab.emulator.on_call(performed("CreateRole"), |world| {
            world.delete_custom_policy(ACCOUNT, "TeamExtra");
        });
        kill(&lab, performed("TagResources"), after_effect).await;
        drop(person);
        let report = lab.run(Mode::Remediate).await;
        let status = if after_effect { Status::Authorized } else { Status::Remediated };
        assert_eq!(report.status, status, "{}", json(&report));
        assert_eq!(json(&report)["accounts"][0]["residual"][0]["id"], "policy-gone", "{}", json(&report));
        nothing_is_open(&lab, &folder).await;
    }
}

/// Once a finishing run has seen everything back, the record orders nothing more.
#[tokio::test]
async fn what_a_person_takes_away_after_everything_is_back_stays_away() {
    for nth in 1..=WRITES_OF_FULL {
        for after_effect in [false, true] {
            let folder = Folder::new();
            let lab = lab_with(&folder, Some(full()));
            kill(&lab, Rule::writes().nth(nth), after_effect).await;
            let case = format!("killed at write {nth}, effect: {after_effect}");
            let report = lab.run(Mode::Remediate).await;
            assert!(matches!(report.status, Status::Remediated | Status::Authorized), "{case}: {}", json(&report));
            assert!(lab.emulator.with_world(|world| world.detach(ACCOUNT, DTS_ROLE, "TeamExtra")), "{case}");
            let writes = lab.writes().len();
            let report = lab.run(Mode::Remediate).await;
            assert_eq!((report.status, lab.writes().len()), (Status::Authorized, writes), "{case}: {}", json(&report));
            nothing_is_open(&lab, &folder).await;
        }
    }
}

/// `plan` shows the steps that finish the work, and their `planId` is the one that is carried out.
#[tokio::test]
async fn the_steps_that_are_shown_are_carried_out_and_no_other_ones() {
    for operation in ["DetachPolicyFromRole", "DeleteRole", "CreateRole"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        kill(&lab, performed(operation), true).await;
        let shown = crate::account(&silent(&lab, &folder, Mode::Plan).await);
        let planned = |step: &serde_json::Value| (step["action"].clone(), step["target"].clone());
        let steps: Vec<_> = shown["steps"].as_array().unwrap().iter().map(planned).collect();
        assert!(!steps.is_empty(), "{operation}: {shown}");
        let writes = lab.writes().len();
        let other = format!("sha256:{}", "0".repeat(64));
        let time = std::time::Duration::from_mins(10);
        let report = lab.ask(Mode::Remediate, Some(&other), time).await;
        assert_eq!((report.status, lab.writes().len()), (Status::Refused, writes), "{operation}: {}", json(&report));

        let id = shown["planId"].as_str().unwrap();
        let report = lab.ask(Mode::Remediate, Some(id), time).await;
        let done = crate::account(&report);
        let carried_out: Vec<_> =
            done["steps"].as_array().unwrap().iter().filter(|step| step["result"] == "done").collect();
        assert_eq!(carried_out.iter().map(|step| planned(step)).collect::<Vec<_>>(), steps, "{operation}: {done}");
        // What was put back is broken still, and nobody has approved its repair.
        let status = if operation == "DetachPolicyFromRole" { Status::Refused } else { Status::Remediated };
        assert_eq!(report.status, status, "{operation}: {}", json(&report));
        assert_eq!(lab.run(Mode::Remediate).await.status == Status::Remediated, operation == "DetachPolicyFromRole");
        nothing_is_open(&lab, &folder).await;
    }
}

/// Who follows the advice of `next` and authorizes the role in the console is not alarmed for ever.
#[tokio::test]
async fn the_vendors_quick_authorization_closes_the_record() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    kill(&lab, performed("DeleteRole"), true).await;
    lab.emulator.with_world(|world| world.put_role(ACCOUNT, Role::dts()));
    let writes = lab.writes().len();
    let report = lab.run(Mode::Remediate).await;
    assert_eq!((report.status, lab.writes().len()), (Status::Authorized, writes), "{}", json(&report));
    let told = notes(&report)[0]["message"].as_str().unwrap().to_owned();
    assert!(told.contains("policy `Custom/TeamExtra`") && told.contains("tag `team`"), "{told}");
    nothing_is_open(&lab, &folder).await;
}
