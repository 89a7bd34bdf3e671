//! Which accounts a request means, each once. Pure.

use std::collections::BTreeSet;

use aliyun::CallerIdentity;
use authorization::settings::Scope;
use authorization::target::{AccountId, RoleName};
use jiff::Timestamp;

use crate::config::{Config, Exceptions};
use crate::event::{AccountRef, Actor, Request, Selector, TriggerRecord};
use crate::members::SESSION_PREFIX;
use crate::outcome::{AccountOutcome, Ending};
use crate::report::{LeftOut, TriggerKind};

/// What a request is held against.
#[derive(Debug)]
pub struct Rules<'a> {
    own: &'a AccountId,
    excluded: &'a BTreeSet<AccountId>,
    exceptions: &'a Exceptions,
    pub(super) now: Timestamp,
    /// The role that the guard has in a member account.
    member_role: &'a RoleName,
    /// Whose keys the guard works with, where that had to be asked.
    caller: Option<&'a CallerIdentity>,
}

impl<'a> Rules<'a> {
    /// The settings' rules.
    pub fn new(config: &'a Config, own: &'a AccountId, caller: Option<&'a CallerIdentity>, now: Timestamp) -> Self {
        let Config { excluded, exceptions, member_role, .. } = config;
        Self { own, excluded, exceptions, now, member_role, caller }
    }
}

/// An account to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which one.
    pub account: AccountId,
    /// How it is reached.
    pub reach: Reach,
    /// Why, where records of the cloud say it.
    pub reason: Option<String>,
    /// Whether it has just become a member.
    pub is_new: bool,
    /// The records that are about it.
    pub records: Vec<usize>,
}

/// How an account is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// With the function's own keys.
    Own,
    /// By a role in it, if the directory says that it is a member.
    Member,
    /// Not at all, and why.
    LeftAlone(String),
}

/// Every account that a request means, and the records that mean none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The accounts, each once.
    pub candidates: Vec<Candidate>,
    /// Records of new members that do not say which: the directory has to be asked.
    pub newcomers: Vec<TriggerRecord>,
    /// Records that nothing is done about.
    pub left_out: Vec<LeftOut>,
}

/// Whether the guard must know its own role to tell its own writes from those of others.
pub fn needs_caller(request: &Request, own: &AccountId) -> bool {
    match &request.selector {
        Selector::All | Selector::Accounts(_) => false,
        Selector::Records { records, .. } => {
            records.iter().filter_map(|record| record.actor.as_ref()).any(|actor| actor.account == *own)
        }
    }
}

/// Said of an account that the scope `account` leaves out.
pub fn outside(account: &AccountId, own: &AccountId) -> String {
    format!("account `{account}` is not the own account `{own}`, and the scope is `account`")
}

/// Chooses among accounts that are known by now: those of the directory are not.
///
/// # Errors
/// With what is wrong, where a person asks for an account outside the scope.
pub fn select(request: &Request, rules: &Rules<'_>) -> Result<Selection, String> {
    match (&request.selector, request.scope) {
        (Selector::All, _) => Ok(rules.all_of(std::slice::from_ref(rules.own))),
        (Selector::Accounts(accounts), scope) => {
            let outside = accounts.iter().find(|account| rules.is_outside(account, scope));
            outside.map_or_else(|| Ok(rules.all_of(accounts)), |account| Err(rules.outside(account)))
        }
        (Selector::Records { records, left_out }, scope) => Ok(rules.of_records(records, left_out, scope)),
    }
}

