//! Marker lines: the console cuts the log of one request out of the stream by them.

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::RequestId;

/// Where the marker lines go.
///
/// Each line is one locked write, flushed before the response is sent: the instance may be frozen right after it.
#[derive(Clone)]
pub struct Markers(Option<Arc<Mutex<dyn Write + Send>>>);

impl Markers {
    /// To standard output, where the platform looks for them.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to(io::stdout())
    }

    /// To any writer.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(writer))))
    }

    /// Nowhere, for a platform that prints them itself.
    #[must_use]
    pub fn silent() -> Self {
        Self(None)
    }

    pub(super) fn start(&self, phase: Phase, id: &RequestId) {
        self.line(&format!("FC {phase:?} Start RequestId: {id}\n"));
    }

    pub(super) fn end(&self, phase: Phase, id: &RequestId, failed: bool) {
        let suffix = if failed { ", Error: Unhandled function error" } else { "" };
        self.line(&format!("FC {phase:?} End RequestId: {id}{suffix}\n"));
    }

    fn line(&self, line: &str) {
        let Some(writer) = &self.0 else { return };
        // Each line is whole in itself, so a panic of another writer leaves nothing half done.
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.write_all(line.as_bytes()).and_then(|()| writer.flush());
        if let Err(error) = written {
            tracing::warn!(%error, "a marker line was lost");
        }
    }
}

impl fmt::Debug for Markers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Markers").field("silent", &self.0.is_none()).finish()
    }
}

/// What the platform asks of a process; `Debug` is the platform's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Initialize,
    Invoke,
    PreFreeze,
    PreStop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Calls(Arc<Mutex<Vec<String>>>);

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.lock().unwrap().push(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.lock().unwrap().push("<flush>".to_owned());
            Ok(())
        }
    }

    #[test]
    fn each_line_is_one_write_and_one_flush() {
        let calls = Calls::default();
        let markers = Markers::to(calls.clone());
        let id = RequestId::parse("1-a").unwrap();
        markers.start(Phase::Invoke, &id);
        markers.end(Phase::Invoke, &id, false);
        markers.end(Phase::PreStop, &id, true);
        assert_eq!(
            *calls.0.lock().unwrap(),
            [
                "FC Invoke Start RequestId: 1-a\n",
                "<flush>",
                "FC Invoke End RequestId: 1-a\n",
                "<flush>",
                "FC PreStop End RequestId: 1-a, Error: Unhandled function error\n",
                "<flush>",
            ]
        );
    }

    #[test]
    fn a_writer_that_fails_harms_nobody() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        Markers::to(Broken).start(Phase::Initialize, &RequestId::generate());
    }
}
