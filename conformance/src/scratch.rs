//! What a run has made, and its removal.
//!
//! A role is known by its id, not by its name. Where the reply to a creation was lost there is no id: then the role is ours if
//! nobody had the name before (that was looked at) and it has the trust policy that was asked for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aliyun::credentials::Credentials;
use serde_json::Value;

use crate::Stop;
use crate::cloud::{Answer, Ask, Cloud};

const PAUSE: Duration = Duration::from_secs(2);
/// So often something is looked at until it is gone: a minute.
const LOOKS: usize = 30;
/// So often in a row a role that was made must be missing, since a read may be older than the creation.
const SURE: usize = 4;

/// What is known of a name.
#[derive(Debug, Default, Clone)]
struct Role {
    name: String,
    ids: Vec<String>,
    /// The trust policies of creations without an answer.
    pending: Vec<String>,
    /// Whether the cloud has shown that it is gone.
    gone: bool,
}

/// What a run has made. It outlives a run that ends in a panic.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    roles: Mutex<Vec<Role>>,
    policy: Mutex<Option<String>>,
}

/// Something that could not be removed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Left {
    /// Its name.
    pub name: String,
    /// Why it is there.
    pub why: String,
    /// What removes it, for a shell.
    pub command: String,
}

impl Scratch {
    fn roles(&self) -> MutexGuard<'_, Vec<Role>> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Role)) {
        let mut roles = self.roles();
        if !roles.iter().any(|role| role.name == name) {
            roles.push(Role { name: name.to_owned(), ..Role::default() });
        }
        if let Some(role) = roles.iter_mut().find(|role| role.name == name) {
            change(role);
        }
    }

    /// A creation is about to be sent.
    pub(crate) fn asked_for(&self, name: &str, trust: &str) {
        self.change(name, |role| {
            role.pending.push(trust.to_owned());
            role.gone = false;
        });
    }

    /// The answer to it.
    pub(crate) fn answered(&self, name: &str, answer: &Answer) {
        self.change(name, |role| {
            // With a code that says nothing of an effect nobody knows.
            let nobody_knows = answer.code.as_deref().is_some_and(|code| code.contains("InternalError"))
                || answer.code.is_none() && !answer.is_done();
            if !nobody_knows {
                role.pending.pop();
            }
            role.ids.extend(answer.text("/Role/RoleId").filter(|_| answer.is_done()).map(str::to_owned));
        });
    }

    pub(crate) fn is_gone(&self, name: &str) {
        self.change(name, |role| role.gone = true);
    }

    fn policy(&self) -> MutexGuard<'_, Option<String>> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn asked_for_policy(&self, name: &str) {
        *self.policy() = Some(name.to_owned());
    }

    /// The id of the role that was made last under a name.
    pub(crate) fn id(&self, name: &str) -> Option<String> {
        self.roles().iter().find(|role| role.name == name).and_then(|role| role.ids.last().cloned())
    }

    /// Removes everything, and tells what is left. The first signal does not end it.
    pub(crate) async fn remove(&self, cloud: &Cloud, keys: &Credentials) -> Vec<Left> {
        let (roles, mut left) = (self.roles().clone(), Vec::new());
        let known: Vec<_> = roles.iter().flat_map(|role| role.ids.clone()).collect();
        for role in roles.iter().filter(|role| role.may_be_there()) {
            let removal = Removal { cloud, keys, role, known: &known };
            match removal.run().await {
                Ok(()) => self.is_gone(&role.name),
                Err(why) => left.push(Left::role(&role.name, why)),
            }
        }
        let policy = self.policy().clone();
        if let Some(name) = policy {
            match remove_policy(cloud, keys, &name).await {
                Ok(()) => *self.policy() = None,
                Err(why) => left.push(Left::policy(name, why)),
            }
        }
        left
    }

    /// All that may be there.
    pub(crate) fn all(&self, why: &str) -> Vec<Left> {
        let roles = self.roles();
        let roles = roles.iter().filter(|role| role.may_be_there() && !role.gone);
        let roles = roles.map(|role| Left::role(&role.name, why.to_owned()));
        roles.chain(self.policy().clone().map(|name| Left::policy(name, why.to_owned()))).collect()
    }
}

