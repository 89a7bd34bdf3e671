//! What must hold after a run and does not, whatever time it took.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde_json::Value;

use crate::Guard;
use crate::organization::Organization;
use crate::record::{CONCURRENCY, ENTRIES_PER_SECOND, Record};
use crate::usage::Usage;

/// `DTS_GUARD_RATE` is 10: a burst of one second's worth, and the next second's.
const CALLS_PER_SECOND: usize = 20;
/// The two reads of a role in each account, and listing beside them.
const CALLS_AT_ONCE: usize = 2 * CONCURRENCY as usize + 1;
const PEAK_KIB: u32 = 64 * 1024;

pub(crate) fn all(
    guard: Guard,
    organization: &Organization,
    report: &Value,
    record: &Record,
    usage: Usage,
) -> Vec<String> {
    let mut objections = of_limits(guard, record, usage);
    objections.extend(of_report(organization, report));
    objections.extend(of_cloud(organization, record));
    objections
}

fn of_limits(guard: Guard, record: &Record, usage: Usage) -> Vec<String> {
    let most_entries = if guard == Guard::Real { ENTRIES_PER_SECOND } else { usize::MAX };
    let objections = [
        above("`AssumeRole` calls in a second", record.peak_entries(), most_entries),
        above("calls in a second of one operation in one account", record.peak_operation(), CALLS_PER_SECOND),
        above("members at once", record.peak_members(), CONCURRENCY as usize),
        above("calls at once", record.peak_calls(), CALLS_AT_ONCE),
        above("throttled calls", record.throttled(), 0),
        above("KiB of memory", usage.peak_kib, PEAK_KIB),
    ];
    objections.into_iter().flatten().collect()
}

/// Each account has one line with the right status, and the summary counts them.
fn of_report(organization: &Organization, report: &Value) -> Vec<String> {
    let lines = report.pointer("/accounts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |line: &Value, key| line.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let told: BTreeMap<_, _> = lines.iter().map(|line| (text(line, "accountId"), text(line, "status"))).collect();
    let expected = organization.expected();
    let wrong: Vec<_> =
        expected.iter().filter(|(account, status)| told.get(**account).is_none_or(|said| said != *status)).collect();
    let mut objections = Vec::new();
    objections.extend(not_empty("accounts without a line, or with a wrong one", &wrong));
    objections.extend(different("lines of the report", lines.len(), expected.len()));
    for status in ["authorized", "remediated", "failed"] {
        let counted = report.pointer(&format!("/summary/{status}")).and_then(Value::as_u64);
        let right = expected.values().filter(|expected| **expected == status).count() as u64;
        objections.extend(different(status, counted, Some(right)));
    }
    objections
}

/// What the calls and the roles themselves say.
fn of_cloud(organization: &Organization, record: &Record) -> Vec<String> {
    let broken: BTreeSet<_> = organization.broken().collect();
    let unrepaired: Vec<_> = broken.iter().filter(|account| !organization.is_authorized(account)).collect();
    let touched: Vec<_> = record.changed().filter(|account| !broken.contains(account)).collect();
    let entered = record.entered();
    let times = |account: &str| if broken.contains(account) { 2 } else { 1 };
    let not_once: Vec<_> = entered.iter().filter(|(account, entered)| **entered != times(account)).collect();
    let mut objections = Vec::new();
    objections.extend(not_empty("not repaired", &unrepaired));
    objections.extend(not_empty("changed without need", &touched));
    objections.extend(not_empty("not entered once to judge and once to repair", &not_once));
    // The own account needs no entering.
    objections.extend(different("accounts entered", entered.len() + 1, organization.expected().len()));
    objections
}

fn above<T: PartialOrd + Copy + Debug>(what: &str, seen: T, most: T) -> Option<String> {
    (seen > most).then(|| format!("{what}: {seen:?}, but {most:?} at most"))
}

fn different<T: PartialEq + Copy + Debug>(what: &str, seen: T, right: T) -> Option<String> {
    (seen != right).then(|| format!("{what}: {seen:?} instead of {right:?}"))
}

fn not_empty<T: Debug>(what: &str, accounts: &[T]) -> Option<String> {
    let some: Vec<_> = accounts.iter().take(3).collect();
    (!some.is_empty()).then(|| format!("{what}: {}, such as {some:?}", accounts.len()))
}
