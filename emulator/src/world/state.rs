//! The state behind the API, and what a person may do to it meanwhile.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::account::{Account, AccountSeed};
use super::key::{AccessKey, Identity, Key};
use super::organization::Directory;
use super::rate::RateLimit;
use super::record::{Attachment, CustomPolicy, PolicyType, RoleRecord};
use super::role::Role;
use crate::clock::real_now;

/// How many earlier states of an account are kept for stale reads.
const HISTORY: usize = 64;

/// Everything the emulator knows, open to a test as a person's console is.
///
/// The methods that change something return whether they did.
#[derive(Clone, Debug, Default)]
pub struct WorldState {
    accounts: BTreeMap<String, Account>,
    history: BTreeMap<String, VecDeque<Account>>,
    keys: BTreeMap<String, Key>,
    pub(super) directory: Option<Directory>,
    pub(crate) assume_role_rate: RateLimit,
    pub(crate) identity_needs_permission: bool,
    issued: u64,
    revision: u64,
}

impl WorldState {
    /// The current truth about a role.
    #[must_use]
    pub fn role(&self, account: &str, name: &str) -> Option<&RoleRecord> {
        self.accounts.get(account)?.role(name)
    }

    /// Makes `GetCallerIdentity` need a permission: that it needs none is inferred only.
    pub fn require_permission_for_identity(&mut self) {
        self.identity_needs_permission = true;
    }

    /// All roles of an account, by name.
    pub fn roles(&self, account: &str) -> impl Iterator<Item = &RoleRecord> {
        self.accounts.get(account).into_iter().flat_map(|account| account.roles.values())
    }

    /// Creates a role, or puts one in the place of another; either way it has a new `RoleId`.
    pub fn put_role(&mut self, account: &str, role: Role) {
        let role_id = self.next_id();
        self.change(account, |account| {
            account.put_seed(role, role_id, real_now());
        });
    }

    /// Deletes a role with its attachments and tags, as the console does.
    pub fn delete_role(&mut self, account: &str, name: &str) -> bool {
        self.change(account, |account| account.roles.remove(&name.to_lowercase()).is_some())
    }

    /// Sets a role's trust policy document, any text.
    pub fn set_trust(&mut self, account: &str, role: &str, document: &str) -> bool {
        self.change_role(account, role, |role| document.clone_into(&mut role.trust))
    }

    /// Sets a role's description.
    pub fn set_description(&mut self, account: &str, role: &str, text: &str) -> bool {
        self.change_role(account, role, |role| text.clone_into(&mut role.description))
    }

    /// Sets a role's session duration, in seconds.
    pub fn set_max_session_duration(&mut self, account: &str, role: &str, seconds: u32) -> bool {
        self.change_role(account, role, |role| role.max_session_duration = seconds)
    }

    /// Sets whether a person may switch to a role in the console.
    pub fn set_console_login(&mut self, account: &str, role: &str, allowed: bool) -> bool {
        self.change_role(account, role, |role| role.console_login = Some(allowed))
    }

    /// Sets a role's tag.
    pub fn set_tag(&mut self, account: &str, role: &str, key: &str, value: &str) -> bool {
        self.change_role(account, role, |role| {
            role.tags.insert(key.to_owned(), value.to_owned());
        })
    }

    /// Attaches a system policy.
    pub fn attach_system(&mut self, account: &str, role: &str, policy: &str) -> bool {
        self.change_role(account, role, |role| {
            role.attach(Attachment::new(PolicyType::System, policy, real_now()));
        })
    }

    /// Attaches a custom policy, which the account gets if it has none of that name.
    pub fn attach_custom(&mut self, account: &str, role: &str, policy: &str) -> bool {
        let custom = CustomPolicy::sample(policy, real_now());
        self.change(account, |account| {
            account.policies.entry(policy.to_owned()).or_insert(custom);
        });
        self.change_role(account, role, |role| {
            role.attach(Attachment::new(PolicyType::Custom, policy, real_now()));
        })
    }

    /// Detaches a policy, of either type.
    pub fn detach(&mut self, account: &str, role: &str, policy: &str) -> bool {
        self.change_role(account, role, |role| {
            role.policies.retain(|attached| attached.name != policy);
        })
    }

