//! Any bytes in the journal folder order nothing that they must not, and never cause a panic. What is promised stands in
//! `tests/support/evidence.rs`.
#![no_main]

#[path = "../../tests/support/evidence.rs"]
mod evidence;

use std::collections::BTreeSet;
use std::sync::Mutex;

use libfuzzer_sys::fuzz_target;

static REACHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fuzz_target!(|bytes: &[u8]| {
    let found = evidence::check(bytes);
    let mut reached = REACHED.lock().unwrap();
    if !found.is_subset(&reached) {
        reached.extend(found);
        eprintln!("reached {} of {}: {reached:?}", reached.len(), evidence::VARIANTS.len());
    }
});
