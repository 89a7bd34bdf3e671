//! What a person is asked before a repair: what it destroys, and what comes back.

use std::collections::BTreeSet;
use std::fmt;

use authorization::baseline::{self, DTS_ROLE};
use authorization::role::RoleView;
use authorization::text::escaped;
use authorization::verify::FindingId;

use super::AccountReport;

/// At most this many names stand in a line.
const NAMED: usize = 20;

/// The cloud's default, in seconds.
const SESSION_DURATION: u32 = 3600;

/// The question before plans are carried out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Question {
    accounts: usize,
    recreated: usize,
    created: usize,
    changed: usize,
    /// Trust policies that are replaced though not all of them was understood.
    unreadable: usize,
    losers: BTreeSet<String>,
    back: BTreeSet<String>,
}

impl Question {
    pub(crate) fn about<'a>(plans: impl IntoIterator<Item = &'a AccountReport>) -> Self {
        let mut question = Self::default();
        for plan in plans {
            question.accounts += 1;
            let has = |action| plan.steps.iter().any(|step| step.action == action);
            match (has("DeleteRole"), has("CreateRole")) {
                (true, _) => question.recreated += 1,
                (false, true) => question.created += 1,
                (false, false) => question.changed += 1,
            }
            let Some(before) = plan.before.as_deref().filter(|_| has("DeleteRole")) else { continue };
            let is_unreadable = plan.findings.iter().any(|finding| finding.id == FindingId::TrustUnreadable);
            question.unreadable += usize::from(is_unreadable);
            question.losers.extend(plan.losers());
            question.back.extend(extras(before));
        }
        question
    }

    /// Whether the answer is a yes. For many accounts it must be their number.
    pub(crate) fn is_answered_by(&self, answer: &str) -> bool {
        match self.accounts {
            0 => false,
            1 => answer.trim() == "yes",
            many => answer.trim() == many.to_string(),
        }
    }
}

/// What a role has beside its authorization.
fn extras(before: &RoleView) -> Vec<String> {
    let dts = baseline::DTS.policy().to_string();
    let policies = before.policies.iter().map(ToString::to_string).filter(|name| *name != dts);
    let mut extras: Vec<_> = policies.map(|name| format!("policy {}", escaped(&name))).collect();
    if let Some(tags) = &before.tags {
        extras.extend(tags.keys().map(|key| format!("tag {}", escaped(key))));
    }
    let settings = [
        ("description", !before.description.is_empty()),
        ("session duration", before.max_session_duration.is_some_and(|seconds| seconds != SESSION_DURATION)),
        ("console flag", before.allow_console_login.is_some()),
    ];
    extras.extend(settings.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned()));
    extras
}

fn roles(count: usize) -> String {
    if count == 1 { "1 role".to_owned() } else { format!("{count} roles") }
}

fn list(names: &BTreeSet<String>) -> String {
    let shown: Vec<_> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = if self.accounts == 1 { "1 account".to_owned() } else { format!("{} accounts", self.accounts) };
        let acts =
            [("deletes and recreates", self.recreated), ("creates", self.created), ("changes in place", self.changed)];
        let acts = acts.iter().filter(|(_, count)| *count > 0);
        let acts: Vec<_> = acts.map(|(act, count)| format!("{act} {}", roles(*count))).collect();
        writeln!(f, "This {} in {accounts} (`{DTS_ROLE}`).", acts.join(", and "))?;
        if self.recreated > 0 {
            if self.losers.is_empty() {
                writeln!(f, "Nobody else loses the role.")?;
            } else {
                writeln!(f, "Lose the role for good: {}.", list(&self.losers))?;
            }
            if self.unreadable > 0 {
                let what = "with a trust policy that the guard does not understand: all of it is gone for good";
                writeln!(f, "{} {what}.", roles(self.unreadable))?;
            }
            let back = if self.back.is_empty() { "there are no extras".to_owned() } else { list(&self.back) };
            writeln!(f, "Come back: {back}.")?;
        }
        match self.accounts {
            1 => write!(f, "Carry this plan out? Type `yes`: "),
            many => write!(f, "Carry these plans out? Type the number of accounts, `{many}`: "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one_and_of_many_accounts_only_their_number() {
        let about = |accounts| Question { accounts, recreated: accounts, ..Question::default() };
        for (accounts, yes, no) in
            [(1, "yes\n", ["y", "Yes", "1", "", "yes yes"]), (2, " 2\r\n", ["yes", "1", "02", "", "two"])]
        {
            assert!(about(accounts).is_answered_by(yes), "{accounts}");
            for answer in no {
                assert!(!about(accounts).is_answered_by(answer), "{accounts}: {answer}");
            }
        }
        assert!(!about(0).is_answered_by("0") && !about(0).is_answered_by("yes"));
    }

    #[test]
    fn of_many_names_some_are_shown_and_the_rest_counted() {
        let names = (10..=31).map(|number| format!("p{number}")).collect();
        assert!(list(&names).ends_with("p29 and 2 more"), "{}", list(&names));
    }
}
