//! How far a repair has come: the one function that says which writes may follow.

use crate::plan::Step;
use serde::{Deserialize, Serialize};

/// How far a repair has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// On record; nothing has been written to the role.
    Opened,
    /// The writes of a recreation are tried where they have no effect. Were the role gone, that would have made it.
    Rehearsing,
    /// Policies may be missing from the role that was found.
    Detaching,
    /// The role that was found may be deleted: there is no way back.
    Replacing,
    /// Nothing is left to do.
    Closed,
}

/// What a run is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Try the writes that must succeed after the deletion.
    Rehearse,
    /// Detach a policy of the plan.
    Detach,
    /// Delete the role and create it again: one intent.
    Replace,
    /// Add what the plan says: create, attach, tag, extend the trust policy.
    Build,
    /// Take a step of this repair back.
    Undo,
    /// Take the repair over from another run.
    Adopt,
    /// End it.
    Close,
}

/// An act that must not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a repair that is {phase:?} must not go on with {act:?}")]
pub struct Illegal {
    phase: Phase,
    act: Act,
}

impl Phase {
    /// The phase after an act.
    ///
    /// # Errors
    /// When the act must not follow: a detachment once the role may be deleted, or anything once the repair is closed.
    pub fn next(self, act: Act) -> Result<Self, Illegal> {
        match (self, act) {
            (Self::Opened, Act::Rehearse) => Ok(Self::Rehearsing),
            (Self::Opened | Self::Rehearsing | Self::Detaching, Act::Detach) => Ok(Self::Detaching),
            (Self::Opened | Self::Rehearsing | Self::Detaching, Act::Replace) => Ok(Self::Replacing),
            (Self::Opened | Self::Replacing, Act::Build | Act::Undo | Act::Adopt)
            | (Self::Rehearsing | Self::Detaching, Act::Undo | Act::Adopt) => Ok(self),
            (Self::Opened | Self::Rehearsing | Self::Detaching | Self::Replacing, Act::Close) => Ok(Self::Closed),
            (Self::Rehearsing | Self::Detaching, Act::Rehearse | Act::Build)
            | (Self::Replacing, Act::Rehearse | Act::Detach | Act::Replace)
            | (
                Self::Closed,
                Act::Rehearse | Act::Detach | Act::Replace | Act::Build | Act::Undo | Act::Adopt | Act::Close,
            ) => Err(Illegal { phase: self, act }),
        }
    }

    /// Whether a run has still to finish it.
    pub fn is_open(self) -> bool {
        self != Self::Closed
    }
}

impl Act {
    /// What carrying out a step of a plan is.
    pub fn of(step: &Step) -> Self {
        match step {
            Step::Detach(_) => Self::Detach,
            Step::Delete { .. } => Self::Replace,
            Step::Create { .. } | Step::Attach(_) | Step::UpdateTrust { .. } | Step::Tag(_) | Step::LeaveTag(_) => {
                Self::Build
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [Phase; 4] = [Phase::Opened, Phase::Detaching, Phase::Replacing, Phase::Closed];
    const ACTS: [Act; 6] = [Act::Detach, Act::Replace, Act::Build, Act::Undo, Act::Adopt, Act::Close];

    fn legal() -> Vec<(Phase, Act, Phase)> {
        let pairs = PHASES.into_iter().flat_map(|phase| ACTS.map(|act| (phase, act)));
        pairs.filter_map(|(phase, act)| Some((phase, act, phase.next(act).ok()?))).collect()
    }

    #[test]
    fn a_repair_never_goes_back_to_an_earlier_phase() {
        assert!(legal().iter().all(|(phase, _, next)| next >= phase));
        assert_eq!(legal().len(), 15, "of {}", PHASES.len() * ACTS.len());
    }

    #[test]
    fn nothing_is_taken_away_once_the_role_may_be_deleted_and_nothing_is_done_once_it_is_closed() {
        assert!(Phase::Replacing.next(Act::Detach).is_err());
        assert!(Phase::Replacing.next(Act::Replace).is_err());
        assert!(ACTS.iter().all(|act| Phase::Closed.next(*act).is_err()));
    }

    #[test]
    fn nothing_is_built_on_a_role_that_policies_were_taken_from() {
        assert!(Phase::Detaching.next(Act::Build).is_err());
    }

    #[test]
    fn every_open_phase_can_be_adopted_and_closed() {
        for phase in PHASES.into_iter().filter(|phase| phase.is_open()) {
            assert_eq!(phase.next(Act::Adopt), Ok(phase));
            assert_eq!(phase.next(Act::Close), Ok(Phase::Closed));
        }
    }
}
