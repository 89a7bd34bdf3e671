//! A folder that nobody named. The guard makes it when it first writes there, and uses it only while it is the user's own
//! and nobody else may: what lies in it was written by this program.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

const MODE: u32 = 0o700;
const OTHERS: u32 = 0o077;

/// Makes it if it is absent.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    if is_there(folder)? {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(MODE).create(folder)?;
    is_there(folder).map(|_| ())
}

/// Whether it is there; an error if it is not ours. A folder such as `/tmp` is everybody's: another user may have put one
/// of this name there, or a link. Once it is known to be ours, `/tmp` itself keeps others from exchanging it.
pub(super) fn is_there(folder: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let trouble = if !found.is_dir() {
        "is no folder"
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if found.mode() & OTHERS != 0 {
        "may be used by others (its mode must be 0700)"
    } else {
        return Ok(true);
    };
    Err(io::Error::new(ErrorKind::PermissionDenied, format!("`{}` {trouble}", folder.display())))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn it_is_made_for_its_user_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("state/dts-role-guard");
        assert!(!is_there(&folder).unwrap());
        for _ in 0..2 {
            make(&folder).unwrap();
            assert!(is_there(&folder).unwrap());
        }
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, MODE);
    }

    #[test]
    fn what_others_may_have_made_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        make(&path("ours")).unwrap();
        symlink(path("ours"), path("link")).unwrap();
        symlink(path("absent"), path("dangling")).unwrap();
        fs::write(path("file"), "").unwrap();
        for (name, mode) in [("for-the-group", 0o770), ("readable", 0o755)] {
            make(&path(name)).unwrap();
            fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
        }
        for name in ["link", "dangling", "file", "for-the-group", "readable"] {
            assert!(is_there(&path(name)).is_err() && make(&path(name)).is_err(), "{name}");
        }
        assert!(!path("absent").exists());
    }

    /// Root's, wherever the tests run as somebody else.
    #[test]
    fn what_belongs_to_another_user_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("theirs");
        make(&folder).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        let theirs = if is_root {
            std::os::unix::fs::chown(&folder, Some(12345), None).map(|()| folder).unwrap()
        } else {
            "/root".into()
        };
        assert!(is_there(&theirs).unwrap_err().to_string().contains("another user"));
    }
}