impl Rules<'_> {
    fn is_outside(&self, account: &AccountId, scope: Scope) -> bool {
        scope == Scope::Account && account != self.own
    }

    fn outside(&self, account: &AccountId) -> String {
        outside(account, self.own)
    }

    fn reach(&self, account: &AccountId) -> Reach {
        match self.why_left_alone(account) {
            Some(why) => Reach::LeftAlone(why),
            None if account == self.own => Reach::Own,
            None => Reach::Member,
        }
    }

    pub(crate) fn why_left_alone(&self, account: &AccountId) -> Option<String> {
        if self.excluded.contains(account) {
            return Some("excluded by the setting `DTS_GUARD_EXCLUDE_ACCOUNTS`".to_owned());
        }
        let exception = self.exceptions.of(account).filter(|exception| exception.holds(self.now))?;
        Some(exception.text())
    }

    /// One account, whatever the reason.
    pub(super) fn candidate(&self, account: &AccountId) -> Candidate {
        let reach = self.reach(account);
        Candidate { account: account.clone(), reach, reason: None, is_new: false, records: Vec::new() }
    }

    fn all_of(&self, accounts: &[AccountId]) -> Selection {
        Selection {
            candidates: accounts.iter().map(|account| self.candidate(account)).collect(),
            ..Selection::default()
        }
    }

    fn of_records(&self, records: &[TriggerRecord], left_out: &[LeftOut], scope: Scope) -> Selection {
        let mut selection = Selection { left_out: left_out.to_vec(), ..Selection::default() };
        for record in records {
            let account = match &record.account {
                AccountRef::Own => self.own,
                AccountRef::Id(account) => account,
                AccountRef::NewMember if scope == Scope::Organization => {
                    selection.newcomers.push(record.clone());
                    continue;
                }
                AccountRef::NewMember => {
                    selection.leave_out(record, "a new member is not the own account, and the scope is `account`");
                    continue;
                }
            };
            match self.needless(record, account, scope) {
                Some(reason) => selection.leave_out(record, &reason),
                None => selection.add(self.candidate(account), record, record.kind == TriggerKind::Member),
            }
        }
        // What may have to be waited for comes last.
        selection.candidates.sort_by_key(|candidate| candidate.is_new);
        selection.left_out.sort_by_key(|left_out| left_out.record);
        selection
    }

    /// Why a record is no reason to look.
    fn needless(&self, record: &TriggerRecord, account: &AccountId, scope: Scope) -> Option<String> {
        if self.is_outside(account, scope) {
            return Some(self.outside(account));
        }
        let actor = record.actor.as_ref()?;
        self.is_own_hand(actor, account).then(|| format!("the guard's own write ({})", record.reason))
    }

    /// In doubt it is somebody else's: a look too many costs two calls.
    fn is_own_hand(&self, actor: &Actor, account: &AccountId) -> bool {
        let is = |role: &str| actor.account == *account && actor.role.eq_ignore_ascii_case(role);
        if account == self.own {
            let caller = self.caller.filter(|caller| caller.account_id == account.as_str());
            return caller.and_then(CallerIdentity::role_name).is_some_and(is);
        }
        is(self.member_role.as_str()) && actor.session.starts_with(SESSION_PREFIX)
    }
}

impl Selection {
    pub(super) fn leave_out(&mut self, record: &TriggerRecord, why: &str) {
        self.left_out.push(LeftOut { record: record.index, reason: why.to_owned() });
    }

    pub(super) fn add(&mut self, candidate: Candidate, record: &TriggerRecord, is_new: bool) {
        let known = self.candidates.iter_mut().find(|known| known.account == candidate.account);
        match known {
            Some(known) => {
                known.records.push(record.index);
                known.is_new |= is_new;
            }
            None => self.candidates.push(Candidate {
                reason: Some(record.reason.clone()),
                records: vec![record.index],
                is_new,
                ..candidate
            }),
        }
    }
}

impl Candidate {
    /// What became of it, where no look came to it.
    pub(super) fn ended(&self, ending: Ending) -> AccountOutcome {
        AccountOutcome::new(Some(self.account.clone()), ending)
    }

