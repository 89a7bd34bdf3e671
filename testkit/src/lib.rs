//! What the test programs of the guard share, and its benchmarks, its example and its fuzz targets with them.
//!
//! A test says `use testkit::{ACCOUNT, Lab, full, json};` and nothing else: the crate is a dev-dependency of the guard. Only
//! its unit tests cannot use it, since they see the guard compiled a second time, with types of its own.
//!
//! # The guard
//!
//! | name | what it is |
//! |---|---|
//! | [`Lab`] | the guard in process against an emulator, with a clock whose pauses take no time; begin here |
//! | [`Guard`], [`Reply`] | `dts-role-guard serve` as a process, and HTTP by hand |
//! | [`program`], [`command`], [`command_on_a_terminal`], [`with_default_signals`] | the real program, and commands of it with the keys and the endpoints of an emulator |
//! | [`platform::Instance`] | the package as the platform runs it, which measures what it does |
//! | [`by_hand`] | a session and a guard around another transport or store |
//!
//! # Its world
//!
//! | name | what it is |
//! |---|---|
//! | [`ACCOUNT`], [`MEMBERS`], [`KEYS`], [`key`] | who all of it is about |
//! | [`full`], [`bare`], [`other_trust`] | broken roles |
//! | [`cloud`], [`healthy_cloud`], [`broken_cloud`], [`organization`], [`members`] | emulators with such roles |
//! | [`Hang`] | a call that gets no reply, and the moment of it |
//! | [`Folder`], [`Listing`] | a journal folder, and everything that can be seen in it |
//! | [`Far`] | a journal folder whose every operation takes a while |
//! | [`Chat`] | a service that notices are sent to |
//! | [`LabClock`], [`StillClock`] | time |
//! | [`fixture`], [`fixture_names`], [`read`], [`root`], [`deployment`] | samples, files of the project, `s.yaml` |
//!
//! # What must hold
//!
//! | name | what it is |
//! |---|---|
//! | [`truth`] | whether a role is authorized, has kept everything, is unchanged: read from the emulator, with nothing of the guard |
//! | [`json`], [`account`], [`ids`] | what a report says |
//! | [`any_bytes`] | what must hold for any event, record and reply |
//! | [`model`] | every order of the calls of two guards |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::new_without_default,
    clippy::return_self_not_must_use,
    missing_docs,
    reason = "tests: what cannot be set up fails, and most names say what they are"
)]

pub mod any_bytes;
pub mod by_hand;
mod chat;
mod clocks;
pub mod deployment;
mod far;
mod folder;
mod hang;
mod lab;
pub mod model;
pub mod platform;
mod process;
mod samples;
mod seeds;
pub mod truth;

pub use chat::{Answer, Chat, says};
pub use clocks::{LabClock, StillClock};
pub use far::Far;
pub use folder::{Entry, Folder, JOURNAL_DIR, Listing, listing, newest};
pub use hang::Hang;
pub use lab::{Lab, account, ids, json};
pub use process::{Guard, REQUEST_ID, Reply, command, command_on_a_terminal, program, with_default_signals};
pub use samples::{fixture, fixture_names, read, root};
pub use seeds::{
    ACCOUNT, CUSTOM, ENDPOINTS, KEY_ID, KEY_SECRET, KEYS, MEMBERS, TOKEN, WRITES_OF_FULL, bare, broken_cloud, cloud,
    full, healthy_cloud, key, members, organization, other_trust, session_key,
};
