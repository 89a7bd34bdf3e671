//! What must hold for the decision about any bytes; the property tests and the fuzz target share it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aliyun::CallerIdentity;
use authorization::settings::{Mode, Scope};
use authorization::target::AccountId;
use dts_role_guard::config::{Config, Variables};
use dts_role_guard::event::{AccountRef, Allowed, Approved, Decision, Event, Request, Selector, decode};
use dts_role_guard::report::{LeftOut, TriggerKind};
use dts_role_guard::sweep::{Reach, Rules, select};

use crate::ACCOUNT;

pub const EXCLUDED: &str = "2234567890123456";

/// Everything that a decision can be.
pub const VARIANTS: [&str; 10] =
    ["all", "accounts", "audit", "member", "newcomer", "plan", "clear", "ignored", "ignored batch", "rejected"];

/// Holds the decision about these bytes, under all settings, against the promises; gives what it was.
pub fn check(body: &[u8]) -> BTreeSet<&'static str> {
    let modes = [Mode::Verify, Mode::Plan, Mode::Remediate];
    let all = modes
        .into_iter()
        .flat_map(|mode| [Scope::Account, Scope::Organization].into_iter().map(move |scope| Allowed { mode, scope }));
    all.flat_map(|allowed| check_one(&decode(body, allowed), allowed)).collect()
}

fn check_one(event: &Event, allowed: Allowed) -> Vec<&'static str> {
    event.trigger.name.iter().for_each(|name| harmless(name));
    match &event.decision {
        Decision::Rejected(reason) => {
            harmless(reason);
            vec!["rejected"]
        }
        Decision::Ignored { reason, records } => {
            harmless(reason);
            listed(records);
            vec![if records.is_empty() { "ignored" } else { "ignored batch" }]
        }
        Decision::Clear { .. } => {
            assert_eq!(event.trigger.kind, TriggerKind::Manual, "only a person has something forgotten");
            vec!["clear"]
        }
        Decision::Run(request) => {
            assert!(request.mode <= allowed.mode, "a wider mode: {request:?}");
            assert!(request.scope <= allowed.scope, "a wider scope: {request:?}");
            approved_by_hand(event, request);
            selected(request);
            chosen(event, request, allowed)
        }
    }
}

fn chosen(event: &Event, request: &Request, allowed: Allowed) -> Vec<&'static str> {
    let mut found = match &request.selector {
        Selector::All => vec!["all"],
        Selector::Accounts(accounts) => {
            assert!((1..=100).contains(&accounts.len()));
            assert_eq!(accounts.iter().collect::<BTreeSet<_>>().len(), accounts.len());
            vec!["accounts"]
        }
        Selector::Records { records, left_out } => {
            listed(left_out);
            for record in records {
                harmless(&record.reason);
            }
            assert!((1..=100).contains(&records.iter().map(|record| &record.account).collect::<BTreeSet<_>>().len()));
            assert_eq!(Allowed { mode: request.mode, scope: request.scope }, allowed);
            assert!(records.iter().any(|record| record.kind == event.trigger.kind));
            let word = |kind: TriggerKind, account: &AccountRef| match (kind, account) {
                (TriggerKind::Member, AccountRef::NewMember) => "newcomer",
                (TriggerKind::Member, _) => "member",
                _ => "audit",
            };
            records.iter().map(|record| word(record.kind, &record.account)).collect()
        }
    };
    found.extend((request.approved != Approved::Nothing).then_some("plan"));
    found
}

/// Only a person approves, and only what a repair of one account would do.
fn approved_by_hand(event: &Event, request: &Request) {
    let one = match &request.selector {
        Selector::All => request.scope == Scope::Account,
        Selector::Accounts(accounts) => accounts.len() == 1,
        Selector::Records { .. } => false,
    };
    match request.approved {
        Approved::Nothing => {}
        Approved::Plan(_) => assert!(one && request.mode.writes() && event.trigger.kind == TriggerKind::Manual),
        Approved::Shown(_) => panic!("no event can say what a terminal showed"),
    }
}

struct Settings {
    config: Config,
    own: AccountId,
    caller: CallerIdentity,
}

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let variables = [("DTS_GUARD_EXCLUDE_ACCOUNTS".to_owned(), EXCLUDED.to_owned())];
    let config = Config::from_variables(&Variables::from(variables)).unwrap();
    let arn = format!("acs:ram::{ACCOUNT}:assumed-role/dts-role-guard-role/x");
    Settings { config, own: ACCOUNT.parse().unwrap(), caller: CallerIdentity { account_id: ACCOUNT.to_owned(), arn } }
});

/// Which accounts follow from it.
fn selected(request: &Request) {
    let Settings { config, own, caller } = &*SETTINGS;
    let Ok(selection) =
        select(request, &Rules::new(config, own, Some(caller), "2026-01-01T00:00:00Z".parse().unwrap()))
    else {
        return;
    };
    assert!(request.scope == Scope::Organization || selection.newcomers.is_empty(), "outside the scope: {selection:?}");
    let mut seen = BTreeSet::new();
    for candidate in &selection.candidates {
        assert!(seen.insert(&candidate.account), "an account twice: {selection:?}");
        let is_right = match candidate.account.as_str() {
            ACCOUNT => candidate.reach == Reach::Own,
            EXCLUDED => matches!(candidate.reach, Reach::LeftAlone(_)),
            _ => candidate.reach == Reach::Member,
        };
        assert!(is_right, "{candidate:?}");
        assert!(request.scope == Scope::Organization || candidate.account == *own, "outside the scope: {selection:?}");
    }
}

fn listed(records: &[LeftOut]) {
    for record in records {
        harmless(&record.reason);
    }
}

/// Foreign text is cut, and cannot draw on a terminal.
fn harmless(text: &str) {
    assert!(text.len() < 4096, "{text}");
    assert!(!text.contains(|letter: char| letter.is_control() || hidden(letter)), "{text:?}");
}

/// Turns the direction of text, or shows nothing.
fn hidden(letter: char) -> bool {
    ['\u{202A}'..='\u{202E}', '\u{200B}'..='\u{200F}', '\u{FE00}'..='\u{FE0F}', '\u{E0000}'..='\u{E0FFF}']
        .iter()
        .any(|range| range.contains(&letter))
        || letter == '\u{AD}'
}