    /// Why, for the report; the first record says it.
    pub fn why(&self) -> Option<String> {
        let reason = self.reason.as_ref()?;
        match self.records.len() {
            0 | 1 => Some(reason.clone()),
            count => Some(format!("{reason}; {} more in the same batch", count - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Variables;

    const OWN: &str = "1234567890123456";
    const MEMBER: &str = "2234567890123456";

    fn id(text: &str) -> AccountId {
        text.parse().unwrap()
    }

    fn record(index: usize, account: &str, actor: Option<(&str, &str)>) -> TriggerRecord {
        let actor = actor.map(|(role, session)| Actor {
            account: id(account),
            role: role.to_owned(),
            session: session.to_owned(),
        });
        let reason = format!("record {index}");
        TriggerRecord { index, account: AccountRef::Id(id(account)), kind: TriggerKind::Audit, reason, actor }
    }

    fn request(scope: Scope, selector: Selector) -> Request {
        Request { scope, selector, ..Request::default() }
    }

    fn of_records(records: Vec<TriggerRecord>) -> Selector {
        Selector::Records { records, left_out: Vec::new() }
    }

    /// With the member role `Entry`, and member `3234567890123456` left alone.
    fn selected(request: &Request) -> Result<Selection, String> {
        let pairs = [("DTS_GUARD_MEMBER_ROLE", "Entry"), ("DTS_GUARD_EXCLUDE_ACCOUNTS", "3234567890123456")];
        let variables: Variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let config = Config::from_variables(&variables).unwrap();
        let arn = format!("acs:ram::{OWN}:assumed-role/Guard-Role/fc");
        let caller = CallerIdentity { account_id: OWN.to_owned(), arn };
        select(request, &Rules::new(&config, &id(OWN), Some(&caller), Timestamp::UNIX_EPOCH))
    }

    fn left_out(records: Vec<TriggerRecord>) -> Vec<usize> {
        let selection = selected(&request(Scope::Organization, of_records(records))).unwrap();
        selection.left_out.iter().map(|left_out| left_out.record).collect()
    }

    #[test]
    fn an_account_stands_there_once_with_its_first_reason() {
        let records = [record(0, MEMBER, None), record(1, OWN, None), record(2, MEMBER, None)];
        let selection = selected(&request(Scope::Organization, of_records(records.into()))).unwrap();
        let found: Vec<_> = selection.candidates.iter().map(|one| (one.account.as_str(), one.reach.clone())).collect();
        assert_eq!(found, [(MEMBER, Reach::Member), (OWN, Reach::Own)]);
        assert_eq!(selection.candidates[0].why().unwrap(), "record 0; 1 more in the same batch");
    }

    #[test]
    fn another_account_is_outside_the_scope_account() {
        let named = request(Scope::Account, Selector::Accounts(vec![id(OWN), id(MEMBER)]));
        assert!(selected(&named).unwrap_err().contains(MEMBER));
        let recorded = request(Scope::Account, of_records(vec![record(0, MEMBER, None), record(1, OWN, None)]));
        let selection = selected(&recorded).unwrap();
        assert_eq!((selection.candidates.len(), selection.left_out.len()), (1, 1));
    }

    #[test]
    fn an_excluded_account_is_never_looked_at_whoever_names_it() {
        let excluded = "3234567890123456";
        for selector in [Selector::Accounts(vec![id(excluded)]), of_records(vec![record(0, excluded, None)])] {
            let selection = selected(&request(Scope::Organization, selector)).unwrap();
            assert!(matches!(selection.candidates[0].reach, Reach::LeftAlone(_)), "{selection:?}");
        }
    }

    #[test]
    fn the_guards_own_hand_is_known_by_its_role() {
        assert_eq!(left_out(vec![record(0, OWN, Some(("guard-role", "fc")))]), [0]);
        assert_eq!(left_out(vec![record(0, MEMBER, Some(("Entry", "dts-role-guard-1")))]), [0]);
        for (account, actor) in [
            (OWN, ("another-role", "fc")),
            (OWN, ("Entry", "dts-role-guard-1")),
            (MEMBER, ("Entry", "alice")),
            (MEMBER, ("guard-role", "dts-role-guard-1")),
        ] {
            assert_eq!(left_out(vec![record(0, account, Some(actor))]), [0; 0], "{actor:?}");
        }
    }

    #[test]
    fn the_own_role_is_asked_for_only_if_a_record_may_be_the_guards() {
        let needs = |records| needs_caller(&request(Scope::Account, of_records(records)), &id(OWN));
        assert!(needs(vec![record(0, OWN, Some(("x", "y")))]));
        assert!(!needs(vec![record(0, OWN, None), record(1, MEMBER, Some(("x", "y")))]));
    }
}
