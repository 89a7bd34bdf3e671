//! What must succeed after the deletion is tried before it, while it can have no effect: the role exists, its policies are
//! attached, its tags are set. So a permission that is missing, or a control policy, shows while nothing is taken away.

use aliyun::{Error, Kind};
use authorization::baseline::Baseline;
use authorization::plan::{Step, StepRecord, StepResult, restorable};
use authorization::record::Act;
use authorization::role::{Role, Tags};
use authorization::text::chain;
use futures_util::future::join_all;

use super::step::{TRIES, send};
use super::{Cause, Course, Run};
use crate::case::Case;
use crate::journal::{Intent, Unrecorded};
use crate::refusal::Refusal;

/// What a reply to a rehearsal means.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// It is so already, as it should be: the write is allowed, and its parameters are right.
    Exists,
    /// The role was gone, and now it is made.
    Made(String),
    /// The policy was not attached, and now it is.
    Attached,
    /// The policy no longer exists.
    Gone,
    /// The role that was looked at a moment ago is missing.
    RoleMissing,
    /// Nobody knows yet.
    Again,
    /// It would fail after the deletion, too.
    Refused,
}

/// The rehearsals of a recreation. Of the tags only one is sent: a value that somebody changed a moment ago would be set
/// back.
fn rehearsals(baseline: &Baseline, found: &Role, tags: Option<&Tags>) -> Vec<Step> {
    let create = Step::Create { role: baseline.new_role(Some(found)), replaces: Some(found.id.clone()) };
    let attach = found.policies.iter().cloned().map(Step::Attach);
    let tag = tags.and_then(|tags| restorable(tags).next());
    let tag = tag.map(|(key, value)| Step::Tag(Tags::from([(key.clone(), value.clone())])));
    std::iter::once(create).chain(attach).chain(tag).collect()
}

/// What a reply means, as a table.
fn meaning(step: &Step, reply: Result<Option<String>, &Error>) -> Reply {
    let error = match (step, reply) {
        (Step::Create { .. }, Ok(Some(id))) => return Reply::Made(id),
        (Step::Attach(_), Ok(_)) => return Reply::Attached,
        (_, Ok(_)) => return Reply::Exists,
        (_, Err(error)) => error,
    };
    match step {
        Step::Create { .. } if error.is("EntityAlreadyExists.Role") => return Reply::Exists,
        Step::Attach(_) if error.is("EntityAlreadyExists.Role.Policy") => return Reply::Exists,
        Step::Attach(_) if error.is("EntityNotExist.Policy") => return Reply::Gone,
        _ if error.is_role_missing() => return Reply::RoleMissing,
        _ => {}
    }
    match error.kind {
        // A limit says that the call was allowed and understood. What is taken away makes room for what comes back.
        Kind::Conflict if error.code.as_deref().is_some_and(|code| code.starts_with("LimitExceeded")) => Reply::Exists,
        Kind::Denied | Kind::Invalid | Kind::Conflict | Kind::Expired | Kind::DeadlineExceeded | Kind::OtherAccount => {
            Reply::Refused
        }
        Kind::NotFound
        | Kind::Unrelated
        | Kind::NoReply
        | Kind::Throttled
        | Kind::Unavailable
        | Kind::Unknown
        | Kind::Unreachable
        | Kind::WrongTime => Reply::Again,
    }
}

/// What the replies to all rehearsals told.
#[derive(Default)]
struct Replies {
    /// The id of the role that they made.
    made: Option<String>,
    /// The steps that had an effect.
    done: Vec<(Step, StepRecord)>,
    role_is_missing: bool,
    refused: Option<String>,
}

impl Run<'_, '_> {
    /// Tries every write that must succeed after the deletion, all at the same time.
    pub(super) async fn rehearse(&mut self) -> Result<(), Cause> {
        let Some(found) = &self.found else { return Ok(()) };
        let steps = rehearsals(self.case.baseline, found, self.tags.as_ref());
        self.check_time(0)?;
        self.open.advance(Act::Rehearse)?;
        let intent = self.open.begin_rehearsal(self.case.session).await?;
        let mut replies = self.try_all(&intent, &steps).await;
        // Somebody may have deleted the role between two of the calls. Then the creation of a second round makes it.
        let session = self.case.session;
        if replies.made.is_none() && replies.role_is_missing && session.pause(session.pauses(1).next()).await {
            replies = self.try_all(&intent, &steps).await;
        }
        self.course = Course::Rehearsed;
        match replies {
            // The way back is gone with the old role, so this is the repair's creation, whatever else was refused.
            Replies { made: Some(id), done, .. } => self.go_on_from(id, done).await,
            Replies { refused: Some(why), .. } => Err(Refusal::Rehearsal(why).into()),
            Replies { made: None, refused: None, .. } => Ok(()),
        }
    }

