//! event → target → observe → verify → plan → apply → verify → report
//!
//! `dts-role-guard` keeps the RAM role `AliyunDTSDefaultRole` authorized, so that Alibaba Cloud DTS can work in an account.
//! It is a custom runtime of Function Compute; the same work can be started from a terminal. The modules below are listed
//! in the order in which an event passes them. Start with [`handler`], then [`reconcile`].
//!
//! | module | what it is |
//! |---|---|
//! | [`handler`] | event in, report out; cannot fail to answer |
//! | [`terminal`] | arguments, the question before a write, exit codes |
//! | [`event`] | the bytes of an invocation → a decision |
//! | [`target`] | account ids and policies as types |
//! | [`sweep`] | the accounts of one run: list, judge, brake, repair |
//! | [`members`] | whether a member account may be entered, and how |
//! | [`reconcile`] | the sentence, once, for one role |
//! | [`observe`] | reads the cloud; the only reader of roles |
//! | [`verify`] | an observed role → findings; pure |
//! | [`plan`] | findings → ordered steps, each with its undo; pure |
//! | [`apply`] | carries the steps out; the only writer |
//! | `clear` | forgets what is on record about an account, when a person says so |
//! | `confirm` | the second look: whether the cloud shows what was written |
//! | [`report`] | the model, and its renderings |
//! | [`notify`] | tells people in their chat; never changes what a run reports |
//! | [`policy`] | evaluates trust policies; pure |
//! | [`client`] | typed calls to RAM, STS and Resource Manager, with errors that say what to do |
//! | [`signing`] | RPC signature 1.0 and ACS3; no clock, no network |
//! | [`credentials`] | request headers, then environment, then a clear error |
//! | [`fc_runtime`] | the HTTP contract of the platform; a crate of its own, which knows nothing of the rest |
//! | [`config`] | the settings, all mistakes reported together |
//! | [`telemetry`] | the log, the chain of an error, foreign text made harmless |
//! | [`stop`] | asks a run to end in order |
//! | [`clock`] | the only place that reads time or randomness |
//! | [`secret`] | secrets that cannot be printed by accident |
//!
//! Who may import whom: `policy`, `verify` and `plan` are pure. Only `observe`, `apply`, `confirm`, `reconcile`,
//! `sweep` and `members` call the cloud, and only `apply` writes.

pub mod handler;
pub mod terminal;

pub mod event;
pub mod target;

pub mod sweep;

pub mod members;

pub mod reconcile;

pub mod observe;
pub mod verify;

pub mod plan;

pub mod apply;

mod clear;
mod confirm;

pub mod report;

pub mod notify;

pub mod policy;

pub mod client;
pub mod signing;

pub mod credentials;

pub mod config;
pub mod telemetry;

pub mod clock;
pub mod secret;
pub mod stop;
