//! Any bytes as the cloud's reply to any operation cause no panic, and no reply about something else is believed. What is
//! promised stands in `testkit/src/any_bytes/replies.rs`.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Mutex;

use libfuzzer_sys::fuzz_target;
use testkit::any_bytes::replies;

static REACHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fuzz_target!(|bytes: &[u8]| {
    let mut reached = REACHED.lock().unwrap();
    if reached.insert(replies::check(bytes)) {
        eprintln!("reached {} of {}: {reached:?}", reached.len(), replies::OPERATIONS.len() + replies::KINDS.len());
    }
});
