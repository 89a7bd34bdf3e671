//! How the parts of a run are put together.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use aliyun::credentials::{self, Host, ProfileKeys};
use aliyun::{Http, Transport};

use crate::journal::Store;
use crate::stop::Stop;
use crate::sweep::{LogLines, Progress};

/// The parts of a run. The default is what a function has.
#[derive(Debug)]
pub struct Wiring {
    /// The way to the cloud, where it is not HTTP.
    pub transport: Option<Arc<dyn Transport>>,
    /// HTTP, once it was needed. Its connections outlive an invocation.
    pub http: OnceLock<Arc<Http>>,
    /// Where the keys come from.
    pub host: Host,
    /// The keys of a terminal whose variables hold none, or why there are none.
    pub profile: Option<Result<ProfileKeys, credentials::Error>>,
    /// Where the journal's files live, if not where the settings say.
    pub store: Option<Arc<dyn Store>>,
    /// Nothing is repeated more often: whoever explores every order of events wants few.
    pub repeats: usize,
    /// Another limit for `AssumeRole`: the emulator has none.
    pub entries_per_second: Option<NonZeroU32>,
    pub(crate) progress: Arc<dyn Progress>,
    /// Asks a run to end in order.
    pub stop: Stop,
}

impl Default for Wiring {
    fn default() -> Self {
        Self {
            transport: None,
            http: OnceLock::new(),
            host: Host::Function,
            profile: None,
            store: None,
            repeats: usize::MAX,
            entries_per_second: None,
            progress: Arc::new(LogLines::default()),
            stop: Stop::default(),
        }
    }
}
