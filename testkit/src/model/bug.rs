//! Sits between a guard and the world, and makes the guard behave, as the world sees it, like one with a bug.
//!
//! What it does depends on nothing but what this guard asked and was told, so that a state stays what it was.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use emulator::DTS_POLICY;
use serde_json::{Value, json};

use super::cloud::Params;
use super::shared::{Op, Outcome};

/// A bug that the guard does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The DTS policy is asked for, and taken for attached.
    AttachmentBelieved,
    /// After a deletion the extra policy is asked for, and taken for attached.
    ExtraForgotten,
    /// A failure before the deletion puts nothing back.
    PutBackSkipped,
    /// The journal's files are not there.
    RecordNotWritten,
    /// A run that claims a record is told that another has it.
    ClaimRefused,
    /// The role that the guard made is there for ever, whatever becomes of it.
    RoleTakenForOurs,
}

/// What a guard with a bug knows.
#[derive(Clone, Default)]
pub(super) struct Saboteur {
    bug: Option<Bug>,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    detached: bool,
    deleted: bool,
    /// What was asked for and not sent.
    believed: BTreeSet<(String, String)>,
    /// The role that this guard made, as the cloud told it.
    made: Option<Value>,
}

impl Saboteur {
    pub(super) fn of(bug: Option<Bug>) -> Self {
        Self { bug, memory: Arc::default() }
    }

    /// What is answered without asking.
    pub(super) fn instead(&self, op: &Op) -> Option<Outcome> {
        let bug = self.bug?;
        match (bug, op) {
            (Bug::RecordNotWritten, Op::Generations) => Some(Outcome::Generations(Vec::new())),
            (Bug::RecordNotWritten, Op::Claim(..)) => Some(Outcome::Claimed(true)),
            (Bug::RecordNotWritten, Op::Replace(..)) => Some(Outcome::Done),
            (Bug::ClaimRefused, Op::Claim(..)) => Some(Outcome::Claimed(false)),
            (_, Op::Call(params)) => self.swallows(bug, params).then(|| Outcome::Answer(Ok(json!({})))),
            _ => None,
        }
    }

    fn swallows(&self, bug: Bug, params: &Params) -> bool {
        let mut memory = self.memory.lock().unwrap();
        memory.detached |= params["Action"] == "DetachPolicyFromRole";
        memory.deleted |= params["Action"] == "DeleteRole";
        if params["Action"] != "AttachPolicyToRole" {
            return false;
        }
        let is_extra = params["PolicyName"] != DTS_POLICY;
        let swallows = match bug {
            Bug::AttachmentBelieved => !is_extra,
            Bug::ExtraForgotten => is_extra && memory.deleted,
            Bug::PutBackSkipped => memory.detached && !memory.deleted,
            Bug::RecordNotWritten | Bug::ClaimRefused | Bug::RoleTakenForOurs => false,
        };
        if swallows && bug != Bug::PutBackSkipped {
            memory.believed.insert((params["PolicyType"].clone(), params["PolicyName"].clone()));
        }
        swallows
    }

    /// What the guard is told of an outcome.
    pub(super) fn told(&self, op: &Op, outcome: Outcome) -> Outcome {
        let mut memory = self.memory.lock().unwrap();
        match (self.bug, op, outcome) {
            (Some(Bug::RoleTakenForOurs), Op::Call(params), Outcome::Answer(answer)) => {
                match (params["Action"].as_str(), &answer, &memory.made) {
                    ("CreateRole", Ok(made), _) => memory.made = Some(made.clone()),
                    ("GetRole", _, Some(made)) => return Outcome::Answer(Ok(made.clone())),
                    _ => {}
                }
                Outcome::Answer(answer)
            }
            (Some(_), Op::Call(params), Outcome::Answer(Ok(mut list))) if params["Action"] == "ListPoliciesForRole" => {
                let listed = list["Policies"]["Policy"].as_array_mut().unwrap();
                for (kind, name) in &memory.believed {
                    listed.push(json!({"PolicyType": kind, "PolicyName": name}));
                }
                Outcome::Answer(Ok(list))
            }
            (_, _, outcome) => outcome,
        }
    }
}
