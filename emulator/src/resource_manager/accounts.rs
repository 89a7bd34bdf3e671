//! The members: `ListAccounts`, `GetAccount`.

use serde_json::{Map, Value, json};

use super::directory::{DIRECTORY_ID, administered};
use super::{errors, folders};
use crate::access;
use crate::ram::wanted_tags;
use crate::wire::{Failure, Params, Reply};
use crate::world::{Directory, Key, ListBends, MemberRecord, WorldState};

/// The parameters of `ListAccounts`.
struct Ask {
    number: u32,
    size: u32,
    with_tags: bool,
    tags: Vec<(String, Option<String>)>,
}

impl Ask {
    fn read(params: &Params) -> Result<Self, Failure> {
        Ok(Self {
            number: params.number("PageNumber", 1, 1..=u32::MAX)?,
            size: params.number("PageSize", 10, 1..=100)?,
            with_tags: params.flag("IncludeTags")?.unwrap_or(false),
            tags: wanted_tags(params)?,
        })
    }

    fn chooses(&self, member: &MemberRecord) -> bool {
        self.tags
            .iter()
            .all(|(key, value)| member.tags.get(key).is_some_and(|own| value.as_ref().is_none_or(|value| value == own)))
    }

    /// How many members stand on the pages before, and how many on this one at most.
    fn part(&self, of: usize, bends: &ListBends) -> (usize, usize) {
        let size = bends.page_cap.unwrap_or(usize::MAX).min(self.size as usize);
        let start = (self.number as usize - 1).saturating_mul(size);
        let start = if bends.starts_again { start % of.next_multiple_of(size).max(size) } else { start };
        (start, size)
    }
}

/// Pages by account id, so that a member who joins or leaves shifts the pages behind it.
pub(super) fn list(world: &WorldState, caller: &Key, params: &Params) -> Reply {
    let ask = Ask::read(params)?;
    let resource = format!("acs:resourcemanager:*:{}:account/*", caller.account);
    access::require(world, caller, "resourcemanager:ListAccounts", &[resource])?;
    let directory = administered(world, caller)?;
    Ok(page(&ask, directory, |_| true))
}

/// Only those directly in the folder.
pub(super) fn list_for_parent(world: &WorldState, caller: &Key, params: &Params) -> Reply {
    let (ask, parent) = (Ask::read(params)?, folders::required(params, "ParentFolderId")?);
    let resource = format!("acs:resourcemanager:*:{}:account/*", caller.account);
    access::require(world, caller, "resourcemanager:ListAccountsForParent", &[resource])?;
    let directory = administered(world, caller)?;
    folders::exists(directory, parent)?;
    Ok(page(&ask, directory, |member| member.folder == parent))
}

fn page(ask: &Ask, directory: &Directory, is_meant: impl Fn(&MemberRecord) -> bool) -> Value {
    let chosen: Vec<_> =
        directory.members.iter().filter(|(_, member)| ask.chooses(member) && is_meant(member)).collect();
    let (start, size) = ask.part(chosen.len(), &directory.bends);
    let page = chosen.iter().skip(start).take(size);
    let page: Vec<Value> = page.map(|(id, member)| listed(directory, id, member, ask.with_tags)).collect();
    json!({
        "TotalCount": directory.bends.total.unwrap_or(chosen.len()),
        "PageNumber": ask.number,
        "PageSize": ask.size,
        "Accounts": { "Account": page },
    })
}

/// That it cannot be narrowed to an account is inferred; for `ListAccounts` the resource is documented.
pub(super) fn get(world: &WorldState, caller: &Key, params: &Params) -> Reply {
    let (id, with_tags) = (account_id(params)?, params.flag("IncludeTags")?.unwrap_or(false));
    access::require(world, caller, "resourcemanager:GetAccount", &["*".to_owned()])?;
    let directory = administered(world, caller)?;
    let member = directory.members.get(id).ok_or_else(errors::account_not_found)?;
    let mut told = fields(directory, id, member);
    told.insert("AccountName".to_owned(), format!("{}@{DIRECTORY_ID}.aliyunid.com", member.name).into());
    told.insert("IdentityInformation".to_owned(), "Example Ltd".into());
    if with_tags {
        told.insert("Tags".to_owned(), tags(member));
    }
    Ok(json!({ "Account": told }))
}

/// 16 digits.
fn account_id(params: &Params) -> Result<&str, Failure> {
    let id = params.optional("AccountId").filter(|id| !id.is_empty()).ok_or_else(errors::account_id_missing)?;
    let is_one = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { Ok(id) } else { Err(errors::account_id_invalid()) }
}

/// Wraps the tags twice, unlike `GetAccount`.
fn listed(directory: &Directory, id: &str, member: &MemberRecord, with_tags: bool) -> Value {
    let mut told = fields(directory, id, member);
    if with_tags {
        told.insert("Tags".to_owned(), json!({ "Tag": tags(member) }));
    }
    Value::Object(told)
}

fn fields(directory: &Directory, id: &str, member: &MemberRecord) -> Map<String, Value> {
    let fields = [
        ("AccountId", id.to_owned()),
        ("DisplayName", member.name.clone()),
        ("Status", member.status.to_string()),
        ("Type", member.member_type.to_string()),
        ("JoinMethod", member.join_method.to_string()),
        ("JoinTime", member.joined.clone()),
        ("ModifyTime", member.joined.clone()),
        ("FolderId", member.folder.clone()),
        ("ResourceDirectoryId", DIRECTORY_ID.to_owned()),
    ];
    let path = format!("{}/{id}", folders::path(directory, &member.folder));
    let path = (!directory.bends.without_paths).then_some(("ResourceDirectoryPath", path));
    fields.into_iter().chain(path).map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
}

fn tags(member: &MemberRecord) -> Value {
    member.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}
