//! The guard in this process, with a journal folder whose every operation takes a while, as on a far mount.

use std::sync::Arc;
use std::time::Duration;

use aliyun::Http;
use aliyun::clock::{Clock, SystemClock};
use authorization::baseline;
use dts_role_guard::USER_AGENT;
use dts_role_guard::journal::Folder;
use dts_role_guard::reconcile;
use emulator::Emulator;
use testkit::platform::Failure;
use testkit::{ACCOUNT, Far, KEY_ID, KEY_SECRET, TOKEN, by_hand};

/// Repairs the role once; tells how that ended.
pub(crate) fn remediate(cloud: &Emulator, folder: &std::path::Path, takes: Duration) -> Result<String, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let store = Far { folder: Folder::new(folder.to_owned()), clock: clock.clone(), takes };
    let http = Arc::new(Http::new(USER_AGENT).map_err(|error| error.to_string())?);
    let session = by_hand::session(http, by_hand::endpoints(&cloud.url()), [KEY_ID, KEY_SECRET, TOKEN], clock, None);
    let guard = by_hand::guard(session, Some(Arc::new(store)), "benchmark");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(reconcile::role(&guard, &baseline::DTS.target(ACCOUNT.parse()?)));
    Ok(outcome.status().as_str().to_owned())
}
