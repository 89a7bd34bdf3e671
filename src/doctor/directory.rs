//! The resource directory: whether its members can be listed, and entered.

use std::collections::HashSet;

use aliyun::{Error, Member, MemberStatus, Session};
use authorization::baseline::DTS_ROLE;
use authorization::settings::Scope;
use authorization::target::{AccountId, RoleName};
use authorization::text::chain;
use futures_util::future::join_all;

use super::checks::{CheckResult, Checks, timed};
use super::{NO_ACCOUNT, role};
use crate::config::{Config, FOLDERS, MEMBER_ROLE};
use crate::members::{self, Entry, Folders, Membership, Standing};
use crate::stop::Stop;
use crate::sweep::{Pages, Rules};

pub(super) const IDS: [&str; 4] = ["directory", "members", "folders", "member-roles"];
const POLICY: &str = "policies/organization.json";

/// So many members are entered: what keeps the guard out of these keeps it out of most.
const ENTERED: usize = 5;

/// The directory, its members, the folders of the settings, and the way into up to five members that a run would enter.
pub(super) async fn check(
    checks: &mut Checks,
    session: Result<&Session, String>,
    config: &Config,
    own: Option<&AccountId>,
) -> Result<(), String> {
    if config.scope == Scope::Account {
        return Err("the scope is `account`".to_owned());
    }
    let (session, own) = (session?, own.ok_or(NO_ACCOUNT)?);
    let is_delegated = checks.time(IDS[0], directory(session, own)).await;
    let members = checks.time(IDS[1], list(session)).await;
    let folders = Folders::new(&config.folders, session);
    checks.time(IDS[2], folders_exist(&folders)).await;
    let rules = Rules::new(config, own, None, session.clock().now());
    let mut chosen = Vec::new();
    for member in members.iter().filter(|member| member.status == MemberStatus::Active) {
        let Ok(account) = &member.account else { continue };
        if chosen.len() < ENTERED
            && account != own
            && rules.why_left_alone(account).is_none()
            && folders.standing(&member.location).await.is_ok_and(|standing| standing == Standing::Inside)
        {
            chosen.push(account);
        }
    }
    if chosen.is_empty() {
        return Err("no member that the settings let the guard enter is known".to_owned());
    }
    let clock = session.clock();
    let entries = chosen.iter().map(|account| timed(&**clock, enter(session, account, config, is_delegated)));
    let results = join_all(entries).await;
    for (account, result) in chosen.iter().zip(results) {
        checks.put_timed(format!("member-{account}"), result);
    }
    Ok(())
}

/// The result, and whether the account is a delegated administrator's: that one is a member, the management account is not.
async fn directory(session: &Session, own: &AccountId) -> (CheckResult, bool) {
    match members::membership(session, own).await {
        Membership::Stranger => (CheckResult::ok(format!("account `{own}` is the management account")), false),
        Membership::Active(_) => (CheckResult::ok(format!("account `{own}` is a delegated administrator's")), true),
        Membership::Absent(status) => (
            CheckResult::failed(
                format!("account `{own}` is a member with the status `{status}`"),
                "deploy the guard in the management account, or in a delegated administrator's",
            ),
            false,
        ),
        Membership::Unknown(error) => {
            let next = members::advice(&error).unwrap_or_else(|| role::next(&error, POLICY));
            (CheckResult::failed(chain(&error), next), false)
        }
    }
}

async fn folders_exist(folders: &Folders<'_>) -> (CheckResult, ()) {
    if !folders.are_some() {
        return (CheckResult::skipped("the settings name no folder"), ());
    }
    let is_missing = |error: &Error| error.code.as_deref().is_some_and(|code| code.starts_with("EntityNotExist"));
    let result = match folders.check().await {
        Ok(()) => CheckResult::ok("every folder of the settings exists"),
        Err((folder, error)) if is_missing(&error) => CheckResult::failed(
            format!("the folder `{folder}` of the settings does not exist: {}", chain(&error)),
            format!("correct `{FOLDERS}` or `DTS_GUARD_EXCLUDE_FOLDERS`: with a wrong one no run begins"),
        ),
        Err((folder, error)) => CheckResult::failed(
            format!("the folder `{folder}` could not be asked for: {}", chain(&error)),
            role::next(&error, POLICY),
        ),
    };
    (result, ())
}

/// Every member, if the directory gives as many as it says that it has.
async fn list(session: &Session) -> (CheckResult, Vec<Member>) {
    let stop = Stop::default();
    let (mut pages, mut members, mut known) = (Pages::of(session, &stop), Vec::new(), HashSet::new());
    while let Some(page) = pages.next().await {
        match page {
            // A list that may have gaps is read once more.
            Ok(page) => members.extend(page.into_iter().filter(|member| known.insert(format!("{:?}", member.account)))),
            Err(error) => {
                let next = "see `directory`; without a whole list the members that it lacks are not looked at";
                return (CheckResult::failed(error.to_string(), next), members);
            }
        }
    }
    let result = if members.is_empty() {
        CheckResult::warning("the directory has no members", "invite some, or set `DTS_GUARD_SCOPE=account`")
    } else {
        CheckResult::ok(format!("{} members are listed, as many as `TotalCount` says", members.len()))
    };
    (result, members)
}

async fn enter(session: &Session, account: &AccountId, config: &Config, is_delegated: bool) -> CheckResult {
    let entry = Entry { role: &config.member_role, mode: config.mode, is_new: false };
    let role = config.member_role.arn_in(account);
    let entered = match members::assume_member_role(session, account, entry).await {
        Ok(entered) => entered,
        Err(barred) => {
            let next = if is_delegated && config.member_role == RoleName::directory_access() {
                format!(
                    "set `{MEMBER_ROLE}`: the directory's own role trusts the management account, and this is a delegated \
                     administrator's"
                )
            } else {
                barred.to_string()
            };
            let said = format!("account `{account}` cannot be entered: {}", chain(&barred.error));
            return CheckResult::failed(said, next);
        }
    };
    match entered.get_role(DTS_ROLE).await {
        Err(error) if !error.is_role_missing() => CheckResult::failed(
            format!("account `{account}` is entered, but its role cannot be read: {}", chain(&error)),
            format!("let `{role}` read it, as in `policies/verify.json`"),
        ),
        _ => CheckResult::ok(format!("account `{account}` is entered by `{role}`, and its role can be read")),
    }
}
