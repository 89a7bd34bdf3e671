//! What must hold in every cell, each with the sentence of the promise that it comes from. What is right is computed from the
//! emulator's state; no status is expected of any one cell.

use authorization::plan::{StepRecord, StepResult};
use authorization::verify::FindingId;
use dts_role_guard::report::{AccountReport, Report, Status};
use emulator::Call;
use serde_json::Value;
use testkit::{account, json};

use crate::case::{Evidence, Run, STRANGER, Trouble};
use crate::hands;
use crate::seeds::takes_away;
use testkit::truth::{authorized, kept, kept_statements, policies, unchanged};

type Holds = Result<(), String>;

/// A promise about one run that may write.
pub(crate) type OfRun = (&'static str, &'static str, fn(&Evidence, &Run, &AccountReport) -> Holds);
/// A promise about a whole cell.
pub(crate) type OfCase = (&'static str, &'static str, fn(&Evidence) -> Holds);

pub(crate) const OF_RUN: [OfRun; 14] = [
    ("remediated is true", "`remediated`: it was repaired", remediated_is_true),
    ("remediated was seen", "a second look at the cloud confirmed it", remediated_was_seen),
    ("undone is true", "`rolledBack`, `refused`, `failed`: the role is as before", undone_is_true),
    ("failed wrote nothing", "`failed`: could not find out; nothing written", failed_wrote_nothing),
    ("authorized wrote nothing", "`authorized`: all conditions held; nothing written", authorized_wrote_nothing),
    ("stuck is true", "`stuck`: neither [repaired nor rolled back], or something did not come back", stuck_is_true),
    ("stuck tells what to do", "`stuck`: `next` tells a person exactly what to do", stuck_tells_what_to_do),
    ("stuck is loud", "it is a failure when an account is `stuck`, or `refused` in mode `remediate`", stuck_is_loud),
    (
        "the word is one of a run that writes",
        "`drifted`: the mode allows no write; `pending`, `skipped`",
        word_is_legal,
    ),
    ("the steps are true", "result of a step: `done`, `already` (it was so), `failed`, `undone`", steps_are_true),
    ("after is true", "`after` is what the second look saw", after_is_true),
    ("only the role that was looked at is deleted", "another role id: put back, `refused`", deletes_what_it_saw),
    ("looks again before it deletes", "detach all policies, look again, delete", looks_again),
    (
        "the deletion is confirmed",
        "after a write without a reply the guard looks before it goes on",
        deletion_is_confirmed,
    ),
];

pub(crate) const OF_CASE: [OfCase; 9] = [
    ("the trouble was met", "the matrix tests what it says", trouble_was_met),
    (
        "a repair goes on, or back",
        "every reply may be lost; a failure before the role is deleted reattaches",
        goes_on_or_back,
    ),
    ("what was done is not done again", "after a write without a reply the guard looks", nothing_is_done_twice),
    ("the next run ends authorized", "the next run finishes the work", next_run_ends_authorized),
    ("nothing is lost", "with a journal everything comes back; without one only extras can be lost", nothing_is_lost),
    ("in-place keeps statements", "without changing its other statements; it never deletes", in_place_keeps),
    ("verify and plan are silent", "verify and plan are silent: only `Get*`, `List*`", looks_are_silent),
    ("a silent run tells what is unfinished", "a silent one reports `journal-open`", unfinished_is_told),
    ("nothing stays unfinished", "the next run finishes the work from it", nothing_stays_open),
];

/// A promise about a run in which another role of that name appears.
pub(crate) type OfStranger = (&'static str, &'static str, fn(&Run) -> Holds);

pub(crate) const OF_STRANGERS: [OfStranger; 3] = [
    (
        "a stranger gets nothing",
        "nothing is attached to, tagged on or put back onto a role that the guard does not know",
        stranger_gets_nothing,
    ),
    ("a stranger's role is no repair", "`remediated`: a second look at the cloud confirmed it", stranger_is_no_repair),
    ("it is loud", "the run stops, `refused` or `stuck`", |run| {
        stuck_is_loud_of(run.report.as_ref().unwrap(), report(run))
    }),
];

fn is_strange(run: &Run) -> bool {
    run.end.as_ref().is_some_and(|role| role.trust.contains(STRANGER))
}

