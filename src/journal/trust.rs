//! What a record may order. Anyone who can write to the folder can write a record, so what it says is only evidence. A key,
//! or a folder where only the guard can write, vouches for it; otherwise its age and a person decide. Pure.

use aliyun::secret::{ExposeSecret, Secret};
use authorization::record::{Record, Unreadable};
use authorization::settings::Approval;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::refusal::Doubt;

/// Without a key, an older record is no longer carried out by itself. No run lives longer either: it is the platform's
/// longest timeout (source: the Function Compute limits).
pub(super) const TRUSTED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The fewest characters of a [`JournalKey`].
pub const KEY_LENGTH: usize = 16;

/// So that the same key never signs anything else by accident.
const PURPOSE: &[u8] = b"dts-role-guard/journal\0";

/// The key that records are signed with (`DTS_GUARD_JOURNAL_KEY`).
#[derive(Debug, Clone)]
pub struct JournalKey(Secret);

/// The text is too short to be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret of at least {KEY_LENGTH} characters")]
pub struct ShortKey;

impl JournalKey {
    /// # Errors
    /// When the text is too short.
    pub fn new(text: String) -> Result<Self, ShortKey> {
        if text.chars().count() < KEY_LENGTH { Err(ShortKey) } else { Ok(Self(Secret::from(text))) }
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, record: &Record) -> Hmac<Sha256> {
        let mut mac: Hmac<Sha256> =
            KeyInit::new_from_slice(self.0.expose_secret().as_bytes()).expect("a key of any length");
        mac.update(PURPOSE);
        mac.update(&record.signed_bytes());
        mac
    }

    fn has_signed(&self, record: &Record) -> bool {
        let mac = record.mac.as_deref().and_then(|mac| hex::decode(mac).ok());
        mac.is_some_and(|mac| self.mac(record).verify_slice(&mac).is_ok())
    }
}

/// Settings are compared, in tests.
impl PartialEq for JournalKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for JournalKey {}

/// What a record may order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// What it says is carried out.
    Trusted,
    /// What it says is shown, and carried out if a person approves it.
    NeedsApproval(Doubt),
}

/// What vouches for the records of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal {
    /// Nothing: others may write there.
    Nothing,
    /// Only the guard can write there.
    PrivateFolder,
    /// Each record is signed.
    Key(JournalKey),
}

impl Seal {
    /// The bytes of a record's file.
    pub fn bytes(&self, record: Record) -> Vec<u8> {
        self.sign(record.fitted()).bytes()
    }

    /// The record, signed where there is a key.
    fn sign(&self, record: Record) -> Record {
        let bare = Record { mac: None, ..record };
        let mac = match self {
            Self::Key(key) => Some(hex::encode(key.mac(&bare).finalize().into_bytes())),
            Self::Nothing | Self::PrivateFolder => None,
        };
        Record { mac, ..bare }
    }

    /// A record as it was read, if it is to be believed at all.
    ///
    /// # Errors
    /// When there is a key, and the record does not carry its signature.
    pub fn check(&self, record: Record) -> Result<Record, Unreadable> {
        match self {
            Self::Key(_) if record.mac.is_none() => {
                Err(Unreadable("it is not signed, and `DTS_GUARD_JOURNAL_KEY` is set".to_owned()))
            }
            Self::Key(key) if !key.has_signed(&record) => {
                Err(Unreadable("its signature is not that of `DTS_GUARD_JOURNAL_KEY`".to_owned()))
            }
            Self::Key(_) | Self::Nothing | Self::PrivateFolder => Ok(record),
        }
    }

    /// What a record of the place may order now.
    pub fn evidence(&self, record: &Record, approval: Approval, now: Timestamp) -> Evidence {
        let doubt = match self {
            Self::PrivateFolder | Self::Key(_) => None,
            Self::Nothing if approval == Approval::Required => Some(Doubt::Approval),
            Self::Nothing if record.unfinished().is_some() => {
                doubt_of_age(record, now).or_else(|| doubt_of_watch(record, now))
            }
            Self::Nothing => doubt_of_watch(record, now),
        };
        doubt.map_or(Evidence::Trusted, Evidence::NeedsApproval)
    }
}

/// A clock that was wrong by some hours in either direction keeps no repair from being finished.
fn doubt_of_age(record: &Record, now: Timestamp) -> Option<Doubt> {
    let begun_at = record.repair.as_ref()?.begun_at;
    (now.duration_since(begun_at).abs() > TRUSTED_FOR).then_some(Doubt::Age)
}

fn doubt_of_watch(record: &Record, now: Timestamp) -> Option<Doubt> {
    let watch = record.watch.as_ref()?;
    let begin = watch.since.or(record.repair.as_ref().map(|repair| repair.begun_at));
    let long = |begin| watch.until.duration_since(begin) > TRUSTED_FOR;
    (long(now) || begin.is_none_or(long)).then_some(Doubt::Watch)
}

