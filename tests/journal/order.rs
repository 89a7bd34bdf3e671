//! What is on record at the moment at which each call arrives.

use std::sync::{Arc, Mutex};

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{Call, Rule};
use serde_json::{Value, json};
use testkit::{Folder, KEY_ID, Lab, Listing, WRITES_OF_FULL, full, listing, newest};

use crate::{kill, lab_with};

type Seen = Arc<Mutex<Vec<Listing>>>;

/// Looks into the folder whenever a write arrives, or (if `after`) has had its effect.
fn watch(lab: &Lab, folder: &Folder, after: bool) -> Seen {
    let seen = Seen::default();
    let (list, path) = (seen.clone(), folder.path().to_owned());
    let look = move |_: &mut _| list.lock().unwrap().push(listing(&path));
    let hook =
        if after { lab.emulator.after_call(Rule::writes(), look) } else { lab.emulator.on_call(Rule::writes(), look) };
    hook.keep();
    seen
}

/// Each write of a repair, with the folder as it was when it arrived.
async fn repaired() -> Vec<(Call, Listing)> {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    let seen = watch(&lab, &folder, false);
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), WRITES_OF_FULL);
    lab.emulator.writes().into_iter().zip(seen).collect()
}

#[tokio::test]
async fn all_that_the_role_had_is_on_record_before_the_first_write() {
    for (call, listing) in repaired().await {
        assert_eq!(listing.len(), 1, "{}: {:?}", call.operation, listing.keys());
        let record = newest(&listing);
        let before = &record["repair"]["before"];
        assert_eq!(before["description"], "ours");
        assert_eq!((&before["maxSessionDuration"], &before["allowConsoleLogin"]), (&json!(7200), &json!(true)));
        assert_eq!(before["tags"], json!({"empty": "", "team": "data"}));
        assert_eq!(before["policies"].as_array().unwrap().len(), 3, "{before}");
        assert!(before["trustPolicy"].as_str().unwrap().contains("ecs.aliyuncs.com"));
        assert_ne!(record["repair"]["phase"], "closed", "{}", call.operation);
    }
}

/// The state of the line that is about a call.
fn state<'a>(record: &'a Value, call: &Call) -> &'a Value {
    let target = format!("{}/{}", call.params["PolicyType"], call.params["PolicyName"]);
    let lines = record["repair"]["steps"].as_array().unwrap();
    let line = lines.iter().find(|line| line["action"] == call.operation.as_str() && line["target"] == target.as_str());
    &line.unwrap_or_else(|| panic!("no line for {target}: {lines:#?}"))["state"]
}

#[tokio::test]
async fn each_detachment_and_attachment_is_begun_on_record_before_it_arrives_and_no_other_one_is() {
    let repaired = repaired().await;
    let about_policies = |call: &&(Call, Listing)| call.0.params.contains_key("PolicyName");
    let calls: Vec<_> = repaired.iter().filter(about_policies).collect();
    // Three that are rehearsed, three detachments, three attachments; those of a kind are one intent.
    assert_eq!(calls.len(), 9);
    let calls = &calls[3..];
    for (index, (_, listing)) in calls.iter().enumerate() {
        let record = newest(listing);
        let states: Vec<_> = calls.iter().map(|(call, _)| state(&record, call)).collect();
        for (other, state) in states.into_iter().enumerate() {
            let expected = match (other / 3).cmp(&(index / 3)) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "begun",
                std::cmp::Ordering::Greater => "planned",
            };
            assert_eq!(state, expected, "call {other} when call {index} arrives: {record:#}");
        }
    }
}

#[tokio::test]
async fn the_folder_is_not_written_between_the_deletion_and_the_reply_of_the_creation() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    let (arrived, done) = (watch(&lab, &folder, false), watch(&lab, &folder, true));
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
    let writes = lab.writes();
    let at = |operation: &str| writes.iter().rposition(|name| name == operation).unwrap();
    let (deletion, creation) = (at("DeleteRole"), at("CreateRole"));
    assert_eq!(creation, deletion + 1);
    let (arrived, done) = (arrived.lock().unwrap(), done.lock().unwrap());
    let replaced = |listing| newest(listing)["repair"]["phase"] == "replacing";
    assert!(!replaced(&arrived[deletion - 1]) && replaced(&arrived[deletion]), "on record before the deletion");
    for listing in [&done[deletion], &arrived[creation], &done[creation]] {
        assert!(*listing == arrived[deletion], "{listing:#?}");
    }
}

#[tokio::test]
async fn the_id_of_the_new_role_is_on_record_before_the_next_write() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    kill(&lab, crate::performed("AttachPolicyToRole"), false).await;
    assert_eq!(folder.newest()["repair"]["created"], lab.role().unwrap().role_id.as_str());
}

#[tokio::test]
async fn no_secret_is_in_the_folder_at_any_moment() {
    for nth in 1..=WRITES_OF_FULL {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let seen = watch(&lab, &folder, false);
        kill(&lab, Rule::writes().nth(nth), true).await;
        let _ = lab.run(Mode::Remediate).await;
        let mut listings = seen.lock().unwrap().clone();
        listings.push(folder.listing());
        let text: String = listings.iter().flat_map(|listing| listing.values()).map(testkit::Entry::text).collect();
        assert!(text.contains("TeamExtra"), "the scan reads the files");
        let secrets = lab.emulator.secrets();
        assert!(secrets.len() >= 2, "{secrets:?}");
        for secret in secrets.iter().map(String::as_str).chain([KEY_ID, "Signature"]) {
            assert!(!text.contains(secret), "`{secret}` in {text}");
        }
    }
}
