//! The same state is told once in a day, where there is a journal folder.

use emulator::{DTS_POLICY, Emulator, Role};
use testkit::{Chat, Folder, JOURNAL_DIR, broken_cloud, cloud, says};

use crate::invoke;

use crate::shapes::fine;

fn runs(emulator: &Emulator, mode: &str, folder: &Folder, urls: &str) {
    let settings = [("DTS_GUARD_NOTIFY", urls), ("DTS_GUARD_MODE", mode), (JOURNAL_DIR, folder.text())];
    let _ = invoke(emulator, &settings, "");
}

#[test]
fn the_same_state_is_told_once_and_another_one_again() {
    let (chat, folder) = (Chat::answering(fine()), Folder::new());
    let url = chat.url("", "/x");
    let emulator = broken_cloud();
    runs(&emulator, "verify", &folder, &url);
    runs(&emulator, "verify", &folder, &url);
    assert_eq!(chat.got().len(), 1);
    let other = cloud(Role::dts().trusting_service("ecs.aliyuncs.com").detach(DTS_POLICY));
    runs(&other, "verify", &folder, &url);
    assert_eq!(chat.got().len(), 2, "another finding");
    runs(&other, "remediate", &folder, &url);
    assert_eq!(chat.got()[2].json()["status"], "remediated");
    runs(&other, "remediate", &folder, &url);
    assert_eq!(chat.got().len(), 3, "a healthy run");
    other.with_world(|world| world.detach(testkit::ACCOUNT, emulator::DTS_ROLE, DTS_POLICY));
    runs(&other, "remediate", &folder, &url);
    assert_eq!(chat.got().len(), 4, "every repair");
    let text: String = folder.listing().values().map(testkit::Entry::text).collect();
    assert!(text.contains("dts-role-guard/notified/v1") && !text.contains("/x"), "{text}");
}

#[test]
fn without_a_folder_every_run_tells() {
    let chat = Chat::answering(fine());
    let url = chat.url("", "/x");
    for _ in 0..2 {
        let settings = [("DTS_GUARD_NOTIFY", &*url), (JOURNAL_DIR, "off")];
        let _ = invoke(&broken_cloud(), &settings, "");
    }
    assert_eq!(chat.got().len(), 2);
}

#[test]
fn only_what_was_delivered_counts_as_told() {
    let (down, up, folder) = (Chat::answering(vec![says(404, "no")]), Chat::answering(fine()), Folder::new());
    let urls = format!("{},{}", down.url("", "/x"), up.url("", "/y"));
    let emulator = broken_cloud();
    runs(&emulator, "verify", &folder, &urls);
    runs(&emulator, "verify", &folder, &urls);
    assert_eq!((down.got().len(), up.got().len()), (2, 1));
}
