//! Access keys: whose they are, and what they may do.

use jiff::Timestamp;

use crate::policy::Document;

/// Who holds a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Identity {
    Root,
    User { name: String, id: String },
    Role { role: String, role_id: String, session: String },
}

/// A key as the server knows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) account: String,
    pub(crate) identity: Identity,
    pub(crate) active: bool,
    pub(crate) expires: Option<Timestamp>,
    /// What limits the holder; all of it must allow.
    pub(crate) limits: Vec<Limit>,
}

/// One thing that must allow a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Limit {
    /// The policy seeded with the key, or the session policy of `AssumeRole`.
    Policy(Document),
    /// Whatever is attached to the role at the time of the call.
    AttachedToRole,
}

/// An access key to seed. Without a policy its holder may do everything.
///
/// ```
/// use emulator::AccessKey;
///
/// let reader = AccessKey::permanent("LTAI5tReader", "secret")
///     .of_user("1234567890123456", "alice")
///     .allow(["ram:Get*", "ram:List*"], ["acs:ram:*:*:role/AliyunDTSDefaultRole"]);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AccessKey {
    pub(crate) key: Key,
    policy: Option<Document>,
}

impl AccessKey {
    /// A long-term key. It is the account root's unless it is given to somebody.
    pub fn permanent(id: &str, secret: &str) -> Self {
        let key = Key {
            id: id.to_owned(),
            secret: secret.to_owned(),
            token: None,
            account: "1234567890123456".to_owned(),
            identity: Identity::Root,
            active: true,
            expires: None,
            limits: Vec::new(),
        };
        Self { key, policy: None }
    }

    /// A temporary key with its security token; it does not expire by itself.
    pub fn session(id: &str, secret: &str, token: &str) -> Self {
        let mut access_key = Self::permanent(id, secret);
        access_key.key.token = Some(token.to_owned());
        access_key
    }

    /// The key of an account's root.
    pub fn of_root(self, account: &str) -> Self {
        self.of(account, Identity::Root)
    }

    /// The key of a RAM user.
    pub fn of_user(self, account: &str, name: &str) -> Self {
        self.of(account, Identity::User { name: name.to_owned(), id: String::new() })
    }

    /// The key of a role's session.
    pub fn of_role(self, account: &str, role: &str, session: &str) -> Self {
        self.of(account, Identity::Role { role: role.to_owned(), role_id: String::new(), session: session.to_owned() })
    }

    fn of(mut self, account: &str, identity: Identity) -> Self {
        account.clone_into(&mut self.key.account);
        self.key.identity = identity;
        self
    }

    /// Allows actions on resources. The first statement ends "everything is allowed".
    pub fn allow<'a>(
        self,
        actions: impl IntoIterator<Item = &'a str>,
        resources: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.statement(true, owned(actions), owned(resources))
    }

    /// Denies actions on resources, whatever is allowed elsewhere.
    pub fn deny<'a>(
        self,
        actions: impl IntoIterator<Item = &'a str>,
        resources: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.statement(false, owned(actions), owned(resources))
    }

    fn statement(mut self, allow: bool, actions: Vec<String>, resources: Vec<String>) -> Self {
        self.policy.get_or_insert_default().push(allow, actions, resources);
        self
    }

    /// Takes the statements of a policy document. A text that is no policy allows nothing.
    pub fn policy(mut self, document: &str) -> Self {
        self.policy = Some(Document::parse(document).unwrap_or_default());
        self
    }

    /// A key that somebody has disabled.
    pub fn inactive(mut self) -> Self {
        self.key.active = false;
        self
    }

    /// A temporary key whose time is over.
    pub fn expired(mut self) -> Self {
        self.key.expires = Some(Timestamp::UNIX_EPOCH);
        self
    }

    pub(crate) fn into_key(mut self) -> Key {
        self.key.limits.extend(self.policy.map(Limit::Policy));
        self.key
    }
}

fn owned<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}
