//! A fault as a person writes it: `OPERATION[@ACCOUNT][:WHICH]:WHAT`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::rule::{Fault, Rule};
use super::verdict::{Moment, Verdict};
use crate::{ram, resource_manager, sts};

/// A fault as a person writes it on a command line.
///
/// ```
/// use emulator::WrittenFault;
///
/// let second: WrittenFault = "CreateRole:2:NoPermission".parse()?;
/// let member = "ListPoliciesForRole@2000000000000001:stale".parse::<WrittenFault>()?;
/// let mistake = "CreateRole:two:NoPermission".parse::<WrittenFault>().unwrap_err();
/// assert!(mistake.to_string().starts_with("`two` is not a choice of calls"));
/// # drop((second, member));
/// # Ok::<(), emulator::WrongFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct WrittenFault {
    pub(crate) rule: Rule,
    pub(crate) what: What,
}

/// What happens to the calls.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Falls(Verdict, Moment),
    /// Somebody changes the role in the account of the call, just after it.
    Changed,
}

/// Why a text is not a fault, and what one looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFault {
    part: String,
    why: String,
    example: &'static str,
}

impl fmt::Display for WrongFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}; right is, for example, `{}`", self.part, self.why, self.example)
    }
}

impl std::error::Error for WrongFault {}

fn wrong(part: &str, why: impl Into<String>, example: &'static str) -> WrongFault {
    WrongFault { part: part.to_owned(), why: why.into(), example }
}

impl FromStr for WrittenFault {
    type Err = WrongFault;

    fn from_str(text: &str) -> Result<Self, WrongFault> {
        let parts: Vec<&str> = text.split(':').collect();
        let (calls, which, what) = match parts[..] {
            [calls, what] => (calls, "*", what),
            [calls, which, what] => (calls, which, what),
            _ => return Err(wrong(text, "does not have the form OPERATION:WHICH:WHAT", "CreateRole:2:NoPermission")),
        };
        let (operation, account) = match calls.split_once('@') {
            Some((operation, account)) => (operation, Some(account)),
            None => (calls, None),
        };
        let rule = chosen(calls_of(operation)?, account)?;
        Ok(Self { rule: counted(rule, which)?, what: happens(operation, what)? })
    }
}

fn calls_of(operation: &str) -> Result<Rule, WrongFault> {
    let known = || ram::names().chain(sts::NAMES).chain(resource_manager::NAMES);
    match operation {
        "any" => Ok(Rule::any()),
        "reads" => Ok(Rule::reads()),
        "writes" => Ok(Rule::writes()),
        _ if known().any(|name| name == operation) => Ok(Rule::on(operation)),
        _ => {
            let known: Vec<&str> = known().collect();
            let why = format!("is not an operation; there are any, reads, writes (of RAM), {}", known.join(", "));
            Err(wrong(operation, why, "CreateRole:2:NoPermission"))
        }
    }
}

/// `AssumeRole` is called with the keys of one account for a role of another: that one is meant.
fn chosen(rule: Rule, account: Option<&str>) -> Result<Rule, WrongFault> {
    match account {
        None => Ok(rule),
        Some(id) if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(wrong(id, "is not an account id", "GetRole@2000000000000001:503"))
        }
        Some(id) if rule.is_on("AssumeRole") => Ok(Rule::assume_role_in(id)),
        Some(id) => Ok(rule.account(id)),
    }
}

/// `2`, `2-4`, `2-` or `*`.
fn counted(rule: Rule, which: &str) -> Result<Rule, WrongFault> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n > 0);
    let counted = match which.split_once('-') {
        None if which == "*" => Some(rule),
        None => number(which).map(|n| rule.nth(n)),
        Some((first, "")) => number(first).map(|first| rule.from(first)),
        Some((first, last)) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(rule.from(first).times(last - first + 1)),
            _ => None,
        },
    };
    let why =
        "is not a choice of calls: it is `2` for the second, `2-4`, `2-` for the second and all later ones, or `*`";
    counted.ok_or_else(|| wrong(which, why, "DeleteRole:2-4:Throttling.User"))
}

fn happens(operation: &str, text: &str) -> Result<What, WrongFault> {
    use Moment::{AfterEffect, BeforeEffect};
    let (word, said) = match (text.strip_suffix("-after"), text.strip_suffix("-before")) {
        (Some(word), _) => (word, Some(AfterEffect)),
        (None, Some(word)) => (word, Some(BeforeEffect)),
        (None, None) => (text, None),
    };
    let is_choice = matches!(operation, "any" | "reads");
    let (verdict, usual) = match word {
        "changed" if said.is_none() => return Ok(What::Changed),
        "stale" if !is_choice && !ram::is_read(operation) => {
            return Err(wrong(text, format!("is for reads of RAM, not for {operation}"), "GetRole:2:stale"));
        }
        "stale" if said.is_none() => (Verdict::Stale { writes: 1 }, BeforeEffect),
        "short" if !is_choice && !operation.starts_with("List") => {
            return Err(wrong(text, format!("is for lists, not for {operation}"), "ListAccounts:short"));
        }
        "short" if said.is_none() => (Verdict::PartialList, AfterEffect),
        "lost" => (Verdict::Lose, AfterEffect),
        "half" => (Verdict::HalfBody, AfterEffect),
        "hang" => (Verdict::Hang, BeforeEffect),
        "control-policy" => (Verdict::DenyByControlPolicy, BeforeEffect),
        "NoPermission" => (Verdict::Deny, BeforeEffect),
        _ => {
            (pause(word).or_else(|| page(word)).or_else(|| envelope(word)).ok_or_else(|| unknown(text))?, BeforeEffect)
        }
    };
    Ok(What::Falls(verdict, said.unwrap_or(usual)))
}

