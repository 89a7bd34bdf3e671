//! Where the APIs are. An endpoint receives the security token, so only the vendor's hosts and this machine are accepted.

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
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port, for people.
    pub fn address(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or(443);
        format!("{}:{port}", self.url.host_str().unwrap_or_default())
    }

    /// The host with its port, as the header `Host` carries it.
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
    pub fn of(&self, api: Api) -> &Endpoint {
        match api {
            Api::Ram => &self.ram,
            Api::Sts => &self.sts,
            Api::ResourceManager => &self.resource_manager,
        }
    }
}

/// The text is not an endpoint of this product, or must not receive a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`https://` and a host of the product, such as `{product}.aliyuncs.com` or `{product}-vpc.cn-hangzhou.aliyuncs.com`, or a \
     loopback address with `http://` or `https://`; no user name, path or query"
)]
pub struct BadEndpoint {
    product: &'static str,
    /// What may be shown of it: whatever else it holds may be a secret.
    pub shown: String,
}

impl Endpoint {
    /// The endpoint of an API.
    ///
    /// # Errors
    /// A place that must not get a token.
    pub fn parse(api: Api, text: &str) -> Result<Self, BadEndpoint> {
        let product = api.product();
        let bad = || BadEndpoint { product, shown: shown(text) };
        let url = Url::parse(text).map_err(|_| bad())?;
        let is_trusted = match url.scheme() {
            "https" => is_vendor(&url, product) || is_loopback(&url),
            "http" => is_loopback(&url),
            _ => false,
        };
        let host = url.host_str().filter(|_| is_bare(&url) && is_trusted).ok_or_else(bad)?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { url, host })
    }

    /// Stands in for one that could not be read; with a mistake in the settings no request is sent.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a constant that the tests parse")]
    pub fn nowhere() -> Self {
        Self::parse(Api::Ram, "https://localhost").expect("a loopback endpoint")
    }
}

fn is_bare(url: &Url) -> bool {
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    plain && url.username().is_empty() && url.password().is_none()
}

/// Scheme, host and port, or a text that could be a host.
fn shown(text: &str) -> String {
    let is_plain = |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-".contains(letter));
    match Url::parse(text) {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
            (Some(host), None) => format!("{}://{host}", url.scheme()),
            (None, _) => "no URL with a host".to_owned(),
        },
        Err(_) if is_plain(text) => text.to_owned(),
        Err(_) => "no URL".to_owned(),
    }
}

/// Customers choose names below `aliyuncs.com` too, such as `BUCKET.oss-cn-hangzhou.aliyuncs.com`. So the first label must be
/// the product's, and at most a region may follow.
fn is_vendor(url: &Url, product: &str) -> bool {
    let Some(Host::Domain(name)) = url.host() else { return false };
    let Some(labels) = name.strip_suffix(".aliyuncs.com") else { return false };
    let (first, region) = labels.split_once('.').map_or((labels, None), |(first, region)| (first, Some(region)));
    let is_kind = |kind: &str| kind.is_empty() || kind.strip_prefix('-').is_some_and(|kind| is_word(kind, 2..=16));
    let is_product = first.strip_prefix(product).is_some_and(is_kind);
    is_product && region.is_none_or(is_region)
}

/// Such as `cn-hangzhou`, `ap-southeast-1`, `cn-shanghai-finance-1`.
fn is_region(label: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let parts = label.split_once('-');
    parts.is_some_and(|(continent, rest)| is_word(continent, 2..=2) && rest.split('-').all(is_part))
}

fn is_word(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
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

    #[test]
    fn a_host_that_a_customer_may_choose_gets_no_token() {
        let parse = |text: &str| Endpoint::parse(Api::Sts, text);
        for good in [
            "https://sts.aliyuncs.com",
            "https://STS.aliyuncs.com:443",
            "https://sts.cn-hangzhou.aliyuncs.com",
            "https://sts-vpc.ap-southeast-1.aliyuncs.com",
            "https://sts-intl.aliyuncs.com",
            "https://sts.cn-shanghai-finance-1.aliyuncs.com",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "https://aliyuncs.com",
            "https://ram.aliyuncs.com",
            "https://stsx.aliyuncs.com",
            "https://sts-.aliyuncs.com",
            "https://evil.aliyuncs.com",
            "https://evil.sts.aliyuncs.com",
            "https://sts.oss-cn-hangzhou.aliyuncs.com",
            "https://sts-vpc.oss-cn-hangzhou.aliyuncs.com",
            "https://sts.evil.aliyuncs.com",
            "https://sts.cn-hangzhou.fc.aliyuncs.com",
            "https://sts.cn-hangzhou.oss.aliyuncs.com",
            "https://sts.aliyuncs.com.",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_shown_that_may_be_a_secret() {
        for (text, shown) in [
            ("https://me:hunter2@ram.aliyuncs.com/hunter2?hunter2=1#hunter2", "https://ram.aliyuncs.com"),
            ("http://10.0.0.1:80/hunter2", "http://10.0.0.1"),
            ("https://evil.example:8443", "https://evil.example:8443"),
            ("me:hunter2@ram.aliyuncs.com", "no URL with a host"),
            ("ram.aliyuncs.com", "ram.aliyuncs.com"),
            ("ram.aliyuncs.com/hunter2", "no URL"),
            ("https://", "no URL"),
        ] {
            assert_eq!(Endpoint::parse(Api::Ram, text).unwrap_err().shown, shown, "{text}");
        }
    }
}
