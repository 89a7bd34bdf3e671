//! What must hold for any bytes in the journal folder; the property tests and the fuzz target share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use authorization::baseline;
use authorization::plan::{PRIVILEGED_POLICIES, Step};
use authorization::record::{Phase, Record, SIZE_LIMIT};
use authorization::resume::{self, Resume};
use authorization::role::{ObservedRole, Role};
use authorization::settings::Approval;
use authorization::target::{AccountId, PolicyRef, PolicyType};
use authorization::verify::Finding;
use dts_role_guard::journal::{Evidence, JournalKey, Seal};
use jiff::{SignedDuration, Timestamp};

/// Everything that can become of a file.
pub const VARIANTS: [&str; 8] =
    ["not trusted", "closed", "watch", "opened", "put back", "forward", "whole", "stranger"];

static ACCOUNT: LazyLock<AccountId> = LazyLock::new(|| crate::ACCOUNT.parse().unwrap());
static KEY: LazyLock<Seal> = LazyLock::new(|| Seal::Key(JournalKey::new("a secret of the guard".to_owned()).unwrap()));
static NOW: LazyLock<Timestamp> = LazyLock::new(|| "2026-11-26T18:00:00Z".parse().unwrap());

/// The generation that the name of such a file would tell.
const GENERATION: u64 = 7;

/// Holds what is made of these bytes against the promises; tells what it was.
pub fn check(bytes: &[u8]) -> BTreeSet<&'static str> {
    let record = match Record::read(bytes, &ACCOUNT, GENERATION) {
        Ok(record) => record,
        Err(why) => {
            harmless(&why.to_string());
            return BTreeSet::from(["not trusted"]);
        }
    };
    orders_nothing_by_itself(&record);
    can_be_written(&record);
    let mut seen = BTreeSet::new();
    // It orders nothing by itself: a detachment of those policies that finds nothing is not a person's.
    seen.extend(record.watch.as_ref().map(|_| "watch"));
    if record.unfinished().is_none() {
        seen.insert("closed");
        return seen;
    }
    let Some(repair) = &record.repair else { return seen };
    seen.extend((repair.phase == Phase::Opened).then_some("opened"));
    let known = repair.before.as_ref().map_or_else(|| "1".to_owned(), |before| before.role().id);
    for role in roles(&known) {
        let left = resume::resume(repair, &baseline::DTS, &role, Some(&BTreeMap::new()));
        let message = Finding::journal_open(&repair.request_id, repair.begun_at, &left.describe(&baseline::DTS.role));
        harmless(serde_json::to_value(message).unwrap()["message"].as_str().unwrap());
        let (word, steps) = match left {
            Resume::Whole => ("whole", Vec::new()),
            Resume::Authorized(missing) => {
                harmless(&missing);
                ("authorized", Vec::new())
            }
            Resume::Stranger => ("stranger", Vec::new()),
            Resume::PutBack(steps) => ("put back", steps),
            Resume::Forward(steps) => ("forward", steps),
        };
        for step in &steps {
            may_be_ordered(step);
        }
        seen.insert(word);
    }
    seen
}

/// Without a person's word nothing is done where nobody vouches for the record: not with a key, not where repairs need
/// approval, not when it is old.
pub fn orders_nothing_by_itself(record: &Record) {
    assert!(KEY.check(record.clone()).is_err(), "nobody but the guard can sign: {record:?}");
    let doubtful = |evidence| matches!(evidence, Evidence::NeedsApproval(_));
    assert!(doubtful(Seal::Nothing.evidence(record, Approval::Required, *NOW)), "{record:?}");
    let day = SignedDuration::from_hours(24);
    let Some(begun_at) = record.unfinished().map(|repair| repair.begun_at) else { return };
    for now in [begun_at.checked_add(day * 2), begun_at.checked_sub(day * 2)].into_iter().flatten() {
        assert!(doubtful(Seal::Nothing.evidence(record, Approval::None, now)), "{now}: {record:?}");
    }
}

/// Whatever was believed can be kept, signed, and read back.
fn can_be_written(record: &Record) {
    for seal in [&*KEY, &Seal::Nothing] {
        let bytes = seal.bytes(record.clone());
        if bytes.len() <= SIZE_LIMIT {
            let read = Record::read(&bytes, &ACCOUNT, GENERATION).unwrap();
            assert!(seal.check(read).is_ok(), "{record:?}");
        } else {
            assert!(record.repair.is_some(), "{record:?}");
        }
    }
}

/// The role that the record knows, the one that this program makes, somebody's, and none.
fn roles(known: &str) -> [ObservedRole; 4] {
    let role = |id: &str, trust: &str| {
        ObservedRole::Present(Role {
            id: id.to_owned(),
            trust: trust.to_owned(),
            description: "ours".to_owned(),
            max_session_duration: Some(3600),
            console_login: None,
            service_linked: false,
            policies: BTreeSet::new(),
        })
    };
    [role(known, "{}"), role("9", baseline::DTS.trust), role("9", "{}"), ObservedRole::Missing]
}

/// A record takes nothing away, makes nobody mighty, and lets nobody else in.
fn may_be_ordered(step: &Step) {
    match step {
        Step::Attach(PolicyRef { kind, name }) => {
            let mighty = PRIVILEGED_POLICIES.iter().any(|mighty| mighty.eq_ignore_ascii_case(name));
            assert!(*kind == PolicyType::Custom || !mighty, "{step:?}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{step:?}");
        }
        Step::Create { role, .. } => assert_eq!(role.trust, baseline::DTS.trust),
        Step::Tag(_) | Step::LeaveTag(_) => {}
        Step::Detach(_) | Step::Delete { .. } | Step::UpdateTrust { .. } => panic!("{step:?}"),
    }
}

fn harmless(text: &str) {
    let harm = |character: char| character.is_control() || ('\u{202a}'..='\u{202e}').contains(&character);
    assert!(!text.chars().any(harm), "{text:?}");
}
