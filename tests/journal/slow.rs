//! A folder on a far mount: what its operations take counts against the deadline.

use std::sync::Arc;
use std::time::Duration;

use authorization::settings::Mode;
use dts_role_guard::journal;
use dts_role_guard::report::Status;
use testkit::{Far, Folder, Lab, full, json};

use crate::next;

#[tokio::test]
async fn a_slow_folder_needs_more_of_the_deadline() {
    // Nine writes and three undos: about 1.4 s for the calls alone, and two operations on the folder for each of them.
    for (milliseconds, enough) in [(1, true), (100, true), (500, false)] {
        let folder = Folder::new();
        let lab = Lab::new(Some(full()));
        let takes = Duration::from_millis(milliseconds);
        let far = Far { folder: journal::Folder::new(folder.path().to_owned()), clock: lab.clock(), takes };
        let app = lab.app().wired(|wiring| wiring.store = Some(Arc::new(far)));
        let report = lab.ask_app(&app, Mode::Remediate, None, Duration::from_secs(8)).await;
        if enough {
            assert_eq!(report.status, Status::Remediated, "{milliseconds}: {}", json(&report));
            assert!(lab.authorized(), "{milliseconds}");
        } else {
            assert_eq!(report.status, Status::Refused, "{milliseconds}: {}", json(&report));
            assert!(next(&report).contains("too little time"), "{milliseconds}: {}", json(&report));
            assert_eq!(lab.writes(), [""; 0], "{milliseconds}");
        }
    }
}
