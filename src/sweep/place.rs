//! Where the next run starts: the accounts that this one did not reach, in a file of the journal folder.
//!
//! The file decides an order and nothing else, so one that cannot be read costs no more than a line in the log.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::apply::journal::file;
use crate::target::AccountId;

const NAME: &str = "sweep.json";
const SCHEMA: &str = "dts-role-guard/sweep/v1";

/// Some fifty thousand accounts.
const SIZE_LIMIT: usize = 1024 * 1024;

/// The file, if there is a folder.
#[derive(Debug)]
pub(super) struct Place(Option<PathBuf>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    schema: String,
    not_reached: Vec<AccountId>,
}

impl Place {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self(folder.map(|folder| folder.join(NAME)))
    }

    /// The accounts that the last run did not reach.
    pub(super) async fn read(&self) -> HashSet<AccountId> {
        let read = self.on_thread(|path| parse(&file::read(&path, SIZE_LIMIT)?)).await;
        read.unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(%error, "where the last run ended cannot be read: the order is another one");
            }
            HashSet::new()
        })
    }

    /// Keeps the accounts that were not reached.
    pub(super) async fn keep(&self, not_reached: Vec<AccountId>) {
        if let Err(error) = self.on_thread(move |path| write(&path, not_reached)).await {
            tracing::warn!(%error, "where this run ended cannot be kept");
        }
    }

    async fn on_thread<T: Send + Default + 'static>(
        &self,
        work: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let Some(path) = self.0.clone() else { return Ok(T::default()) };
        tokio::task::spawn_blocking(move || work(path)).await.map_err(io::Error::other)?
    }
}

fn parse(bytes: &[u8]) -> io::Result<HashSet<AccountId>> {
    let file: File = serde_json::from_slice(bytes)?;
    if file.schema != SCHEMA {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is of another version"));
    }
    Ok(file.not_reached.into_iter().collect())
}

fn write(path: &std::path::Path, not_reached: Vec<AccountId>) -> io::Result<()> {
    if not_reached.is_empty() {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    file::replace(path, &serde_json::to_vec(&File { schema: SCHEMA.to_owned(), not_reached })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_not_reached_is_kept_until_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(Some(folder.path().to_owned()));
        assert_eq!(place.read().await, HashSet::new());
        let ids: Vec<AccountId> = ["1234567890123456", "2234567890123456"].map(|id| id.parse().unwrap()).into();
        place.keep(ids.clone()).await;
        assert_eq!(place.read().await, ids.into_iter().collect());
        place.keep(Vec::new()).await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_trusted_only_changes_the_order() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(Some(folder.path().to_owned()));
        let id = "\"1234567890123456\"";
        for text in [
            "{".to_owned(),
            format!(r#"{{"schema":"other","notReached":[{id}]}}"#),
            format!(r#"{{"schema":"{SCHEMA}","notReached":[{id}],"more":1}}"#),
            format!(r#"{{"schema":"{SCHEMA}","notReached":["me"]}}"#),
            " ".repeat(SIZE_LIMIT + 1),
        ] {
            std::fs::write(folder.path().join(NAME), text).unwrap();
            assert_eq!(place.read().await, HashSet::new());
        }
    }
}