    async fn try_all(&mut self, intent: &Intent<'_>, steps: &[Step]) -> Replies {
        let (case, started_ms) = (self.case, self.open.elapsed_ms());
        let answers = join_all(steps.iter().map(|step| try_out(case, intent, step, started_ms))).await;
        let mut replies = Replies::default();
        for (step, (answer, record, _)) in steps.iter().zip(answers) {
            match (answer, step) {
                (Reply::Made(id), _) => {
                    replies.made = Some(id);
                    replies.done.push((step.clone(), record));
                }
                (Reply::Attached, Step::Attach(policy)) => {
                    // By name: should the role be somebody's meanwhile, it is taken off again.
                    self.attached.insert(policy.clone());
                    // A run that was taken over may have detached it. Else a person has, a moment ago: then it goes again
                    // with the others, and does not come back.
                    if !self.open.suspects(policy) {
                        self.open.not_held(policy);
                        self.not_held.insert(policy.clone());
                    }
                    replies.done.push((step.clone(), record));
                }
                (Reply::Gone, Step::Attach(policy)) if *policy != self.case.baseline.policy() => {
                    self.open.gone(policy);
                }
                (refused @ (Reply::Refused | Reply::Again | Reply::RoleMissing), _) => {
                    replies.role_is_missing |= refused == Reply::RoleMissing;
                    replies.refused = replies.refused.or(record.error);
                }
                (Reply::Exists | Reply::Attached | Reply::Gone, _) => {}
            }
        }
        replies
    }

    /// The role was deleted meanwhile, and the rehearsal has made it.
    async fn go_on_from(&mut self, id: String, done: Vec<(Step, StepRecord)>) -> Result<(), Cause> {
        // With the old role everything that it held is gone: nobody took a single policy away.
        for policy in std::mem::take(&mut self.not_held) {
            self.open.held(&policy);
        }
        self.open.advance(Act::Replace)?;
        self.use_existing(&id, StepResult::Done);
        self.created = Some(id);
        for (step, record) in done {
            // INVARIANT: what was rehearsed are steps of the plan, as `rehearsals` makes them of the same role.
            if let Some(item) = self.items.iter_mut().find(|item| item.step == step) {
                self.open.end(item.line, &record);
                item.record = Some(record);
            }
        }
        let _ = self.open.begin(self.case.session, Act::Replace, &[], Unrecorded::GoOn).await?;
        Ok(())
    }
}

/// Sends one of them, again while nobody knows what it means.
async fn try_out(
    case: Case<'_>,
    intent: &Intent<'_>,
    step: &Step,
    started_ms: u64,
) -> (Reply, StepRecord, Option<Error>) {
    let session = case.session;
    let begin = session.clock().uptime();
    let mut record = StepRecord { started_ms: Some(started_ms), ..StepRecord::planned(step, &case.target.role) };
    let mut pauses = session.pauses(TRIES - 1);
    loop {
        record.attempts += 1;
        let reply = send(case, intent, step, &mut record).await;
        if let Err(error) = &reply {
            record.request_id.clone_from(&error.request_id);
            record.error = Some(chain(error));
        }
        let answer = meaning(step, reply.as_ref().map(Clone::clone));
        if answer != Reply::Again || !session.pause(pauses.next()).await {
            let took = session.clock().uptime().saturating_sub(begin);
            record.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            return (answer, record, reply.err());
        }
    }
}

/// What became of a rehearsal that no repair follows.
#[derive(Debug)]
pub(crate) enum Rehearsed {
    /// It is so already: the write is allowed, and its parameters are right.
    Allowed,
    /// The policy no longer exists.
    Gone,
    /// It would fail after a deletion, too.
    Refused(Error),
    /// Nobody knows.
    Unknown(Option<Error>),
    /// The role was another one at that moment, and what became of the write.
    HadEffect(&'static str),
}

/// Tries every write that a recreation of this role would need, although none is planned: the doctor's question. A policy that
/// somebody took away at this very moment is taken off again, but for the one that DTS needs.
pub(crate) async fn rehearse(case: Case<'_>, found: &Role, tags: Option<&Tags>) -> Vec<(Step, Rehearsed)> {
    let intent = &Intent::to_rehearse(case.session);
    let tried = rehearsals(case.baseline, found, tags).into_iter().map(|step| async move {
        let (answer, _, error) = try_out(case, intent, &step, 0).await;
        let rehearsed = match (answer, &step) {
            (Reply::Exists, _) => Rehearsed::Allowed,
            (Reply::Gone, _) => Rehearsed::Gone,
            (Reply::Refused, _) => error.map_or(Rehearsed::Unknown(None), Rehearsed::Refused),
            (Reply::Again | Reply::RoleMissing, _) => Rehearsed::Unknown(error),
            (Reply::Made(_), _) => Rehearsed::HadEffect("it was deleted, and the rehearsal has made it again"),
            (Reply::Attached, Step::Attach(policy)) if *policy != case.baseline.policy() => {
                match intent.writer().detach_policy_from_role(case.role(), policy).await {
                    Ok(_) => {
                        Rehearsed::HadEffect("a policy was detached; the rehearsal attached it, and took it off again")
                    }
                    Err(_) => Rehearsed::HadEffect("a policy was detached, and the rehearsal has attached it again"),
                }
            }
            (Reply::Attached, _) => {
                Rehearsed::HadEffect("its DTS policy was detached, and the rehearsal has attached it again")
            }
        };
        (step, rehearsed)
    });
    join_all(tried).await
}
