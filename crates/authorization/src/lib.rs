//! What a RAM service role should be, what it is, and what is left to do: the decisions of `dts-role-guard`.
//!
//! | module | what it is |
//! |---|---|
//! | [`text`] | untrusted text made safe to show |
//! | [`target`] | accounts, roles and policies as types |
//! | [`settings`] | the settings that a decision depends on |
//! | [`baseline`] | what a role must look like |
//! | [`role`] | a role: as it was read, and as it is written |
//! | [`policy`] | evaluates trust policies |
//! | [`verify`] | an observed role → findings |
//! | [`plan`] | findings → ordered steps, each with its undo; what is left to do |
//! | [`record`] | what is on record of a repair, and what may follow |
//! | [`resume`] | a record and an observed role → what is left of the repair |
//!
//! Everything here is a function of its arguments. The crate links no runtime, no HTTP and no randomness; `clippy.toml` bans
//! the clock. Imports run up this list.

pub mod baseline;
pub mod plan;
pub mod policy;
pub mod record;
pub mod resume;
pub mod role;
pub mod settings;
pub mod target;
pub mod text;
pub mod verify;