#[cfg(test)]
mod tests {
    use authorization::record::{DetachWatch, Repair};

    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn key(text: &str) -> Seal {
        Seal::Key(JournalKey::new(text.to_owned()).unwrap())
    }

    fn at(hour: i32) -> Timestamp {
        "2026-11-26T12:00:00Z".parse::<Timestamp>().unwrap() + HOUR * hour
    }

    fn record(begun_at: Timestamp) -> Record {
        let repair = Repair::new("run".to_owned(), begun_at, "");
        Record { generation: 7, repair: Some(repair), ..Record::empty("1234567890123456".parse().unwrap()) }
    }

    #[test]
    fn a_key_is_long_and_not_shown() {
        assert_eq!(JournalKey::new("fifteen-letters".to_owned()).unwrap_err(), ShortKey);
        let shown = format!("{:?}", key("sixteen-letters!"));
        assert!(!shown.contains("sixteen"), "{shown}");
    }

    #[test]
    fn a_signature_is_over_everything_and_by_one_key() {
        let seal = key("a secret of the guard");
        let signed = seal.sign(record(at(0)));
        assert_eq!(seal.check(signed.clone()), Ok(signed.clone()));
        assert!(key("another secret of it").check(signed.clone()).is_err());
        assert!(seal.check(record(at(0))).is_err(), "not signed");
        let forged = [
            Record { generation: 8, ..signed.clone() },
            Record { account_id: "2234567890123456".parse().unwrap(), ..signed.clone() },
            Record { blocked_since: Some(at(0)), ..signed.clone() },
            Record { repair: None, ..signed.clone() },
            Record { mac: Some(String::new()), ..signed.clone() },
            Record { mac: signed.mac.as_ref().map(|mac| mac[..32].to_owned()), ..signed.clone() },
        ];
        for forged in forged {
            assert!(seal.check(forged.clone()).is_err(), "{forged:?}");
        }
        assert_eq!(Seal::Nothing.sign(signed).mac, None, "without the key nobody can sign");
    }

    #[test]
    fn what_is_vouched_for_is_carried_out_whatever_its_age() {
        for seal in [Seal::PrivateFolder, key("a secret of the guard")] {
            for approval in [Approval::None, Approval::Required] {
                assert_eq!(seal.evidence(&record(at(-10_000)), approval, at(0)), Evidence::Trusted);
            }
        }
    }

    #[test]
    fn what_nobody_vouches_for_is_carried_out_for_a_day() {
        let doubt = |begun: i32| Seal::Nothing.evidence(&record(at(begun)), Approval::None, at(0));
        for hour in [0, -24, 24] {
            assert_eq!(doubt(hour), Evidence::Trusted, "{hour}");
        }
        for hour in [-25, 25, -90_000, 90_000] {
            assert_eq!(doubt(hour), Evidence::NeedsApproval(Doubt::Age), "{hour}");
        }
        let required = Seal::Nothing.evidence(&record(at(0)), Approval::Required, at(0));
        assert_eq!(required, Evidence::NeedsApproval(Doubt::Approval));
    }

    #[test]
    fn a_watch_is_no_longer_than_a_day_from_its_begin() {
        let closed = |since: Option<i32>, until: i32| {
            let mut record = record(at(-10));
            record.repair.as_mut().unwrap().phase = authorization::record::Phase::Closed;
            let watch =
                DetachWatch { since: since.map(at), until: at(until), role_id: "1".to_owned(), policies: Vec::new() };
            Seal::Nothing.evidence(&Record { watch: Some(watch), ..record }, Approval::None, at(0))
        };
        for (since, until) in [(Some(-1), 23), (None, 14), (Some(0), 24)] {
            assert_eq!(closed(since, until), Evidence::Trusted, "{since:?} {until}");
        }
        for (since, until) in [(Some(-1), 24), (None, 15), (Some(9), 30), (Some(90_000), 90_001)] {
            assert_eq!(closed(since, until), Evidence::NeedsApproval(Doubt::Watch), "{since:?} {until}");
        }
    }

    #[test]
    fn times_at_the_ends_of_the_calendar_do_no_harm() {
        for begun in [Timestamp::MIN, Timestamp::MAX] {
            for now in [Timestamp::MIN, Timestamp::MAX, at(0)] {
                let _ = Seal::Nothing.evidence(&record(begun), Approval::None, now);
                let watch =
                    DetachWatch { since: Some(begun), until: now, role_id: String::new(), policies: Vec::new() };
                let _ = doubt_of_watch(&Record { watch: Some(watch), repair: None, ..record(begun) }, begun);
            }
        }
    }
}
