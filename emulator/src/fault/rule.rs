//! Which calls, and with the verdict a fault.

use std::collections::BTreeMap;
use std::time::Duration;

use super::verdict::{Moment, Verdict};
use crate::ram;

/// A choice of calls, counted from the moment the rule is put in force.
///
/// Only calls whose signature was accepted are counted.
///
/// ```
/// use emulator::Rule;
///
/// let third_detach = Rule::on("DetachPolicyFromRole").account("1234567890123456").nth(3);
/// let busy = Rule::any().times(2).throttle();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    operations: Operations,
    account: Option<String>,
    role_of: Option<String>,
    params: Vec<(String, String)>,
    first: usize,
    count: Option<usize>,
}

#[derive(Clone, Debug)]
enum Operations {
    Any,
    Reads,
    Writes,
    One(String),
}

/// A call that rules look at.
pub(crate) struct Occurrence<'a> {
    pub(crate) operation: &'a str,
    pub(crate) account: &'a str,
    pub(crate) params: &'a BTreeMap<String, String>,
}

impl Rule {
    /// Calls of one operation.
    pub fn on(operation: &str) -> Self {
        Self::over(Operations::One(operation.to_owned()))
    }

    /// All calls.
    pub fn any() -> Self {
        Self::over(Operations::Any)
    }

    /// Reads of RAM.
    pub fn reads() -> Self {
        Self::over(Operations::Reads)
    }

    /// Writes.
    pub fn writes() -> Self {
        Self::over(Operations::Writes)
    }

    /// Calls of `AssumeRole` for a role of this account, whoever calls.
    ///
    /// ```
    /// # use emulator::{Emulator, Member, Rule, World};
    /// # fn main() -> std::io::Result<()> {
    /// let member = Member::new("2234567890123456").without_access_role();
    /// let emulator = Emulator::start(World::new().directory("1234567890123456", |directory| directory.member(member)))?;
    /// // The role appears after the third attempt.
    /// let late = emulator.after_call(Rule::assume_role_in("2234567890123456").nth(3), |world| {
    ///     world.give_access_role("2234567890123456");
    /// });
    /// # drop(late);
    /// # Ok(())
    /// # }
    /// ```
    pub fn assume_role_in(account: &str) -> Self {
        Self { role_of: Some(account.to_owned()), ..Self::on("AssumeRole") }
    }

    fn over(operations: Operations) -> Self {
        Self { operations, account: None, role_of: None, params: Vec::new(), first: 1, count: None }
    }

    /// Only calls whose key belongs to this account.
    pub fn account(mut self, id: &str) -> Self {
        self.account = Some(id.to_owned());
        self
    }

    /// Only calls with this parameter, such as `PolicyName`.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Only the n-th of these calls, from 1.
    pub fn nth(self, n: usize) -> Self {
        self.from(n).times(1)
    }

    /// Every one of these calls, which is the default.
    pub fn every(mut self) -> Self {
        (self.first, self.count) = (1, None);
        self
    }

    /// The n-th of these calls, from 1, and those after it.
    pub fn from(mut self, n: usize) -> Self {
        self.first = n.max(1);
        self
    }

    /// So many of these calls, from the first or from where [`Rule::from`] says.
    pub fn times(mut self, n: usize) -> Self {
        self.count = Some(n);
        self
    }

    pub(super) fn is_on(&self, operation: &str) -> bool {
        matches!(&self.operations, Operations::One(name) if name == operation)
    }

    pub(crate) fn matches(&self, call: &Occurrence) -> bool {
        let operation = match &self.operations {
            Operations::Any => true,
            Operations::Reads => ram::is_read(call.operation),
            Operations::Writes => ram::is_write(call.operation),
            Operations::One(name) => name == call.operation,
        };
        operation
            && self.account.as_ref().is_none_or(|account| account == call.account)
            && self.role_of.as_ref().is_none_or(|account| is_role_of(account, call.params))
            && self.params.iter().all(|(name, value)| call.params.get(name) == Some(value))
    }

    /// Whether the call that is the n-th to match is one of those.
    pub(crate) fn covers(&self, n: usize) -> bool {
        n >= self.first && self.count.is_none_or(|count| n < self.first.saturating_add(count))
    }

    /// `Throttling.User` (400), no effect.
    pub fn throttle(self) -> Fault {
        self.error(400, "Throttling.User")
    }