impl Role {
    fn may_be_there(&self) -> bool {
        !self.ids.is_empty() || !self.pending.is_empty()
    }
}

impl Left {
    fn role(name: &str, why: String) -> Self {
        Self { name: name.to_owned(), why, command: format!("aliyun ram DeleteRole --RoleName {name}") }
    }

    fn policy(name: String, why: String) -> Self {
        let command = format!("aliyun ram DeletePolicy --PolicyName {name}");
        Self { name, why, command }
    }
}

/// The removal of one role.
struct Removal<'a> {
    cloud: &'a Cloud,
    keys: &'a Credentials,
    role: &'a Role,
    /// The ids of all roles of the run: to a cloud that ignores case two names are one role.
    known: &'a [String],
}

impl Removal<'_> {
    async fn run(&self) -> Result<(), String> {
        let (mut missing, mut why) = (0, String::new());
        let mut sure = if self.role.gone { 1 } else { SURE };
        for look in 0..LOOKS {
            // A deletion is looked at without delay; what is not there yet, or still there, is waited for.
            if look > 1 {
                self.cloud.clock.sleep(PAUSE).await;
            }
            match self.look().await {
                Ok(Some(answer)) if !self.is_ours(&answer) => {
                    return Err("another role has this name: it was not touched".to_owned());
                }
                Ok(Some(_)) => {
                    missing = 0;
                    match self.empty_and_delete().await {
                        Ok(()) => sure = 1,
                        Err(text) => why = text,
                    }
                }
                Ok(None) => missing += 1,
                Err(stop) => why = stop.to_string(),
            }
            if missing >= sure {
                return Ok(());
            }
        }
        Err(why)
    }

    async fn look(&self) -> Result<Option<Answer>, Stop> {
        let answer = self.cloud.send_anyway(self.keys, &Ask::role("GetRole", &self.role.name)).await?;
        match answer.is_done() {
            true => Ok(Some(answer)),
            false if answer.is("EntityNotExist.Role") => Ok(None),
            false => Err(Stop::answered("GetRole", &answer)),
        }
    }

    fn is_ours(&self, answer: &Answer) -> bool {
        let trust =
            answer.text("/Role/AssumeRolePolicyDocument").and_then(|text| serde_json::from_str::<Value>(text).ok());
        let is_asked = |asked: &String| serde_json::from_str::<Value>(asked).ok() == trust;
        answer.text("/Role/RoleId").is_some_and(|id| self.known.iter().any(|known| known == id))
            || trust.is_some() && self.role.pending.iter().any(is_asked)
    }

    async fn empty_and_delete(&self) -> Result<(), String> {
        let name = &self.role.name;
        let send = async |ask: Ask| self.cloud.send_anyway(self.keys, &ask).await.map_err(|stop| stop.to_string());
        let list = send(Ask::role("ListPoliciesForRole", name)).await?;
        for policy in list.items("/Policies/Policy") {
            let text = |field: &str| policy.get(field).and_then(Value::as_str).unwrap_or_default();
            send(Ask::policy("DetachPolicyFromRole", name, text("PolicyType"), text("PolicyName"))).await?;
        }
        let answer = send(Ask::role("DeleteRole", name)).await?;
        if answer.is_done() { Ok(()) } else { Err(format!("`DeleteRole`: {}", answer.seen())) }
    }
}

async fn remove_policy(cloud: &Cloud, keys: &Credentials, name: &str) -> Result<(), String> {
    let mut why = String::new();
    for _ in 0..LOOKS {
        match cloud.send_anyway(keys, &Ask::ram("DeletePolicy").with("PolicyName", name)).await {
            Ok(answer) if answer.is_done() || answer.is("EntityNotExist.Policy") => return Ok(()),
            Ok(answer) => why = format!("`DeletePolicy`: {}", answer.seen()),
            Err(stop) => why = stop.to_string(),
        }
        cloud.clock.sleep(PAUSE).await;
    }
    Err(why)
}
