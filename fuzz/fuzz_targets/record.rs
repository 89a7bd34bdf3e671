//! Any bytes in the journal folder order nothing that they must not, and never cause a panic. What is promised stands in
//! `testkit/src/any_bytes/evidence.rs`.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Mutex;

use libfuzzer_sys::fuzz_target;
use testkit::any_bytes::evidence;

static REACHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fuzz_target!(|bytes: &[u8]| {
    let found = evidence::check(bytes);
    let mut reached = REACHED.lock().unwrap();
    if !found.is_subset(&reached) {
        reached.extend(found);
        eprintln!("reached {} of {}: {reached:?}", reached.len(), evidence::VARIANTS.len());
    }
});
