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
    Clear(Clear),
    /// None of ours. Nothing is done.
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
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Clear(_) => "clear",
            Self::Ignored { .. } => "ignored",
            Self::Rejected(_) => "rejected",
        }
    }
}

/// What a person wants to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clear {
    /// About whom.
    pub account: AccountId,
    /// What.
    pub what: Forget,
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
    /// What to look at.
    pub wanted: Wanted,
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

/// What to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Every account of the scope.
    #[default]
    All,
    /// Accounts that a person named, each once.
    Accounts(Vec<AccountId>),
    /// The accounts that records of the cloud are about.
    Records {
        /// At least one; an account may stand in several.
        looks: Vec<Occurrence>,
        /// The others of the batch, with reasons.
        left_out: Vec<LeftOut>,
    },
}

/// A record of the cloud that gives a reason to look at an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its place in the batch, from 0.
    pub record: usize,
    /// Whose role it is about.
    pub whose: Whose,
    /// A change to the role, or a new member account.
    pub kind: TriggerKind,
    /// In words.
    pub reason: String,
    /// Who made the call, if it looks like one of the guard's own.
    pub actor: Option<Actor>,
}

/// Whose role a record is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// The own account's: the record does not say.
    Own,
    /// This account's.
    Account(AccountId),
    /// A new member's, and the record does not say which: whoever joined lately is looked at.
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