    /// An error envelope with this status and code, no effect.
    pub fn error(self, status: u16, code: &str) -> Fault {
        self.meets(Verdict::Error { status, code: code.to_owned() }, Moment::BeforeEffect)
    }

    /// `ServiceUnavailable` (503), no effect.
    pub fn unavailable(self) -> Fault {
        self.error(503, "ServiceUnavailable")
    }

    /// `InternalError` (500), although the effect is there.
    pub fn internal_error_after_effect(self) -> Fault {
        self.error(500, "InternalError").after_effect()
    }

    /// `InvalidSecurityToken.Expired` (403), no effect.
    pub fn expired_token(self) -> Fault {
        self.error(403, "InvalidSecurityToken.Expired")
    }

    /// `NoPermission` (403) by an identity policy, no effect.
    pub fn deny(self) -> Fault {
        self.meets(Verdict::Deny, Moment::BeforeEffect)
    }

    /// `NoPermission` (403) by a control policy of the resource directory, no effect.
    pub fn deny_by_control_policy(self) -> Fault {
        self.meets(Verdict::DenyByControlPolicy, Moment::BeforeEffect)
    }

    /// A page of HTML with this status, no effect.
    pub fn html(self, status: u16) -> Fault {
        self.meets(Verdict::Html { status }, Moment::BeforeEffect)
    }

    /// The effect is there, but only half of the reply comes; then the connection closes.
    pub fn half_body(self) -> Fault {
        self.meets(Verdict::HalfBody, Moment::AfterEffect)
    }

    /// Never answers, no effect; the connection stays open until the client goes.
    pub fn hang(self) -> Fault {
        self.meets(Verdict::Hang, Moment::BeforeEffect)
    }

    /// The connection closes with no reply, no effect.
    pub fn lose_before(self) -> Fault {
        self.meets(Verdict::Lose, Moment::BeforeEffect)
    }

    /// The effect is there, but the connection closes with no reply.
    pub fn lose_after(self) -> Fault {
        self.meets(Verdict::Lose, Moment::AfterEffect)
    }

    /// Reads see the account as it was before the last change to it.
    pub fn stale(self) -> Fault {
        self.stale_writes(1)
    }

    /// Reads see the account as it was before the last `writes` changes to it.
    pub fn stale_writes(self, writes: usize) -> Fault {
        self.meets(Verdict::Stale { writes }, Moment::BeforeEffect)
    }

    /// Lists in the reply lack their last item.
    pub fn partial_list(self) -> Fault {
        self.meets(Verdict::PartialList, Moment::AfterEffect)
    }

    /// Takes longer, before the effect.
    pub fn latency(self, latency: Duration) -> Fault {
        self.meets(Verdict::Latency(latency), Moment::BeforeEffect)
    }

    pub(super) fn meets(self, verdict: Verdict, moment: Moment) -> Fault {
        Fault { rule: self, verdict, moment }
    }
}

/// A [`Rule`] with its [`Verdict`]; put in force by [`Emulator::fault`](crate::Emulator::fault).
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    pub(crate) rule: Rule,
    pub(crate) verdict: Verdict,
    pub(crate) moment: Moment,
}

impl Fault {
    /// Lets the call have its effect first.
    pub fn after_effect(mut self) -> Self {
        self.moment = Moment::AfterEffect;
        self
    }

    /// Keeps the call from having an effect, or lets a pause come first.
    pub fn before_effect(mut self) -> Self {
        self.moment = Moment::BeforeEffect;
        self
    }
}

fn is_role_of(account: &str, params: &BTreeMap<String, String>) -> bool {
    params.get("RoleArn").is_some_and(|arn| arn.starts_with(&format!("acs:ram::{account}:role/")))
}

#[cfg(test)]
mod tests {
    use super::Rule;

    fn covered(rule: &Rule) -> Vec<usize> {
        (1..=6).filter(|n| rule.covers(*n)).collect()
    }

    #[test]
    fn windows() {
        assert_eq!(covered(&Rule::any()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(covered(&Rule::any().nth(2)), [2]);
        assert_eq!(covered(&Rule::any().from(4)), [4, 5, 6]);
        assert_eq!(covered(&Rule::any().times(2)), [1, 2]);
        assert_eq!(covered(&Rule::any().from(2).times(3)), [2, 3, 4]);
        assert_eq!(covered(&Rule::any().nth(2).every()), [1, 2, 3, 4, 5, 6]);
    }
}
