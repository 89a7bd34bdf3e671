//! Any bytes give a decision within the settings, never a panic. What is promised stands in `testkit/src/any_bytes/decision.rs`.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Mutex;

use libfuzzer_sys::fuzz_target;
use testkit::any_bytes::decision;

static REACHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fuzz_target!(|body: &[u8]| {
    let found = decision::check(body);
    let mut reached = REACHED.lock().unwrap();
    if !found.is_subset(&reached) {
        reached.extend(found);
        eprintln!("reached {} of {}: {reached:?}", reached.len(), decision::VARIANTS.len());
    }
});
