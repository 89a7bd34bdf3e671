//! The axes: which call meets what, how often, with a journal folder and without.

use dts_role_guard::report::Status;
use emulator::{Fault, Rule};

use crate::case::{Case, Trouble};
use crate::killer::Kill;
use crate::seeds::{Course, Write};

type Meets = fn(Rule) -> Fault;

/// A kind of fault.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) fault: Meets,
    /// Trying again helps.
    passes: bool,
    /// The effect is there, so that a look shows it.
    is_visible: bool,
}

const fn kind(name: &'static str, fault: Meets) -> Kind {
    Kind { name, fault, passes: true, is_visible: false }
}

const fn visible(name: &'static str, fault: Meets) -> Kind {
    Kind { is_visible: true, ..kind(name, fault) }
}

const fn lasting(name: &'static str, fault: Meets) -> Kind {
    Kind { passes: false, ..kind(name, fault) }
}

pub(crate) const KINDS: [Kind; 10] = [
    lasting("denied", Rule::deny),
    kind("throttled", Rule::throttle),
    kind("unavailable", Rule::unavailable),
    visible("effect, then 500", Rule::internal_error_after_effect),
    kind("lost before", Rule::lose_before),
    visible("lost after", Rule::lose_after),
    kind("half a reply before", |rule| rule.half_body().before_effect()),
    visible("half a reply after", |rule| rule.half_body().after_effect()),
    kind("a page of HTML", |rule| rule.html(502)),
    lasting("expired token", Rule::expired_token),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Often {
    Once,
    Always,
}

impl Kind {
    /// What every step of every plan meets. The rest differs from these only in how a reply is read, and the thorough seeds
    /// have each kind of reply.
    fn is_for_every_step(&self, often: Often) -> bool {
        match often {
            Often::Once => matches!(self.name, "throttled" | "unavailable" | "lost before" | "lost after"),
            Often::Always => matches!(self.name, "denied" | "unavailable"),
        }
    }

    fn is_for(&self, course: &Course, write: &Write, often: Often) -> bool {
        if course.is_like_others(write) {
            return often == Often::Always && self.is_for_every_step(often);
        }
        course.seed.thorough || self.is_for_every_step(often)
    }

    fn meets(&self, write: &Write, often: Often, course: &Course) -> Case {
        let (word, rule) = match often {
            Often::Once => ("once", write.once()),
            Often::Always => ("always", write.always()),
        };
        let trouble = Trouble::Faults(vec![vec![(self.fault)(rule)]]);
        let case = Case::new(course, format!("{}: {} {word}", write.name(), self.name), trouble);
        let passes = self.passes && often == Often::Once;
        let writes = (passes && self.is_visible && !write.is_rehearsal).then(|| course.writes().len());
        let goes_back = !self.passes && course.reversible().iter().any(|other| other.name() == write.name());
        let refused = !self.passes && write.is_rehearsal;
        let ends = passes.then_some(Status::Remediated).or(goes_back.then_some(Status::RolledBack));
        let ends = ends.or(refused.then_some(Status::Refused));
        Case { ends, writes, ..case }
    }
}

/// Each write meets each kind, once and always. What only the thorough seeds meet, they meet with a folder.
pub(crate) fn of_writes(course: &Course) -> Vec<Case> {
    let mut cases = Vec::new();
    for write in course.writes() {
        for (kind, often) in KINDS.iter().flat_map(|kind| [(kind, Often::Once), (kind, Often::Always)]) {
            if kind.is_for(course, &write, often) {
                let case = kind.meets(&write, often, course);
                let both = kind.is_for_every_step(often);
                cases.extend(case.on_both_sides().into_iter().filter(|case| both || case.journal));
            }
        }
    }
    cases
}

/// Each read meets what differs for a read: an answer that no other try changes, and none.
pub(crate) fn of_reads(course: &Course) -> Vec<Case> {
    let mut cases = Vec::new();
    for (operation, nth) in course.reads() {
        let rule = Rule::on(&operation);
        let case = |name: &str, fault| {
            let trouble = Trouble::Faults(vec![vec![fault]]);
            Case::new(course, format!("{operation} {nth}: {name}"), trouble).on_both_sides()
        };
        cases.extend(case("unavailable from then on", rule.clone().from(nth).unavailable()));
        if course.seed.thorough {
            cases.extend(case("denied from then on", rule.clone().from(nth).deny()));
            for (name, fault) in PASSING_OF_READS {
                let passing = case(name, fault(rule.clone().nth(nth)));
                cases.extend(passing.map(|case| Case { ends: Some(Status::Remediated), ..case }));
            }
        }
    }
    cases
}

const PASSING_OF_READS: [(&str, Meets); 3] =
    [("throttled once", Rule::throttle), ("lost once", Rule::lose_after), ("HTML once", |rule| rule.html(502))];

/// Reads after each write tell old news, a few times and for ever; its own reply may be lost, too.
pub(crate) fn of_stale_reads(course: &Course) -> Vec<Case> {
    let mut cases = Vec::new();
    for write in course.writes().into_iter().filter(|write| !course.is_like_others(write) && !write.is_rehearsal) {
        let few = stale(course, &write, |rule| rule.times(3));
        let case = |name: &str, groups| {
            let case = Case::new(course, format!("{}: {name}", write.name()), Trouble::Faults(groups));
            Case { stale: true, ..case }.on_both_sides()
        };
        let count = course.writes().len();
        let passing = case("then stale reads", vec![few.clone()]);
        cases.extend(passing.map(|case| Case { ends: Some(Status::Remediated), writes: Some(count), ..case }));
        cases.extend(case("lost after, then stale reads", vec![vec![write.once().lose_after()], few.clone()]));
        if course.seed.thorough {
            cases.extend(case("lost before, then stale reads", vec![vec![write.once().lose_before()], few]));
            cases.extend(case("then only stale reads", vec![stale(course, &write, |rule| rule)]));
        }
    }
    cases
}

/// The reads whose answers may be old.
const LOOKS: [&str; 3] = ["GetRole", "ListPoliciesForRole", "ListTagResources"];

fn stale(course: &Course, write: &Write, often: fn(Rule) -> Rule) -> Vec<Fault> {
    LOOKS.map(|read| often(course.reads_after(write, read)).stale_writes(2)).to_vec()
}

/// Two faults: a write that fails always, and looks that are not possible from then on.
pub(crate) fn of_pairs(course: &Course) -> Vec<Case> {
    let mut cases = Vec::new();
    let pairs: [(&str, Meets); 2] = [("GetRole", Rule::deny), ("ListPoliciesForRole", Rule::unavailable)];
    for (look, fault) in pairs {
        let case = |name: &str, faults: Vec<Fault>, last: &Write| {
            let blind = course.reads_after(last, look).unavailable();
            let groups = faults.into_iter().chain([blind]).map(|fault| vec![fault]).collect();
            Case::new(course, format!("{name}no {look} from then on"), Trouble::Faults(groups)).on_both_sides()
        };
        cases.extend(case("", Vec::new(), &course.last_write()));
        for write in course.writes().into_iter().filter(|write| course.seed.thorough && !write.is_rehearsal) {
            cases.extend(case(&format!("{} fails always, ", write.name()), vec![fault(write.always())], &write));
        }
    }
    cases
}

/// Two faults: a write fails always, and what was done before it cannot be taken back.
pub(crate) fn of_undoes(course: &Course) -> Vec<Case> {
    let writes = course.reversible();
    let pairs = writes.windows(2).filter_map(|pair| Some((&pair[1], pair[0].reverse()?)));
    let case = |(write, reverse): (&Write, Rule)| {
        let groups = vec![vec![write.always().deny()], vec![reverse.deny()]];
        let name = format!("{}: denied, and no way back", write.name());
        Case::new(course, name, Trouble::Faults(groups)).on_both_sides()
    };
    pairs.flat_map(case).collect()
}

/// Two faults: no deletion arrives, and for a while nobody can see that: only the creation tells.
pub(crate) fn of_unseen_deletions(course: &Course) -> Vec<Case> {
    let deletions = course.writes().into_iter().filter(|write| write.operation == "DeleteRole");
    let case = |write: Write| {
        let blind = course.reads_after(&write, "GetRole").times(8).unavailable();
        let groups = vec![vec![write.always().lose_before()], vec![blind]];
        let case = Case::new(course, "DeleteRole: lost always, and unseen".to_owned(), Trouble::Faults(groups));
        Case { ends: Some(Status::RolledBack), ..case }.on_both_sides()
    };
    deletions.flat_map(case).collect()
}

/// Killed at each call, before it is sent and after its effect.
pub(crate) fn of_kills(course: &Course) -> Vec<Case> {
    let nths = 1..=course.calls.len();
    nths.flat_map(|nth| kills(course, nth, Trouble::Killed)).collect()
}

/// Killed at each write, and the run that finishes the work is killed at each of its calls.
pub(crate) fn of_double_kills(course: &Course) -> Vec<Case> {
    let writes = course.calls.iter().filter(|call| call.write && course.seed.thorough);
    writes.flat_map(|call| kills(course, call.index + 1, Trouble::KilledTwice)).collect()
}

/// Without a record, a kill before a call is the same as one after the call before it.
fn kills(course: &Course, nth: usize, trouble: fn(Kill) -> Trouble) -> impl Iterator<Item = Case> {
    let case = move |kill| Case::new(course, format!("{kill:?}"), trouble(kill)).on_both_sides();
    let [before, _] = case(Kill::Before(nth));
    [before].into_iter().chain(case(Kill::After(nth)))
}

/// Nothing happens, or a person comes in at the end.
pub(crate) fn of_people(course: &Course) -> Vec<Case> {
    let alone =
        Case { ends: Some(Status::Remediated), ..Case::new(course, "undisturbed".to_owned(), Trouble::Nothing) };
    let person = Case::new(course, "a person takes the DTS policy away in the end".to_owned(), Trouble::Person);
    alone.on_both_sides().into_iter().chain(person.on_both_sides()).collect()
}

/// Before each call somebody puts another role in the place of the one that the guard looked at.
pub(crate) fn of_strangers(course: &Course) -> Vec<Case> {
    let case = |nth| Case::new(course, format!("another role appears before call {nth}"), Trouble::Stranger(nth));
    (1..=course.calls.len()).flat_map(|nth| case(nth).on_both_sides()).collect()
}

/// After the first look, before each call, somebody deletes the role.
pub(crate) fn of_deletions(course: &Course) -> Vec<Case> {
    let recreates = course.calls.iter().any(|call| call.operation == "DeleteRole");
    let looked = course.calls.iter().position(|call| call.write).unwrap_or(0);
    let nths = (looked + 1..=course.calls.len()).filter(|_| recreates);
    let case = |nth| {
        let case = Case::new(course, format!("somebody deletes the role before call {nth}"), Trouble::Deleted(nth));
        Case { ends: Some(Status::Remediated), ..case }.on_both_sides()
    };
    nths.flat_map(case).collect()
}
