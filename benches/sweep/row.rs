//! One run as a row of the table.

use std::fmt;
use std::time::Duration;

use crate::Guard;
use crate::record::{Bound, Record};
use crate::usage::Usage;

const KIB_IN_MIB: f64 = 1024.0;
const MILLISECONDS: f64 = 1000.0;

/// `trip` is what the emulated way to the cloud and back took in fact: timers are coarse, and the machine may be busy. `CPU`
/// and `grown`, by how much the peak of memory rose, are for each account.
pub(crate) const HEAD: &str = "\
members  seconds    bound by                ratio  trip ms  accounts/s  CPU ms guard cloud  peak MiB  grown KiB  \
AssumeRole/s  members at once  calls at once";

pub(crate) struct Row<'a> {
    pub(crate) guard: Guard,
    pub(crate) members: u32,
    pub(crate) took: Duration,
    pub(crate) before: Usage,
    pub(crate) after: Usage,
    pub(crate) cloud_cpu: Duration,
    pub(crate) record: &'a Record,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, record, .. } = self;
        let (seconds, accounts) = (self.took.as_secs_f64(), f64::from(self.members));
        let Bound { time, by } = record.bound(self.guard);
        let bound = time.as_secs_f64();
        let each = |cpu: Duration| cpu.as_secs_f64() * MILLISECONDS / accounts;
        let guard_cpu = each(self.after.cpu.saturating_sub(self.before.cpu));
        let grown = f64::from(self.after.peak_kib.saturating_sub(self.before.peak_kib)) / accounts;
        let trip = record.mean_trip().as_secs_f64() * MILLISECONDS;
        write!(f, "{members:>7} {seconds:>8.2} {bound:>8.2} {by:<16} {:>5.2} {trip:>8.2}", seconds / bound)?;
        write!(f, " {:>11.1} {guard_cpu:>13.2} {:>5.2}", accounts / seconds, each(self.cloud_cpu))?;
        write!(f, " {:>9.1} {grown:>10.2}", f64::from(self.after.peak_kib) / KIB_IN_MIB)?;
        write!(f, " {:>13} {:>16} {:>14}", record.peak_entries(), record.peak_members(), record.peak_calls())
    }
}
