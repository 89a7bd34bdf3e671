//! Whether enough time is left: a write must not start if the rest of the plan, its undo and the looks would not fit.

use std::time::Duration;

use aliyun::Session;
use authorization::plan::{Step, trips};

use crate::refusal::Refusal;

/// One call takes at least this long in the estimate, so that a single slow one does not end a repair.
const CALL_FLOOR: Duration = Duration::from_millis(100);
/// An intent is put on record, and before it takes something away the record's generation is looked up.
const FILES_A_TRIP: u32 = 2;
/// Beside the writes: the rehearsal, the look before the deletion, the look before an undo, and the one at the end.
const OTHER_TRIPS: usize = 4;

/// Why the first write must not start, if it must not. `folder` is what an operation on the journal's files takes.
pub(crate) fn too_late(session: &Session, steps: &[Step], folder: Duration) -> Option<Refusal> {
    lacks_time(session, steps, steps, false, folder)
}

/// The same for the rest of a plan; what was done of all of it may have to be taken back.
pub(super) fn lacks_time(
    session: &Session,
    rest: &[Step],
    all: &[Step],
    is_rehearsed: bool,
    folder: Duration,
) -> Option<Refusal> {
    let undo: Vec<_> = all.iter().take_while(|step| !matches!(step, Step::Delete { .. })).cloned().collect();
    let count = u32::try_from(trips(rest) + trips(&undo) + OTHER_TRIPS).unwrap_or(u32::MAX);
    let call = (session.slowest_call() * 2).max(CALL_FLOOR) + folder * FILES_A_TRIP;
    let needed = call.saturating_mul(count).saturating_add(rate_wait(session, rest, &undo, is_rehearsed));
    let left = session.remaining();
    (needed > left).then_some(Refusal::TooLate { needed_ms: needed.as_millis(), left_ms: left.as_millis() })
}

/// What the own rate limits make the calls wait: in the worst case everything is taken away and put back again.
fn rate_wait(session: &Session, rest: &[Step], undo: &[Step], is_rehearsed: bool) -> Duration {
    let count = |steps: &[Step], operation| steps.iter().filter(|step| step.action() == operation).count();
    let (attach, detach) = ("AttachPolicyToRole", "DetachPolicyFromRole");
    let back = count(undo, detach);
    // A rehearsal tries each attachment once.
    let rehearsed = if is_rehearsed { 0 } else { count(rest, attach) };
    let attachments = rehearsed + count(rest, attach) + back;
    session.rate_wait(&[
        (attach, attachments),
        (detach, count(rest, detach)),
        ("TagResources", count(rest, "TagResources") + 1),
    ])
}
