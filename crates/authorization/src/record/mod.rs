//! What a journal file holds. Everybody with write access to the folder can make such a file, so its content is checked, and
//! role name and trust policy are never taken from it.

mod phase;
mod repair;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use phase::{Act, Illegal, Phase};
pub use repair::{RecordedStep, Repair, Snapshot, StepState};

use crate::target::{AccountId, PolicyRef};

/// The most bytes that a file may have.
pub const SIZE_LIMIT: usize = 64 * 1024;

/// The bytes that a signature takes.
const SIGNATURE: usize = 96;

/// Repairs do not last where this many within [`WINDOW`] were followed by another break. The guard fights nobody: the role is
/// left alone until a person clears its record.
const TIMES: usize = 3;
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Everything on record about one account's role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// The shape of the file.
    pub format: RecordFormat,
    /// Whose role it is.
    pub account_id: AccountId,
    /// Raised by each run that takes the role in hand; the file of the highest one counts.
    pub generation: u64,
    /// When the role was repaired, newest last.
    pub remediated: Vec<Timestamp>,
    /// Since when the role is left alone, because repairs did not last.
    pub blocked_since: Option<Timestamp>,
    /// The last repair.
    pub repair: Option<Repair>,
    /// What a run that was taken over may still take away.
    pub watch: Option<DetachWatch>,
    /// HMAC-SHA256 over everything else in the file; none where there is no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// The shape of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordFormat {
    /// The only one so far.
    #[serde(rename = "dts-role-guard/journal/v1")]
    V1,
}

/// A role from which a run that was taken over may still detach one policy: its last call may be on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DetachWatch {
    /// When it began; files of an earlier version do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// No run lives longer.
    pub until: Timestamp,
    /// The role.
    pub role_id: String,
    /// What it holds.
    pub policies: Vec<PolicyRef>,
}

/// More repairs than the guard tries alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyRepairs {
    /// How many.
    pub count: usize,
    /// When the last one was.
    pub last: Timestamp,
}

/// Why a file is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl Record {
    /// An account of which nothing is on record.
    pub fn empty(account_id: AccountId) -> Self {
        Self {
            format: RecordFormat::V1,
            account_id,
            generation: 0,
            remediated: Vec::new(),
            blocked_since: None,
            repair: None,
            watch: None,
            mac: None,
        }
    }

    /// Reads a file of this account and generation.
    ///
    /// # Errors
    /// When it is torn, of another version, of another account or generation, or holds what no role can have.
    pub fn read(bytes: &[u8], account: &AccountId, generation: u64) -> Result<Self, Unreadable> {
        if bytes.len() > SIZE_LIMIT {
            return Err(Unreadable(format!("it is larger than {SIZE_LIMIT} bytes")));
        }
        let record: Self = serde_json::from_slice(bytes).map_err(|error| Unreadable(place(&error)))?;
        if record.account_id != *account || record.generation != generation {
            return Err(Unreadable("it is about another account or generation than its name says".to_owned()));
        }
        match record.impossible() {
            Some(what) => Err(Unreadable(format!("no run writes {what}"))),
            None => Ok(record),
        }
    }

    /// What no run of this program would have written.
    fn impossible(&self) -> Option<&'static str> {
        let in_repair = self.repair.as_ref().and_then(Repair::impossible);
        in_repair.or_else(|| {
            let watch = self.watch.as_ref()?;
            first_wrong([
                (!is_id(&watch.role_id), "this role id"),
                (!can_be_held(&watch.policies), "these policies"),
                (self.repair.is_none(), "a watch after no repair"),
            ])
        })
    }

    /// Counts a repair. Older ones than those that matter are forgotten.
    pub fn count_repair(&mut self, now: Timestamp) {
        self.remediated.push(now);
        let old = self.remediated.len().saturating_sub(TIMES);
        self.remediated.drain(..old);
    }

    /// Why a role that is broken again is left alone.
    pub fn too_many_repairs(&self, now: Timestamp) -> Option<TooManyRepairs> {
        let oldest = self.remediated.iter().rev().nth(TIMES - 1);
        // A time that lies ahead counts as recent: a clock that was wrong must not lift the cap.
        let often = oldest.is_some_and(|oldest| now.duration_since(*oldest) < WINDOW);
        let last = *self.remediated.last()?;
        (often || self.blocked_since.is_some()).then_some(TooManyRepairs { count: self.remediated.len(), last })
    }

    /// The bytes of its file: laid out for a person, as long as there is room.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        if bytes.len() >= SIZE_LIMIT {
            bytes = serde_json::to_vec(self).unwrap_or_default();
        }
        bytes.push(b'\n');
        bytes
    }

    /// The same without what can be spared, if it would be too large. A run that takes a repair over adds to its record, and
    /// must not fail for that.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        if !self.fits()
            && let Some(repair) = &mut self.repair
        {
            // For a person who reads the file.
            repair.steps.clear();
        }
        if !self.fits() {
            self.watch = None;
        }
        if !self.fits()
            && let Some(before) = self.repair.as_mut().and_then(|repair| repair.before.as_mut())
        {
            // Never written to the cloud; the log has it, too.
            before.trust_policy.clear();
        }
        self
    }

    fn fits(&self) -> bool {
        self.signed_bytes().len() + SIGNATURE <= SIZE_LIMIT
    }

    /// Whether everything that may still be added to the record of a repair will fit, without giving up what the role had.
    pub fn has_room(&self) -> bool {
        let mut later = Self { generation: u64::MAX, ..self.clone() };
        if let Some(repair) = &mut later.repair {
            let policies = repair.before.as_ref().map_or_else(Vec::new, |before| before.policies.clone());
            let id = "x".repeat(ID_LIMIT);
            later.watch = Some(DetachWatch {
                since: Some(Timestamp::MAX),
                until: Timestamp::MAX,
                role_id: id.clone(),
                policies: policies.clone(),
            });
            (repair.created, repair.gone, repair.steps) = (Some(id), policies, Vec::new());
        }
        later.fits()
    }

    /// What a signature is over: what is believed, however its file spells it.
    pub fn signed_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&Self { mac: None, ..self.clone() }).unwrap_or_default()
    }

    /// The repair that a run has still to finish.
    pub fn unfinished(&self) -> Option<&Repair> {
        self.repair.as_ref().filter(|repair| repair.phase.is_open())
    }
}