fn unknown(text: &str) -> WrongFault {
    let why = "is nothing that can happen to a call; there are an error code (`Throttling.User`), a status from 400 on \
               (`503`), a pause (`200ms`, `5s`), `lost`, `half`, `hang`, `stale`, `short`, `control-policy` and `changed`";
    wrong(text, why, "AttachPolicyToRole:1:lost")
}

fn pause(word: &str) -> Option<Verdict> {
    let milliseconds = word.strip_suffix("ms").and_then(|number| number.parse().ok()).map(Duration::from_millis);
    let seconds = || word.strip_suffix('s').and_then(|number| number.parse().ok()).map(Duration::from_secs);
    milliseconds.or_else(seconds).map(Verdict::Latency)
}

fn page(word: &str) -> Option<Verdict> {
    word.parse().ok().filter(|status| (400..600).contains(status)).map(|status| Verdict::Html { status })
}

/// The status that such a code usually has.
fn envelope(word: &str) -> Option<Verdict> {
    let is_code = word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.');
    let status = match word.split('.').next()? {
        "ServiceUnavailable" => 503,
        "InternalError" => 500,
        "EntityNotExist" | "EntityNotExists" => 404,
        "EntityAlreadyExists" | "DeleteConflict" | "LimitExceeded" => 409,
        "Forbidden" => 403,
        _ if word == "InvalidSecurityToken.Expired" => 403,
        _ => 400,
    };
    is_code.then(|| Verdict::Error { status, code: word.to_owned() })
}

impl WrittenFault {
    /// What falls, if it is not somebody's change.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match &self.what {
            What::Falls(verdict, moment) => Some(self.rule.clone().meets(verdict.clone(), *moment)),
            What::Changed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Rule, Verdict, Moment) {
        let written: WrittenFault = text.parse().unwrap();
        match written.what {
            What::Falls(verdict, moment) => (written.rule, verdict, moment),
            What::Changed => panic!("{text}"),
        }
    }

    fn error(status: u16, code: &str) -> Verdict {
        Verdict::Error { status, code: code.to_owned() }
    }

    #[test]
    fn what_happens_is_a_word() {
        use Moment::{AfterEffect, BeforeEffect};
        for (what, verdict, moment) in [
            ("NoPermission", Verdict::Deny, BeforeEffect),
            ("control-policy", Verdict::DenyByControlPolicy, BeforeEffect),
            ("Throttling.User", error(400, "Throttling.User"), BeforeEffect),
            ("ServiceUnavailable", error(503, "ServiceUnavailable"), BeforeEffect),
            ("InternalError-after", error(500, "InternalError"), AfterEffect),
            ("EntityNotExist.Role", error(404, "EntityNotExist.Role"), BeforeEffect),
            ("LimitExceeded.Role", error(409, "LimitExceeded.Role"), BeforeEffect),
            ("503", Verdict::Html { status: 503 }, BeforeEffect),
            ("lost", Verdict::Lose, AfterEffect),
            ("lost-before", Verdict::Lose, BeforeEffect),
            ("half", Verdict::HalfBody, AfterEffect),
            ("hang", Verdict::Hang, BeforeEffect),
            ("hang-after", Verdict::Hang, AfterEffect),
            ("200ms", Verdict::Latency(Duration::from_millis(200)), BeforeEffect),
            ("5s-after", Verdict::Latency(Duration::from_secs(5)), AfterEffect),
            ("stale", Verdict::Stale { writes: 1 }, BeforeEffect),
            ("short", Verdict::PartialList, AfterEffect),
        ] {
            let (_, read, when) = self::read(&format!("any:{what}"));
            assert_eq!((read, when), (verdict, moment), "{what}");
        }
        assert!(matches!("DeleteRole:1:changed".parse(), Ok(WrittenFault { what: What::Changed, .. })));
    }

    #[test]
    fn which_calls_are_numbers() {
        for (which, hit) in [
            (":2", vec![2]),
            (":2-4", vec![2, 3, 4]),
            (":4-", vec![4, 5]),
            (":*", vec![1, 2, 3, 4, 5]),
            ("", vec![1, 2, 3, 4, 5]),
        ] {
            let (rule, ..) = read(&format!("CreateRole{which}:lost"));
            assert_eq!((1..=5).filter(|n| rule.covers(*n)).collect::<Vec<_>>(), hit, "{which}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_a_right_example() {
        for (text, part) in [
            ("CreateRole", "`CreateRole` does not have the form"),
            ("a:b:c:d", "`a:b:c:d` does not have the form"),
            ("CreatRole:2:lost", "`CreatRole` is not an operation; there are any, reads, writes (of RAM), GetRole, "),
            ("CreateRole:0:lost", "`0` is not a choice of calls"),
            ("CreateRole:4-2:lost", "`4-2` is not a choice of calls"),
            ("CreateRole:2:loose", "`loose` is nothing that can happen"),
            ("CreateRole:2:200", "`200` is nothing that can happen"),
            ("CreateRole:2:", "`` is nothing that can happen"),
            ("CreateRole:stale", "`stale` is for reads of RAM, not for CreateRole"),
            ("GetRole:short", "`short` is for lists, not for GetRole"),
            ("GetRole:stale-after", "`stale-after` is nothing that can happen"),
            ("GetRole@me:503", "`me` is not an account id"),
        ] {
            let mistake = text.parse::<WrittenFault>().unwrap_err();
            assert!(mistake.to_string().starts_with(part), "{text}: {mistake}");
            let (_, example) =
                mistake.to_string().rsplit_once("for example, `").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            assert!(example.trim_end_matches('`').parse::<WrittenFault>().is_ok(), "{example}");
        }
    }
}
