//! What follows from an event.

use std::collections::BTreeMap;

use authorization::plan::PlanId;
use authorization::settings::{Mode, Scope};
use authorization::target::AccountId;
use serde::Deserialize;

use crate::report::{LeftOut, TriggerKind};

/// What follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Look, and do what the mode allows.
    Run(Request),
    /// Forget what is on record about an account. No cloud is called.
    Clear {
        /// The account whose record it is.
        account: AccountId,
        /// Which part of the record.
        what: Forget,
    },
    /// It does not concern the guard. Nothing is done.
    Ignored {
        /// Why.
        reason: String,
        /// The same for each record of a batch.
        records: Vec<LeftOut>,
    },
    /// Not understood or not allowed. Nothing is done.
    Rejected(String),
}

impl Decision {
    /// For the log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Clear { .. } => "clear",
            Self::Ignored { .. } => "ignored",
            Self::Rejected(_) => "rejected",
        }
    }
}

/// What can be forgotten about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forget {
    /// How often its role was repaired.
    Attempts,
    /// That, and a repair that is not finished.
    Unfinished,
}

/// The most that the settings allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The widest mode.
    pub mode: Mode,
    /// The widest scope.
    pub scope: Scope,
}

/// What an event asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The mode; the settings' own where the event names none.
    pub mode: Mode,
    /// The scope; the settings' own where the event names none.
    pub scope: Scope,
    /// Which accounts to look at.
    pub selector: Selector,
    /// The plans that a person approved.
    pub approved: Approved,
}

/// What a person approved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Approved {
    /// No plan was named.
    #[default]
    Nothing,
    /// The plan of the one account that the request is about.
    Plan(PlanId),
    /// The plans that were shown for several accounts; one without a plan is not written to.
    Shown(BTreeMap<AccountId, PlanId>),
}

/// Which accounts to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selector {
    /// Every account of the scope.
    #[default]
    All,
    /// Accounts that a person named, each once.
    Accounts(Vec<AccountId>),
    /// The accounts of audit records.
    Records {
        /// At least one; several may be about one account.
        records: Vec<TriggerRecord>,
        /// The others of the batch, with reasons.
        left_out: Vec<LeftOut>,
    },
}

/// An audit record that gives a reason to look at an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerRecord {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The account whose role it is about.
    pub account: AccountRef,
    /// A change to the role, or a new member account.
    pub kind: TriggerKind,
    /// In words.
    pub reason: String,
    /// The caller, if it looks like one of the guard's own.
    pub actor: Option<Actor>,
}

/// The account that a record is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountRef {
    /// The own one: the record does not say.
    Own,
    /// The one with this id.
    Id(AccountId),
    /// A new member, and the record does not say which: every account that joined lately is looked at.
    NewMember,
}

/// A session of a role, as an audit record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account that the role belongs to.
    pub account: AccountId,
    /// The role's name, in any case.
    pub role: String,
    /// The session's name.
    pub session: String,
}