    /// Deletes a custom policy and its attachments.
    pub fn delete_custom_policy(&mut self, account: &str, policy: &str) -> bool {
        self.change(account, |account| {
            let is_it = |attached: &Attachment| attached.policy_type == PolicyType::Custom && attached.name == policy;
            account.roles.values_mut().for_each(|role| role.policies.retain(|attached| !is_it(attached)));
            account.policies.remove(policy).is_some()
        })
    }

    /// Suspends an account, or ends that; see [`AccountSeed::suspended`].
    pub fn set_suspended(&mut self, account: &str, suspended: bool) -> bool {
        self.change(account, |account| std::mem::replace(&mut account.suspended, suspended) != suspended)
    }

    /// Adds an access key, or replaces the one with its id.
    pub fn put_key(&mut self, key: AccessKey) {
        self.seed_key(key);
    }

    /// Deletes an access key.
    pub fn delete_key(&mut self, id: &str) -> bool {
        self.keys.remove(id).is_some()
    }

    /// Ends the time of a temporary key.
    pub fn expire_key(&mut self, id: &str) -> bool {
        self.keys.get_mut(id).map(|key| key.expires = Some(Timestamp::UNIX_EPOCH)).is_some()
    }

    fn change_role(&mut self, account: &str, name: &str, change: impl FnOnce(&mut RoleRecord)) -> bool {
        self.change(account, |account| {
            let Some(role) = account.role_mut(name) else {
                return false;
            };
            let before = role.clone();
            change(role);
            *role != before
        })
    }

    /// Changes an account and remembers how it was before.
    pub(crate) fn change<T>(&mut self, id: &str, change: impl FnOnce(&mut Account) -> T) -> T {
        let account = self.accounts.entry(id.to_owned()).or_default();
        let before = account.clone();
        let result = change(account);
        if *account != before {
            self.revision += 1;
            let history = self.history.entry(id.to_owned()).or_default();
            history.push_back(before);
            history.drain(..history.len().saturating_sub(HISTORY));
        }
        result
    }

    pub(crate) fn seed_account(&mut self, id: &str, seed: AccountSeed) {
        let now = seeded_at();
        let account = self.accounts.entry(id.to_owned()).or_default();
        account.limits = seed.limits.unwrap_or(account.limits);
        account.suspended |= seed.suspended;
        for (name, document) in seed.policies {
            account.policies.insert(name.clone(), CustomPolicy::new(&name, &document, now));
        }
        for role in seed.roles {
            let role_id = self.next_id();
            self.accounts.entry(id.to_owned()).or_default().put_seed(role, role_id, now);
        }
    }

    pub(crate) fn seed_key(&mut self, key: AccessKey) {
        let mut key = key.into_key();
        let known = self.accounts.entry(key.account.clone()).or_default();
        match &mut key.identity {
            Identity::Root => {}
            Identity::User { id, .. } => "200000000000000001".clone_into(id),
            Identity::Role { role, role_id, .. } => {
                *role_id =
                    known.role(role).map_or_else(|| "300000000000000301".to_owned(), |role| role.role_id.clone());
            }
        }
        self.keys.insert(key.id.clone(), key);
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The account as it was before its last `writes` changes, or as far back as is known.
    pub(crate) fn stale_account(&self, id: &str, writes: usize) -> Option<&Account> {
        let history = self.history.get(id).filter(|history| writes > 0 && !history.is_empty());
        let Some(history) = history else {
            return self.account(id);
        };
        history.get(history.len().saturating_sub(writes))
    }

    pub(crate) fn key(&self, id: &str) -> Option<&Key> {
        self.keys.get(id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    pub(crate) fn issue(&mut self, key: Key) {
        self.keys.insert(key.id.clone(), key);
    }

    /// Counts the changes of accounts.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// 18 digits, never the same twice.
    pub(crate) fn next_id(&mut self) -> String {
        self.issued += 1;
        format!("3{:017}", self.issued)
    }
}

/// Seeded things are old.
fn seeded_at() -> Timestamp {
    "2025-01-23T12:33:18Z".parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Account {
    fn put_seed(&mut self, role: Role, role_id: String, now: Timestamp) {
        for (policy_type, name) in &role.policies {
            if *policy_type == PolicyType::Custom {
                self.policies.entry(name.clone()).or_insert_with(|| CustomPolicy::sample(name, now));
            }
        }
        self.put(role.into_record(role_id, now));
    }
}
