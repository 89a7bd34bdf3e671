//! Work that may never end, each piece on a thread of its own. File systems block, and a mount that has lost its server
//! blocks for good: nobody can take such a call back, but nobody has to wait for it either.
//!
//! The threads are not the runtime's, which would wait for them when the process ends.

use std::io;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// So many of them at once in a process, those that were given up among them. They end when their calls do.
const THREADS: usize = 16;

static FREE: Semaphore = Semaphore::const_new(THREADS);

/// Does it. Whoever stops polling leaves it to itself.
pub(crate) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let place = FREE.acquire().await.map_err(io::Error::other)?;
    let (tell, told) = oneshot::channel();
    let work = move || {
        let _place = place;
        // Nobody may be left to hear it.
        let _ = tell.send(work());
    };
    thread::Builder::new().name("journal".to_owned()).spawn(work)?;
    told.await.map_err(|_| io::Error::other("the work broke off"))?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    /// One test, since they share the threads of the process.
    #[test]
    fn work_that_never_ends_takes_no_more_threads_than_there_are_and_keeps_nobody_from_ending() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut gates = Vec::new();
        let mut hang = || {
            let (open, gate) = mpsc::channel::<()>();
            gates.push(open);
            on_thread(move || {
                let _ = gate.recv();
                Ok(())
            })
        };
        runtime.block_on(async {
            while FREE.available_permits() > 0 {
                let given_up = tokio::time::timeout(SHORT / 20, hang()).await;
                assert!(given_up.is_err());
            }
            assert!(tokio::time::timeout(SHORT, hang()).await.is_err(), "one more waits for a thread");
            assert!(tokio::time::timeout(SHORT, on_thread(|| Ok(1))).await.is_err(), "no thread is free");
        });
        // Returns although they hang.
        drop(runtime);
        gates.clear();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            assert_eq!(on_thread(|| Ok(1)).await.unwrap(), 1, "those that ended are free again");
            assert!(on_thread(|| -> io::Result<()> { panic!("a mistake") }).await.is_err());
            assert!(on_thread(|| Err::<(), _>(io::ErrorKind::NotFound.into())).await.is_err());
        });
    }
}