fn stranger_gets_nothing(run: &Run) -> Holds {
    let bare = run.end.as_ref().is_none_or(|role| role.policies.is_empty());
    hold(!is_strange(run) || bare, || format!("{:#?}", run.end))
}

fn stranger_is_no_repair(run: &Run) -> Holds {
    let good = matches!(report(run).status, Status::Remediated | Status::Authorized);
    hold(!is_strange(run) || !good, || "the role is somebody's".to_owned())
}

fn hold(holds: bool, what: impl FnOnce() -> String) -> Holds {
    if holds { Ok(()) } else { Err(what()) }
}

/// Authorized, with everything that it had when this run began.
fn repaired(evidence: &Evidence, run: &Run) -> bool {
    let statements = !evidence.case.seed.is_in_place() || kept_statements(run.begin.as_ref(), run.end.as_ref());
    authorized(run.end.as_ref()) && kept(run.begin.as_ref(), run.end.as_ref()) && statements
}

fn remediated_is_true(evidence: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    hold(report.status != Status::Remediated || repaired(evidence, run), || "it is not repaired".to_owned())
}

fn remediated_was_seen(_: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    let after = run.calls.iter().rposition(|call| call.effect).map_or(0, |last| last + 1);
    let looked =
        |operation| run.calls[after..].iter().any(|call| call.operation == operation && call.status == Some(200));
    let seen = looked("GetRole") && looked("ListPoliciesForRole");
    hold(report.status != Status::Remediated || seen, || "nobody looked after the last write".to_owned())
}

fn undone_is_true(_: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    let says = matches!(report.status, Status::RolledBack | Status::Refused | Status::Failed);
    hold(!says || unchanged(run.begin.as_ref(), run.end.as_ref()), || "the role is not as it was".to_owned())
}

fn failed_wrote_nothing(_: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    hold(report.status != Status::Failed || !has_written(run), || "it has written".to_owned())
}

fn authorized_wrote_nothing(_: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    let holds = authorized(run.end.as_ref()) && !has_written(run);
    hold(report.status != Status::Authorized || holds, || "it was not, or something was written".to_owned())
}

/// Who could not look, or was told old news, cannot know better; what a person has undone is not rolled back.
fn stuck_is_true(evidence: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    let known = report.after.is_some() && !is_misled(evidence, run);
    let person = matches!(evidence.case.trouble, Trouble::Person);
    let fine = repaired(evidence, run) || (unchanged(run.begin.as_ref(), run.end.as_ref()) && !person);
    hold(report.status != Status::Stuck || !known || !fine, || "the role is as it should be".to_owned())
}

/// Without a second look the commands are those for a role that is missing.
fn stuck_tells_what_to_do(evidence: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    if report.status != Status::Stuck {
        return Ok(());
    }
    let next = report.next.as_deref().unwrap_or_default();
    let now = hands::typed(next, &run.world);
    let statements = !evidence.case.seed.is_in_place() || kept_statements(evidence.before.as_ref(), now.as_ref());
    let helps = authorized(now.as_ref()) && kept(evidence.before.as_ref(), now.as_ref()) && statements;
    let unseen = is_misled(evidence, run) || (report.after.is_none() && run.end.is_some());
    hold(next.contains("aliyun ram ") && (helps || unseen), || format!("what it proposes leads to {now:#?}"))
}

fn stuck_is_loud(_: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    stuck_is_loud_of(run.report.as_ref().unwrap(), report)
}

fn stuck_is_loud_of(whole: &Report, report: &AccountReport) -> Holds {
    let loud = whole.failure().is_some();
    hold(loud || !matches!(report.status, Status::Stuck | Status::Refused), || {
        "the platform counts a success".to_owned()
    })
}

fn word_is_legal(_: &Evidence, _: &Run, report: &AccountReport) -> Holds {
    let legal = match report.status {
        Status::Authorized
        | Status::Remediated
        | Status::Refused
        | Status::RolledBack
        | Status::Failed
        | Status::Stuck => true,
        Status::Ignored | Status::Rejected | Status::Skipped | Status::Pending | Status::Drifted => false,
    };
    hold(legal, || "a run that writes does not end like that".to_owned())
}

