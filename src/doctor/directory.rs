//! The resource directory: whether its members can be listed, and entered.

use std::collections::HashSet;

use aliyun::{Error, Member, MemberStatus, Session};
use authorization::baseline::DTS_ROLE;
use authorization::settings::Scope;
use authorization::target::{AccountId, RoleName};
use authorization::text::chain;
use futures_util::future::join_all;

use super::checks::{Checks, timed};
use super::report::Answer;
use super::role;
use crate::config::{Config, FOLDERS, MEMBER_ROLE};
use crate::members::{self, Admission, Entry, Folders, Standing};
use crate::stop::Stop;
use crate::sweep::{Pages, Rules};

pub(super) const IDS: [&str; 4] = ["directory", "members", "folders", "member-roles"];
const POLICY: &str = "policies/organization.json";

/// So many members are entered: what keeps the guard out of these keeps it out of most.
const ENTERED: usize = 5;

/// How the own account stands to the directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    Management,
    Delegated,
}

/// The directory, its members, the folders of the settings, and the way into up to five members.
pub(super) async fn check(
    checks: &mut Checks,
    session: Result<&Session, String>,
    config: &Config,
    own: Option<&AccountId>,
) {
    if config.scope == Scope::Account {
        return checks.skip(&IDS, "the scope is `account`");
    }
    let session = match session {
        Ok(session) => session,
        Err(why) => return checks.skip(&IDS, &why),
    };
    let Some(own) = own else { return checks.skip(&IDS, "the own account is not known: see `caller`") };
    let stands = checks.time(IDS[0], directory(session, own)).await;
    let members = checks.time(IDS[1], list(session)).await;
    let folders = Folders::new(&config.folders, session);
    checks.time(IDS[2], folders_exist(&folders)).await;
    let mut chosen = Vec::new();
    for member in &members {
        if chosen.len() < ENTERED
            && let Some(account) = to_enter(member, own, config, &folders, session).await
        {
            chosen.push(account);
        }
    }
    if chosen.is_empty() {
        return checks.skip(&IDS[3..], "no member that the settings let the guard enter is known");
    }
    let clock = session.clock();
    let entries = chosen.iter().map(|account| timed(&**clock, enter(session, account, config, stands)));
    let answers = join_all(entries).await;
    for (account, answer) in chosen.iter().zip(answers) {
        checks.put_timed(format!("member-{account}"), answer);
    }
}

/// The management account is no member of its directory, but a delegated administrator's is.
async fn directory(session: &Session, own: &AccountId) -> (Answer, Option<Own>) {
    match members::admit(session, own).await {
        Admission::Stranger => {
            (Answer::ok(format!("account `{own}` is the management account")), Some(Own::Management))
        }
        Admission::Member(_) => {
            (Answer::ok(format!("account `{own}` is a delegated administrator's")), Some(Own::Delegated))
        }
        Admission::Absent(status) => (
            Answer::failed(
                format!("account `{own}` is a member with the status `{status}`"),
                "deploy the guard in the management account, or in a delegated administrator's",
            ),
            None,
        ),
        Admission::Unknown(error) => (failed(&error), None),
    }
}

fn failed(error: &Error) -> Answer {
    Answer::failed(chain(error), members::advice(error).unwrap_or_else(|| role::next(error, POLICY)))
}

async fn folders_exist(folders: &Folders<'_>) -> (Answer, ()) {
    if !folders.are_some() {
        return (Answer::skipped("the settings name no folder"), ());
    }
    let answer = match folders.check().await {
        Ok(()) => Answer::ok("every folder of the settings exists"),
        Err((folder, error)) if error.code.as_deref().is_some_and(|code| code.starts_with("EntityNotExist")) => {
            Answer::failed(
                format!("the folder `{folder}` of the settings does not exist: {}", chain(&error)),
                format!("correct `{FOLDERS}` or `DTS_GUARD_EXCLUDE_FOLDERS`: with a wrong one no run begins"),
            )
        }
        Err((folder, error)) => Answer::failed(
            format!("the folder `{folder}` could not be asked for: {}", chain(&error)),
            role::next(&error, POLICY),
        ),
    };
    (answer, ())
}

/// Every member, if the directory gives as many as it says that it has.
async fn list(session: &Session) -> (Answer, Vec<Member>) {
    let stop = Stop::default();
    let (mut pages, mut members, mut known) = (Pages::of(session, &stop), Vec::new(), HashSet::new());
    while let Some(page) = pages.next().await {
        match page {
            // A list that may have gaps is read once more.
            Ok(page) => members.extend(page.into_iter().filter(|member| known.insert(format!("{:?}", member.account)))),
            Err(error) => {
                let next = "see `directory`; without a whole list the members that it lacks are not looked at";
                return (Answer::failed(error.to_string(), next), members);
            }
        }
    }
    if members.is_empty() {
        return (
            Answer::warning("the directory has no members", "invite some, or set `DTS_GUARD_SCOPE=account`"),
            members,
        );
    }
    (Answer::ok(format!("{} members are listed, as many as `TotalCount` says", members.len())), members)
}

/// One that a run would enter.
async fn to_enter(
    member: &Member,
    own: &AccountId,
    config: &Config,
    folders: &Folders<'_>,
    session: &Session,
) -> Option<AccountId> {
    let account = member.account.as_ref().ok()?;
    let rules = Rules::new(config, own, None, session.clock().now());
    let is_meant = account != own && member.status == MemberStatus::Active && rules.why_left_alone(account).is_none();
    let stands = if is_meant { folders.standing(&member.location).await.ok()? } else { Standing::Outside };
    (stands == Standing::Inside).then(|| account.clone())
}

/// Into a member, and a look at its role.
async fn enter(session: &Session, account: &AccountId, config: &Config, own: Option<Own>) -> Answer {
    let entry = Entry { role: &config.member_role, mode: config.mode, is_new: false };
    let role = config.member_role.arn_in(account);
    let entered = match members::enter(session, account, entry).await {
        Ok(entered) => entered,
        Err(barred) => {
            let is_delegated = own == Some(Own::Delegated) && config.member_role == RoleName::directory_access();
            let next = if is_delegated {
                format!(
                    "set `{MEMBER_ROLE}`: the directory's own role trusts the management account, and this is a delegated \
                     administrator's"
                )
            } else {
                barred.to_string()
            };
            return Answer::failed(format!("account `{account}` cannot be entered: {}", chain(&barred.error)), next);
        }
    };
    match entered.get_role(DTS_ROLE).await {
        Err(error) if !error.is_role_missing() => Answer::failed(
            format!("account `{account}` is entered, but its role cannot be read: {}", chain(&error)),
            format!("let `{role}` read it, as in `policies/verify.json`"),
        ),
        _ => Answer::ok(format!("account `{account}` is entered by `{role}`, and its role can be read")),
    }
}
