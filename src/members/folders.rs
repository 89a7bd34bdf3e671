//! Which members a run is about, by their folder in the resource directory.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use aliyun::{DirectoryLocation, Error, Session};
use tokio::sync::Mutex;

/// The id of a folder, the directory's root included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderId(String);

/// The text is no id of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ids of folders with commas between them, as in `fd-bVaRIG****`")]
pub struct BadFolderId;

/// The settings about folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderRules {
    /// Only members in or below these; of every folder, if there are none.
    pub only: BTreeSet<FolderId>,
    /// No member in or below these.
    pub excluded: BTreeSet<FolderId>,
}

/// What a member is to the folders of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The run is about it.
    Inside,
    /// It is in or below none of the folders that the run is about.
    Outside,
    /// It is in or below this folder, which is left alone.
    Excluded(FolderId),
}

/// The folders of one run.
#[derive(Debug)]
pub struct Folders<'a> {
    rules: &'a FolderRules,
    session: &'a Session,
    /// Each folder with those above it, as far as they had to be asked for.
    known: Mutex<HashMap<String, BTreeSet<FolderId>>>,
}

/// Folders are at most five deep (source: the vendor's limits of a resource directory); more is a circle.
const DEEPEST: usize = 20;

impl FolderId {
    /// As the directory writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FolderId {
    type Err = BadFolderId;

    fn from_str(text: &str) -> Result<Self, BadFolderId> {
        let name = text.strip_prefix("fd-").or_else(|| text.strip_prefix("r-")).ok_or(BadFolderId)?;
        let is_one = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_one { Ok(Self(text.to_owned())) } else { Err(BadFolderId) }
    }
}

impl fmt::Display for FolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'a> Folders<'a> {
    /// Asks for nothing yet.
    pub fn new(rules: &'a FolderRules, session: &'a Session) -> Self {
        Self { rules, session, known: Mutex::default() }
    }

    /// Whether there are rules about folders at all.
    pub fn are_some(&self) -> bool {
        *self.rules != FolderRules::default()
    }

    /// Whether an account can be left alone for its folder.
    pub fn exclude(&self) -> bool {
        !self.rules.excluded.is_empty()
    }

    /// Whether every folder of the settings exists. A slip of the pen in one leaves other accounts unprotected, or means none.
    ///
    /// # Errors
    /// The first that does not, or could not be asked for, and why.
    pub async fn check(&self) -> Result<(), (FolderId, Error)> {
        for folder in self.rules.only.union(&self.rules.excluded) {
            self.session.get_folder(folder.as_str()).await.map_err(|error| (folder.clone(), error))?;
        }
        Ok(())
    }

    /// What a member is to the folders.
    ///
    /// # Errors
    /// If it could not be found out which folders it is below.
    pub async fn standing(&self, member: &DirectoryLocation) -> Result<Standing, Error> {
        if !self.are_some() {
            return Ok(Standing::Inside);
        }
        let above = self.above(member).await?;
        let FolderRules { only, excluded } = self.rules;
        Ok(match excluded.intersection(&above).next() {
            Some(folder) => Standing::Excluded(folder.clone()),
            None if only.is_empty() || !only.is_disjoint(&above) => Standing::Inside,
            None => Standing::Outside,
        })
    }

    /// The folder of a member, and those above it: its path says it, or each of them is asked for the one above it. Members of
    /// one folder are asked for once.
    async fn above(&self, member: &DirectoryLocation) -> Result<BTreeSet<FolderId>, Error> {
        let Some(folder) = &member.folder else {
            return Err(Error::unreadable("ListAccounts", "the reply does not say in which folder the member is"));
        };
        if let Some(above) = member.path.as_deref().and_then(|path| on_path(path, folder)) {
            return Ok(above);
        }
        let mut known = self.known.lock().await;
        if let Some(above) = known.get(folder) {
            return Ok(above.clone());
        }
        let (mut above, mut next) = (BTreeSet::new(), Some(folder.clone()));
        for _ in 0..DEEPEST {
            let Some(id) = next else {
                known.insert(folder.clone(), above.clone());
                return Ok(above);
            };
            above.extend(id.parse());
            // Nothing is above the root.
            next = if id.starts_with("r-") { None } else { self.session.get_folder(&id).await? };
        }
        Err(Error::unreadable("GetFolder", "the folders above each other make a circle"))
    }
}

/// The folders of a path such as `rd-3G/r-Wm/fd-Jy`, if the member's own is one of them.
fn on_path(path: &str, folder: &str) -> Option<BTreeSet<FolderId>> {
    let has_own = path.split('/').any(|part| part == folder);
    has_own.then(|| path.split('/').filter_map(|part| part.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_of_a_folder_or_of_the_root() {
        for good in ["fd-bVaRIG", "fd-000000001", "r-Wm3Gwe"] {
            assert_eq!(good.parse::<FolderId>().unwrap().as_str(), good);
        }
        for bad in ["", "fd-", "rd-3Ge", "fd-a/b", "fd-a b", "Production", "1234567890123456", "fd-\u{e9}"] {
            assert_eq!(bad.parse::<FolderId>(), Err(BadFolderId), "{bad}");
        }
    }

    #[test]
    fn a_path_counts_only_if_it_leads_to_the_members_own_folder() {
        let folders: Vec<_> = on_path("rd-1/r-1/fd-1/fd-2/2234567890123456", "fd-2").unwrap().into_iter().collect();
        assert_eq!(folders.iter().map(FolderId::as_str).collect::<Vec<_>>(), ["fd-1", "fd-2", "r-1"]);
        assert_eq!(on_path("rd-1/r-1/fd-1", "fd-2"), None);
    }
}