/// As many steps are said to have had an effect as had one. A deletion cannot be undone.
fn steps_are_true(_: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    for step in &report.steps {
        let effects = run.calls.iter().filter(|call| call.effect && is_call_of(call, step)).count();
        let said = |results: &[StepResult]| {
            let same = report.steps.iter().filter(|other| other.action == step.action && other.target == step.target);
            same.filter(|other| results.contains(&other.result)).count()
        };
        let undoes = report.steps.iter().filter(|other| other.result == StepResult::Undone && is_reverse(step, other));
        let least = said(&[StepResult::Done]);
        let rehearsed = if step.action == "TagResources" && rehearses(run) { 2 } else { 0 };
        let most = said(&[StepResult::Done, StepResult::Undone, StepResult::Unknown]) + undoes.count() + rehearsed;
        let deletion_undone = step.action == "DeleteRole" && step.result == StepResult::Undone;
        hold((least..=most).contains(&effects) && !deletion_undone, || {
            format!("{} {} is said to be {:?} and had {effects} effects", step.action, step.target, step.result)
        })?;
    }
    Ok(())
}

/// Whether the run has tried its writes where they have no effect. Of tags one is set to what it is.
fn rehearses(run: &Run) -> bool {
    let at = |is: fn(&str) -> bool| run.calls.iter().position(|call| is(&call.operation));
    let (creates, takes) = (at(|name| name == "CreateRole"), at(takes_away));
    run.begin.is_some() && creates.is_some_and(|at| takes.is_none_or(|taken| at < taken))
}

fn is_call_of(call: &Call, step: &StepRecord) -> bool {
    let policy = call.params.get("PolicyName").map(|name| format!("{}/{name}", call.params["PolicyType"]));
    call.operation == step.action && policy.is_none_or(|policy| policy == step.target)
}

fn is_reverse(step: &StepRecord, other: &StepRecord) -> bool {
    let pair = [step.action, other.action];
    let reverse = pair == ["AttachPolicyToRole", "DetachPolicyFromRole"]
        || pair == ["DetachPolicyFromRole", "AttachPolicyToRole"]
        || pair == ["UpdateRole", "UpdateRole"];
    reverse && step.target == other.target
}

fn after_is_true(evidence: &Evidence, run: &Run, report: &AccountReport) -> Holds {
    if report.after.is_none() || is_misled(evidence, run) {
        return Ok(());
    }
    let after = serde_json::to_value(&report.after).unwrap();
    let names = |policy: &Value| {
        let text = |field: &str| policy[field].as_str().unwrap().to_owned();
        (text("policyType"), text("policyName"))
    };
    let said = after["policies"].as_array().unwrap().iter().map(names).collect();
    let holds = run.end.as_ref().is_some_and(|role| after["roleId"] == *role.role_id && policies(role) == said);
    hold(holds, || format!("{after} was not there"))
}

/// A role that the run itself made may be withdrawn.
fn deletes_what_it_saw(_: &Evidence, run: &Run, _: &AccountReport) -> Holds {
    let Some(begin) = &run.begin else { return Ok(()) };
    let calls = run.calls.iter().filter(|call| call.operation == "DeleteRole");
    let mut deleted = calls.zip(&run.deleted).filter(|(call, _)| call.effect).map(|(_, id)| id);
    hold(deleted.all(|id| id.as_ref() == Some(&begin.role_id)), || "another role was deleted".to_owned())
}

fn looks_again(_: &Evidence, run: &Run, _: &AccountReport) -> Holds {
    let Some(delete) = run.calls.iter().position(|call| call.operation == "DeleteRole" && call.effect) else {
        return Ok(());
    };
    let before = &run.calls[..delete];
    let detached = before.iter().rposition(|call| call.operation == "DetachPolicyFromRole").map_or(0, |last| last + 1);
    let looked = |operation| before[detached..].iter().any(|call| call.operation == operation && call.status.is_some());
    let looked = looked("GetRole") && looked("ListPoliciesForRole");
    hold(run.begin.is_none() || looked, || "nobody looked between detaching and deleting".to_owned())
}