/// Where a file stopped making sense, without its words.
fn place(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "an unknown shape" } else { "no whole JSON" };
    format!("{what} at line {} column {}", error.line(), error.column())
}

/// The first thing that is wrong, of pairs of whether it is and what it is.
fn first_wrong<const N: usize>(checks: [(bool, &'static str); N]) -> Option<&'static str> {
    checks.into_iter().find(|(is_wrong, _)| *is_wrong).map(|(_, what)| what)
}

/// Role ids are digits (source: the vendor's RAM API reference), with room for other ones.
const ID_LIMIT: usize = 64;

fn is_id(text: &str) -> bool {
    (1..=ID_LIMIT).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn can_be_held(policies: &[PolicyRef]) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let name = |policy: &PolicyRef| (1..=128).contains(&policy.name.len()) && policy.name.bytes().all(known);
    policies.len() <= 100 && policies.iter().all(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
    }

    fn refused(repairs: &[i64], blocked: bool, now: i64) -> bool {
        let mut record = Record::empty("1234567890123456".parse().unwrap());
        for hour in repairs {
            record.count_repair(at(*hour));
        }
        record.blocked_since = blocked.then(|| at(0));
        record.too_many_repairs(at(now)).is_some()
    }

    #[test]
    fn the_third_repair_within_a_day_is_the_last() {
        assert!(!refused(&[], false, 0));
        assert!(!refused(&[0, 1], false, 2));
        assert!(refused(&[0, 1, 2], false, 3));
        assert!(refused(&[0, 1, 2], false, 23));
        assert!(!refused(&[0, 1, 2], false, 24), "they lie too far back");
        assert!(refused(&[0, 20, 30, 40], false, 41), "an old one does not hide the others");
        assert!(!refused(&[0, 20, 30], false, 41));
    }

    #[test]
    fn once_left_alone_it_stays_so() {
        assert!(refused(&[0, 1, 2], true, 1000));
    }

    #[test]
    fn a_time_that_lies_ahead_counts() {
        assert!(refused(&[100, 101, 102], false, 0));
    }
}
