//! Where the APIs are. An endpoint receives the security token, so only the vendor's hosts and this machine are accepted.

use std::str::FromStr;

use url::{Host, Url};

use super::Api;

/// Where an API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    host: String,
}

impl Endpoint {
    /// The address that requests are posted to.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port, for people.
    #[must_use]
    pub fn address(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or(443);
        format!("{}:{port}", self.url.host_str().unwrap_or_default())
    }

    /// The host with its port, as the header `Host` carries it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// Where the APIs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// RAM's.
    pub ram: Endpoint,
    /// That of STS.
    pub sts: Endpoint,
    /// That of Resource Manager.
    pub resource_manager: Endpoint,
}

impl Endpoints {
    /// The endpoint of an API.
    #[must_use]
    pub fn of(&self, api: Api) -> &Endpoint {
        match api {
            Api::Ram => &self.ram,
            Api::Sts => &self.sts,
            Api::ResourceManager => &self.resource_manager,
        }
    }
}

/// The text is no endpoint that may receive a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`https://` and a host below `aliyuncs.com`, or a loopback address with `http://` or `https://`")]
pub struct BadEndpoint;

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let url = Url::parse(text).map_err(|_| BadEndpoint)?;
        let host = url.host_str().filter(|_| is_bare(&url) && is_trusted(&url)).ok_or(BadEndpoint)?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { url, host })
    }
}

impl Endpoint {
    /// Stands in for one that could not be read; with a mistake in the settings no request is sent.
    #[expect(clippy::expect_used, reason = "a constant that the tests parse")]
    pub(crate) fn nowhere() -> Self {
        "https://localhost".parse().expect("a loopback endpoint")
    }
}

fn is_bare(url: &Url) -> bool {
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    plain && url.username().is_empty() && url.password().is_none()
}

fn is_trusted(url: &Url) -> bool {
    match url.scheme() {
        "https" => is_vendor(url) || is_loopback(url),
        "http" => is_loopback(url),
        _ => false,
    }
}

fn is_vendor(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Domain(name)) if name.ends_with(".aliyuncs.com"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nowhere_is_an_endpoint() {
        assert_eq!(Endpoint::nowhere().host(), "localhost");
    }
}
