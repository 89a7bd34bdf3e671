//! The folders of the directory: `GetFolder`, `ListFoldersForParent`.

use serde_json::{Map, Value, json};

use super::directory::{DIRECTORY_ID, administered};
use super::errors;
use crate::access;
use crate::wire::{Failure, Params, Reply};
use crate::world::{Directory, Key, ROOT_FOLDER, WorldState};

/// The root can be asked for like any folder (inferred).
pub(super) fn get(world: &WorldState, caller: &Key, params: &Params) -> Reply {
    let id = required(params, "FolderId")?;
    access::require(world, caller, "resourcemanager:GetFolder", &["*".to_owned()])?;
    let directory = administered(world, caller)?;
    let mut told = fields(directory, id)?;
    if let Some(folder) = directory.folders.get(id) {
        told.insert("ParentFolderId".to_owned(), folder.parent.clone().into());
    }
    if !directory.bends.without_paths {
        told.insert("ResourceDirectoryPath".to_owned(), path(directory, id).into());
    }
    Ok(json!({ "Folder": told }))
}

/// Only those directly below.
pub(super) fn list(world: &WorldState, caller: &Key, params: &Params) -> Reply {
    let number = params.number("PageNumber", 1, 1..=u32::MAX)?;
    let size = params.number("PageSize", 10, 1..=100)?;
    let parent = params.optional("ParentFolderId").filter(|id| !id.is_empty()).unwrap_or(ROOT_FOLDER);
    access::require(world, caller, "resourcemanager:ListFoldersForParent", &["*".to_owned()])?;
    let directory = administered(world, caller)?;
    exists(directory, parent)?;
    let below: Vec<_> = directory.folders.iter().filter(|(_, folder)| folder.parent == parent).collect();
    let start = (number as usize - 1).saturating_mul(size as usize);
    let page = below.iter().skip(start).take(size as usize);
    let page = page.map(|(id, _)| fields(directory, id).map(Value::Object)).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "TotalCount": below.len(), "PageNumber": number, "PageSize": size, "Folders": { "Folder": page } }))
}

fn fields(directory: &Directory, id: &str) -> Result<Map<String, Value>, Failure> {
    exists(directory, id)?;
    let name = directory.folders.get(id).map_or("root", |folder| &folder.name);
    let fields = [("FolderId", id), ("FolderName", name), ("CreateTime", "2024-01-01T00:00:00Z")];
    Ok(fields.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))).into_iter().collect())
}

pub(super) fn exists(directory: &Directory, id: &str) -> Result<(), Failure> {
    let exists = id == ROOT_FOLDER || directory.folders.contains_key(id);
    if exists { Ok(()) } else { Err(errors::folder_not_found()) }
}

pub(super) fn required<'p>(params: &'p Params, name: &str) -> Result<&'p str, Failure> {
    params.optional(name).filter(|id| !id.is_empty()).ok_or_else(|| errors::folder_id_missing(name))
}

/// The directory, the root, and every folder down to this one.
pub(super) fn path(directory: &Directory, id: &str) -> String {
    let parents = |id: &&str| directory.folders.get(*id).map(|folder| folder.parent.as_str());
    // INVARIANT: folders are seeded below folders that are there, so this ends; a circle would be cut here.
    let mut upwards: Vec<_> = std::iter::successors(Some(id), parents).take(directory.folders.len() + 1).collect();
    upwards.push(DIRECTORY_ID);
    upwards.reverse();
    upwards.join("/")
}
