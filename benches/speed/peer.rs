//! The same job as people write it today: a Python function with the vendor's SDK.

use std::path::PathBuf;
use std::process::Command;

use testkit::platform::Failure;

/// Installs it if need be; gives the folder of its package.
pub(crate) fn install() -> Result<PathBuf, Failure> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer/install");
    let output = Command::new("sh").arg(script).output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(
            format!("the peer cannot be installed (it takes Python 3 with venv and a package index): {why}").into()
        );
    }
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