/// A deletion whose reply said no is no deletion.
fn deletion_is_confirmed(_: &Evidence, run: &Run, _: &AccountReport) -> Holds {
    let Some(delete) = run.calls.iter().position(|call| call.operation == "DeleteRole") else { return Ok(()) };
    let create = run.calls[delete..].iter().position(|call| call.operation == "CreateRole");
    let Some(create) = create.map(|after| delete + after) else { return Ok(()) };
    let before = &run.calls[..create];
    let last = before.iter().rev().find(|call| call.operation == "DeleteRole");
    let missing = before.iter().any(|call| call.code.as_deref() == Some("EntityNotExist.Role"));
    let refused = last.is_some_and(|call| call.code.is_some() && call.status.is_some_and(|status| status < 500));
    hold(missing || !refused, || "the role was created although the deletion was refused".to_owned())
}

fn trouble_was_met(evidence: &Evidence) -> Holds {
    hold(evidence.met, || "no call met the fault".to_owned())
}

fn goes_on_or_back(evidence: &Evidence) -> Holds {
    let status = first(evidence).map(|report| report.status);
    hold(evidence.case.ends.is_none() || status == evidence.case.ends, || format!("it ended as {status:?}"))
}

fn nothing_is_done_twice(evidence: &Evidence) -> Holds {
    let writes = evidence.disturbed[0].calls.iter().filter(|call| call.write).count();
    hold(evidence.case.writes.is_none_or(|wanted| wanted == writes), || format!("there were {writes} writes"))
}

fn next_run_ends_authorized(evidence: &Evidence) -> Holds {
    let status = report(&evidence.further).status;
    let holds = matches!(status, Status::Authorized | Status::Remediated) && authorized(evidence.further.end.as_ref());
    hold(holds, || format!("it ended as {status:?}: {}", told(&evidence.further)))
}

fn nothing_is_lost(evidence: &Evidence) -> Holds {
    let undone = |report: &AccountReport| !matches!(report.status, Status::Stuck);
    let promised = evidence.case.journal || first(evidence).is_some_and(undone);
    let holds = kept(evidence.before.as_ref(), evidence.further.end.as_ref());
    hold(!promised || holds, || format!("of {:#?} remained {:#?}", evidence.before, evidence.further.end))
}

fn in_place_keeps(evidence: &Evidence) -> Holds {
    if !evidence.case.seed.is_in_place() || evidence.before.is_none() {
        return Ok(());
    }
    let end = evidence.further.end.as_ref();
    let same = end.map(|role| &role.role_id) == evidence.before.as_ref().map(|role| &role.role_id);
    hold(same && kept_statements(evidence.before.as_ref(), end), || format!("{end:#?}"))
}

fn looks_are_silent(evidence: &Evidence) -> Holds {
    for run in evidence.between.iter().chain([&evidence.look]) {
        let reads = |call: &Call| call.operation.starts_with("Get") || call.operation.starts_with("List");
        hold(run.calls.iter().all(reads), || format!("{:?}", run.calls))?;
    }
    Ok(())
}

fn unfinished_is_told(evidence: &Evidence) -> Holds {
    let Some(between) = &evidence.between else { return Ok(()) };
    let whole = kept(evidence.before.as_ref(), between.end.as_ref());
    let holds = !evidence.case.journal || whole || has_open_journal(between);
    hold(holds, || format!("it is not told: {}", told(between)))
}

fn nothing_stays_open(evidence: &Evidence) -> Holds {
    let look = &evidence.look;
    let holds = report(look).status == Status::Authorized && !has_open_journal(look);
    hold(holds, || format!("the look in the end: {}", told(look)))
}

fn has_written(run: &Run) -> bool {
    run.calls.iter().any(|call| call.effect)
}

fn has_open_journal(run: &Run) -> bool {
    report(run).findings.iter().any(|finding| finding.id == FindingId::JournalOpen)
}

/// Faults of the first run may have told its looks old news.
fn is_misled(evidence: &Evidence, run: &Run) -> bool {
    let disturbed = evidence.disturbed.iter().any(|other| std::ptr::eq(other, run));
    disturbed && evidence.case.stale
}

/// The report of the run that was disturbed, if nothing killed it.
fn first(evidence: &Evidence) -> Option<&AccountReport> {
    let ended = evidence.disturbed.iter().all(|run| run.report.is_some());
    evidence.disturbed.last().filter(|_| ended).map(report)
}

pub(crate) fn report(run: &Run) -> &AccountReport {
    &run.report.as_ref().unwrap().accounts[0]
}

pub(crate) fn told(run: &Run) -> String {
    run.report.as_ref().map_or_else(String::new, |report| format!("{} {}", account(report), json(report)["status"]))
}
