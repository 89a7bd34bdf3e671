//! event → target → observe → verify → plan → apply → verify → report
//!
//! `dts-role-guard` keeps the RAM role `AliyunDTSDefaultRole` authorized, so that Alibaba Cloud DTS can work in an account.
//! It is a custom runtime of Function Compute; the same work can be started from a terminal. The modules below are listed
//! in the order in which an event passes them. Start with [`handler`], then [`reconcile`].
//!
//! | module | what it is |
//! |---|---|
//! | [`handler`] | event in, report out; cannot fail to answer |
//! | [`terminal`] | arguments, a person's keys and network, the question before a write, exit codes |
//! | [`event`] | the bytes of an invocation → a decision |
//! | [`sweep`] | the accounts of one run: a few are worked on at once; many are listed, judged, braked, repaired |
//! | [`members`] | what the directory says of a member account, and the way into it |
//! | [`reconcile`] | the sentence, once, for one role |
//! | `observe` | reads the cloud; the only reader of roles |
//! | `apply` | carries the steps of a plan out; the only writer |
//! | [`journal`] | what is on record, and the intents without which nothing is written |
//! | `case` | one role: which it is, what it must look like, the keys of its account |
//! | `outcome` | what became of one account, as data: no sentence |
//! | `refusal` | why a repair does not begin, or was taken back before the deletion |
//! | `clear` | forgets what is on record about an account, when a person says so |
//! | [`doctor`] | whether the deployment would work; changes nothing |
//! | [`report`] | the lines and sentences made of the outcomes, and their renderings |
//! | [`notify`] | tells people in their chat; never changes what a run reports |
//! | [`config`] | the settings, all mistakes reported together |
//! | [`telemetry`] | the log |
//! | [`stop`] | asks a run to end in order |
//!
//! Three crates stand below, each for a rule that the compiler keeps:
//!
//! | crate | what it is | the rule |
//! |---|---|---|
//! | [`authorization`] | model, policy evaluation, `verify`, `plan`, `record`, `resume` | decisions are functions of their arguments: no `async`, no clock, no network is linked |
//! | [`aliyun`] | typed, signed calls to RAM, STS and Resource Manager; keys; the clock | it decides nothing about a role |
//! | [`fc_runtime`] | the HTTP contract of Function Compute | it knows nothing of the guard |
//!
//! Inside the guard these rules hold (`docs/architecture.md` says what happens to a line that breaks one):
//!
//! | rule | kept by |
//! |---|---|
//! | nothing is written to the cloud that is not on record | the type [`journal::Intent`], and `clippy.toml` |
//! | one repair of a role at a time in one process | the borrow of [`journal::OpenRepair`] |
//! | an outcome is data, and its sentences stand in the report | the one `Display` that each type of `outcome` and `refusal` can have |
//! | time and randomness come from [`aliyun::clock`] | the ban list of `clippy.toml` |
//! | the environment is read once, in `main` | the ban list of `clippy.toml` |
//! | secrets do not print | the type [`aliyun::secret::Secret`] |
//! | every case is decided | matches without wildcards over own enums |
//! | no `unsafe`, no `unwrap`, no indexing | the lints of `Cargo.toml` |

pub mod handler;
pub mod terminal;

pub mod event;

pub mod sweep;

pub mod members;

pub mod reconcile;

mod observe;

mod apply;

pub mod journal;

mod case;

mod clear;
mod outcome;

mod refusal;

pub mod doctor;

pub mod report;

pub mod notify;

pub mod config;

pub mod telemetry;

pub mod stop;

/// Names the program to the cloud. By it, and by whose keys sent it, the guard knows its own writes in audit records.
pub const USER_AGENT: &str = concat!("dts-role-guard/", env!("CARGO_PKG_VERSION"));
