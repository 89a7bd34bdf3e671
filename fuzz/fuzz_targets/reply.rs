//! Any bytes as the cloud's reply to any operation cause no panic, and no reply about something else is believed. What is
//! promised stands in `tests/support/replies.rs`.
#![no_main]

#[path = "../../tests/support/replies.rs"]
mod replies;

use std::collections::BTreeSet;
use std::sync::Mutex;

use libfuzzer_sys::fuzz_target;

static REACHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fuzz_target!(|bytes: &[u8]| {
    let mut reached = REACHED.lock().unwrap();
    if reached.insert(replies::check(bytes)) {
        eprintln!("reached {} of {}: {reached:?}", reached.len(), replies::OPERATIONS.len() + replies::KINDS.len());
    }
});
