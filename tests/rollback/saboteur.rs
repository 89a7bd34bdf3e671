//! Sits between the guard and the emulator, and makes the guard behave, as the cloud sees it, like one with a bug.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aliyun::{BoxFuture, Http, Reply, SignedRequest, Transport, TransportError};
use dts_role_guard::USER_AGENT;
use emulator::DTS_POLICY;
use serde_json::json;

use crate::belief::Belief;
use crate::seeds::Write;
use crate::wire::{params, success};

/// A bug that the guard does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Extra policies do not come back to the new role.
    ReattachSkipped,
    /// What was asked for is taken for what is.
    SecondLookSkipped,
    /// The role is created whatever became of the deletion.
    DeletionNotConfirmed,
    /// Tags do not come back.
    TagsSkipped,
    /// The journal's files are not there.
    RecordNotWritten,
    /// A failure before the deletion puts nothing back.
    PutBackSkipped,
    /// Nothing is rehearsed.
    RehearsalSkipped,
    /// A rehearsal that is denied counts as one that is right.
    DenialIgnored,
    /// A rehearsal that has made the role counts as one that found it.
    MadeTakenForExists,
}

/// HTTP, or HTTP with a bug before it. It lives as long as a case.
pub(crate) fn way(bug: Option<Bug>, last: &Write, journal: Option<PathBuf>) -> Arc<dyn Transport> {
    let http = Http::new(USER_AGENT).unwrap();
    match bug {
        None => Arc::new(http),
        Some(bug) => {
            let last = last.clone();
            Arc::new(Saboteur { http, bug, last, journal, memory: Mutex::default() })
        }
    }
}

struct Saboteur {
    http: Http,
    bug: Bug,
    /// The plan's last write.
    last: Write,
    journal: Option<PathBuf>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    deletion_sent: bool,
    detachment_sent: bool,
    /// How often the call of the plan's last write was answered.
    answered: usize,
    /// The plan's last write was answered.
    complete: bool,
    belief: Belief,
}

type Params = BTreeMap<String, String>;

impl Transport for Saboteur {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        let params = params(&request);
        Box::pin(async move {
            if let Some(reply) = self.instead(&params) {
                return Ok(reply);
            }
            let reply = self.http.send(request).await;
            self.learn(&params, reply)
        })
    }
}

/// What the cloud answers to a rehearsal that is as it should be.
fn right_answer(params: &Params) -> Option<Reply> {
    let code = match params["Action"].as_str() {
        "CreateRole" => "EntityAlreadyExists.Role",
        "AttachPolicyToRole" => "EntityAlreadyExists.Role.Policy",
        "TagResources" => return Some(success(json!({}))),
        _ => return None,
    };
    Some(Reply { status: 409, ..success(json!({ "Code": code })) })
}

impl Saboteur {
    /// What is answered without asking the cloud.
    fn instead(&self, params: &Params) -> Option<Reply> {
        let memory = self.memory.lock().unwrap();
        let attaches = params["Action"] == "AttachPolicyToRole";
        let extra = params.get("PolicyName").is_some_and(|policy| policy != DTS_POLICY);
        if self.bug == Bug::RehearsalSkipped && !memory.detachment_sent {
            return right_answer(params);
        }
        let swallowed = match self.bug {
            Bug::ReattachSkipped => attaches && extra && memory.deletion_sent,
            Bug::PutBackSkipped => attaches && memory.detachment_sent && !memory.deletion_sent,
            Bug::TagsSkipped => params["Action"] == "TagResources",
            Bug::SecondLookSkipped if memory.complete => return memory.belief.answer(&params["Action"]),
            Bug::RecordNotWritten => {
                self.empty_the_folder();
                false
            }
            Bug::SecondLookSkipped
            | Bug::DeletionNotConfirmed
            | Bug::RehearsalSkipped
            | Bug::DenialIgnored
            | Bug::MadeTakenForExists => false,
        };
        swallowed.then(|| success(json!({})))
    }

    fn learn(&self, params: &Params, reply: Result<Reply, TransportError>) -> Result<Reply, TransportError> {
        let mut memory = self.memory.lock().unwrap();
        let succeeded = reply.as_ref().is_ok_and(|reply| reply.status == 200);
        memory.belief.learn(params, reply.as_ref().ok().filter(|_| succeeded));
        memory.deletion_sent |= params["Action"] == "DeleteRole";
        memory.detachment_sent |= params["Action"] == "DetachPolicyFromRole";
        memory.answered += usize::from(self.is_last(params));
        memory.complete |= succeeded && self.is_last(params) && memory.answered >= self.last.nth;
        match self.bug {
            Bug::DeletionNotConfirmed if params["Action"] == "DeleteRole" => Ok(success(json!({}))),
            Bug::DenialIgnored if !succeeded && !memory.detachment_sent => right_answer(params).map_or(reply, Ok),
            Bug::MadeTakenForExists if succeeded && params["Action"] == "CreateRole" && !memory.detachment_sent => {
                right_answer(params).map_or(reply, Ok)
            }
            _ => reply,
        }
    }

    fn is_last(&self, params: &Params) -> bool {
        params["Action"] == self.last.operation && params.get("PolicyName") == self.last.policy.as_ref()
    }

    fn empty_the_folder(&self) {
        for file in self.journal.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
            let _ = std::fs::remove_file(file.unwrap().path());
        }
    }
}
