//! What the cloud's record of a run tells: how hard the guard pushed, and how fast the limits would have let it be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use emulator::{Call, peak_accounts, peak_in_flight, peak_per_second, round_trips};
use testkit::ACCOUNT;

use crate::{Guard, ROUND_TRIP};

/// The guard's own limit for `AssumeRole`: a burst, then so many a second.
const BURST: u32 = 4;
const REFILL: u32 = 72;
pub(crate) const ENTRIES_PER_SECOND: usize = 80;
/// The default of `DTS_GUARD_CONCURRENCY`.
pub(crate) const CONCURRENCY: u32 = 8;

pub(crate) struct Record(pub(crate) Vec<Call>);

/// The least time that a run can take.
pub(crate) struct Bound {
    pub(crate) time: Duration,
    pub(crate) by: &'static str,
}

impl Record {
    /// Whichever limit binds.
    pub(crate) fn bound(&self, guard: Guard) -> Bound {
        let entries = u32::try_from(self.entries().count()).unwrap_or(u32::MAX);
        let entering =
            Bound { time: Duration::from_secs(entries.saturating_sub(BURST).into()) / REFILL, by: "AssumeRole limit" };
        let working = Bound { time: ROUND_TRIP * self.round_trips() / CONCURRENCY, by: "concurrency" };
        if guard == Guard::Real && entering.time > working.time { entering } else { working }
    }

    /// Of all accounts together: each was worked in on its own, listing them went on beside that.
    fn round_trips(&self) -> u32 {
        let mut accounts: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
        for call in self.0.iter().filter(|call| call.operation != "ListAccounts") {
            accounts.entry(call.about()).or_default().push(call);
        }
        accounts.into_values().map(round_trips).sum()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Call> {
        self.0.iter().filter(|call| call.operation == "AssumeRole")
    }

    /// How often each member was entered.
    pub(crate) fn entered(&self) -> BTreeMap<&str, usize> {
        let mut times = BTreeMap::new();
        self.entries().for_each(|call| *times.entry(call.about()).or_default() += 1);
        times
    }

    pub(crate) fn throttled(&self) -> usize {
        let codes = self.0.iter().filter_map(|call| call.code.as_deref());
        codes.filter(|code| code.starts_with("Throttling")).count()
    }

    pub(crate) fn changed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|call| call.write).map(Call::about)
    }

    pub(crate) fn peak_entries(&self) -> usize {
        peak_per_second(self.entries())
    }

    /// The most calls in a second of one other operation in one account.
    pub(crate) fn peak_operation(&self) -> usize {
        let mut buckets: BTreeMap<_, Vec<&Call>> = BTreeMap::new();
        for call in self.0.iter().filter(|call| call.operation != "AssumeRole") {
            buckets.entry((&call.operation, &call.account)).or_default().push(call);
        }
        buckets.into_values().map(peak_per_second).max().unwrap_or(0)
    }

    pub(crate) fn peak_calls(&self) -> usize {
        peak_in_flight(&self.0)
    }

    /// The most members at once. A broken one is worked in twice, so each of the two phases is looked at by itself.
    pub(crate) fn peak_members(&self) -> usize {
        let (judging, repairing) = self.0.split_at(self.first_repair());
        let members = |calls: &[Call]| peak_accounts(calls.iter().filter(|call| call.about() != ACCOUNT));
        members(judging).max(members(repairing))
    }

    /// Nothing is repaired before all is judged: the first member that is entered once more begins that.
    fn first_repair(&self) -> usize {
        let mut seen = BTreeSet::new();
        let begins = |call: &Call| call.operation == "AssumeRole" && !seen.insert(call.about().to_owned());
        self.0.iter().position(begins).unwrap_or(self.0.len())
    }

    /// How long the cloud really took for a call.
    pub(crate) fn mean_trip(&self) -> Duration {
        let took: Duration = self.0.iter().filter_map(Call::took).sum();
        took / u32::try_from(self.0.len()).unwrap_or(u32::MAX).max(1)
    }
}
