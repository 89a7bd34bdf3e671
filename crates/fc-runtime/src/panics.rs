//! A panic becomes an answer; what it said goes to the log only.

use std::{
    any::Any,
    cell::Cell,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    pin::pin,
    sync::Once,
};

thread_local! {
    static LAST_LOCATION: Cell<Option<String>> = const { Cell::new(None) };
}

/// What a panic left behind.
pub(super) struct Panicked {
    pub(super) message: String,
    pub(super) location: Option<String>,
}

/// Runs a future to its end, or to its panic.
///
/// The future is not polled again after a panic, so it does not matter whether it is unwind safe;
/// what it shares with others must not be left half changed.
pub(super) async fn catch<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or_else(|payload| Err(panicked(&*payload)).into(), |poll| poll.map(Ok))
    })
    .await
}

/// Makes the place of a panic known to [`catch`]. The hook that was there before still runs.
pub(super) fn remember_locations() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            let location = info.location().map(ToString::to_string);
            // Fails only in a thread that is ending, where nobody will ask.
            let _ = LAST_LOCATION.try_with(|last| last.set(location));
            previous(info);
        }));
    });
}

fn panicked(payload: &(dyn Any + Send)) -> Panicked {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    Panicked { message: text.unwrap_or("a payload that is no text").to_owned(), location: LAST_LOCATION.take() }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[tokio::test]
    async fn a_panic_gives_its_text_and_place() {
        remember_locations();
        let number = 7;
        let panicked = catch(async { panic!("lost {number}") }).await.err().unwrap();
        assert_eq!(panicked.message, "lost 7");
        assert!(panicked.location.unwrap().contains("panics.rs"));
    }

    #[tokio::test]
    async fn a_payload_that_is_no_text_is_a_panic_too() {
        let panicked = catch(async { panic_any(7) }).await.err().unwrap();
        assert_eq!(panicked.message, "a payload that is no text");
    }

    #[tokio::test]
    async fn without_a_panic_the_output_comes_through() {
        let output = catch(async {
            tokio::task::yield_now().await;
            7
        });
        assert_eq!(output.await.ok(), Some(7));
    }
}
