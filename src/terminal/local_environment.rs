//! What the machine of a person adds: profiles of the vendor's CLI, a proxy, its own root certificates.
//!
//! A function takes none of it, and neither does a command where an `FC_*` variable is set: the keys of a function are those of
//! its role, and no variable redirects its calls.

use std::path::Path;
use std::sync::Arc;

use aliyun::credentials::{Error, Host, ProfileChoice, ProfileError, ProfileKeys, RawCredentials, Source};
use aliyun::secret::Zeroizing;
use aliyun::{BadNetwork, Http, Network};
use authorization::text::sanitized;

use super::exit::CommandError;
use crate::config::{self, Variables, on_platform};
use crate::handler::{Abort, App};
use crate::journal::disk;

const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// A profile takes some 500 bytes, a system's bundle of roots some 220 KB.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;

/// The app with the keys and the network that the machine's variables and files name.
/// Missing keys are an error of what needs them.
pub(super) fn apply(app: App, variables: &Variables, profile: Option<&str>) -> Result<App, CommandError> {
    if on_platform(variables) {
        return if profile.is_some() { Err(CommandError::ProfileOfFunction) } else { Ok(app) };
    }
    let app = match network(variables).map_err(Abort::from)? {
        Some(network) => {
            let http = Http::through(crate::USER_AGENT, network, app.clock().clone()).map_err(Abort::Tls)?;
            app.wired(|wiring| wiring.http = Arc::new(http).into())
        }
        None => app,
    };
    let found = RawCredentials::in_environment(|name| variables.get(name).cloned());
    // A part of them is an error, which a profile does not make good.
    if matches!(found.complete(Source::Environment, Host::Terminal), Ok(None)) {
        return Ok(app.wired(|wiring| wiring.profile = Some(profile_keys(variables, profile))));
    }
    if let Some(profile) = profile {
        let profile = sanitized(profile);
        tracing::warn!(
            profile,
            "`--profile` is not looked at: the variables `ALIBABA_CLOUD_*` hold keys and come first"
        );
    }
    Ok(app)
}

fn profile_keys(variables: &Variables, argument: Option<&str>) -> Result<ProfileKeys, Error> {
    // A relative path is not a home.
    let home = value(variables, "HOME").map(Path::new).filter(|home| home.is_absolute());
    let no_home =
        "the profiles of the vendor's CLI (`~/.aliyun/config.json`) cannot be looked for, since `HOME` names no folder";
    let path = home.ok_or_else(|| Error::Profile(no_home.to_owned()))?.join(".aliyun/config.json");
    let wanted = match (argument, value(variables, "ALIBABA_CLOUD_PROFILE")) {
        (Some(name), _) => ProfileChoice::Argument(name),
        (None, Some(name)) => ProfileChoice::Variable(name),
        (None, None) => ProfileChoice::Current,
    };
    let bytes = disk::read_through(&path, SIZE_LIMIT).map(Zeroizing::new).map_err(ProfileError::from);
    let keys = bytes.and_then(|bytes| ProfileKeys::read(&bytes, wanted));
    let file = sanitized(&path.to_string_lossy());
    keys.map_err(|why| Error::Profile(format!("`{file}`, where the vendor's CLI keeps its profiles, {why}")))
}

/// None where nothing is set.
fn network(variables: &Variables) -> Result<Option<Network>, BadNetwork> {
    let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, value(variables, name)?)));
    let (proxy, roots) = (first(["HTTPS_PROXY", "https_proxy"]), value(variables, SSL_CERT_FILE));
    if proxy.is_none() && roots.is_none() {
        return Ok(None);
    }
    let mut network = Network::default();
    if let Some((variable, url)) = proxy {
        let direct = first(["NO_PROXY", "no_proxy"]).map_or("", |(_, hosts)| hosts);
        network = network.through(variable, url, direct)?;
    }
    if let Some(path) = roots {
        let pem = disk::read_through(Path::new(path), SIZE_LIMIT)
            .map_err(|error| BadNetwork::roots(SSL_CERT_FILE, path, &format!("cannot be read: {error}")))?;
        network = network.trusting(SSL_CERT_FILE, path, &pem)?;
    }
    Ok(Some(network))
}

/// A blank one counts as unset, too.
fn value<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    config::value(variables, name).filter(|value| !value.trim().is_empty())
}
