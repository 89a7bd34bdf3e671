//! The way out on a terminal, where a proxy may stand between, and roots of one's own be needed. A function has neither.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use authorization::text::sanitized;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::NoProxy;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use super::transport::BoxError;

/// A proxy and roots, where there are some.
#[derive(Debug, Default)]
pub struct Network {
    proxy: Option<Proxy>,
    roots: Option<Roots>,
}

/// No derived `Debug`: the URL may hold a password.
pub(super) struct Proxy {
    variable: &'static str,
    url: Url,
    /// `NO_PROXY`.
    direct: String,
    /// As reqwest decides it.
    matcher: Matcher,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("variable", &self.variable).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Roots {
    variable: &'static str,
    store: RootCertStore,
}

/// A variable that names no usable proxy or roots. What it holds is not shown: that may be a password.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadNetwork(String);

impl BadNetwork {
    /// The file that `variable` names cannot be used; `why` continues the sentence.
    pub fn roots(variable: &str, file: &str, why: &str) -> Self {
        Self(format!("`{variable}` names `{}`, which {why}", sanitized(file)))
    }
}

impl Network {
    /// `https` goes through this proxy, but not to the hosts of `no_proxy`: names, with all below them, and addresses, with
    /// commas between them. Errors name `variable` where the proxy is in the way.
    ///
    /// # Errors
    /// When the text is not the URL of a proxy that speaks HTTP.
    pub fn through(self, variable: &'static str, text: &str, no_proxy: &str) -> Result<Self, BadNetwork> {
        let text = text.trim();
        // The host alone is enough for most programs.
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).ok().filter(Url::has_host).ok_or_else(|| {
            BadNetwork(format!("`{variable}` is not the URL of a proxy, such as `http://proxy.example:3128`"))
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = sanitized(url.scheme());
            let why = "and only `http` and `https` are supported";
            return Err(BadNetwork(format!("`{variable}` names a proxy of the kind `{scheme}`, {why}")));
        }
        let matcher = Matcher::builder().https(url.as_str()).no(no_proxy).build();
        Ok(Self { proxy: Some(Proxy { variable, url, direct: no_proxy.to_owned(), matcher }), ..self })
    }

    /// Certificates are checked against these roots and no others. `variable` names the file; errors name it where a
    /// certificate is refused.
    ///
    /// # Errors
    /// When there is no certificate in it, or one that is damaged.
    pub fn trusting(self, variable: &'static str, file: &str, pem: &[u8]) -> Result<Self, BadNetwork> {
        let bad = |why| BadNetwork::roots(variable, file, why);
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| bad("holds a damaged certificate"))?;
        if found.is_empty() {
            return Err(bad("holds no certificate in PEM form"));
        }
        let mut store = RootCertStore::empty();
        // A system's bundle may hold some of a kind that this program cannot read; those are not trusted then.
        store.add_parsable_certificates(found);
        if store.is_empty() {
            return Err(bad("holds no certificate that can be a root"));
        }
        Ok(self.with_roots(variable, store))
    }

    /// The same with roots that were read already.
    #[must_use]
    pub fn with_roots(self, variable: &'static str, store: RootCertStore) -> Self {
        Self { roots: Some(Roots { variable, store }), ..self }
    }

    pub(super) fn roots(&self) -> Option<&RootCertStore> {
        self.roots.as_ref().map(|roots| &roots.store)
    }

    pub(super) fn proxy(&self) -> reqwest::Result<Option<reqwest::Proxy>> {
        let Some(proxy) = &self.proxy else { return Ok(None) };
        let excluded = NoProxy::from_string(&proxy.direct);
        Ok(Some(reqwest::Proxy::https(proxy.url.as_str())?.no_proxy(excluded)))
    }

    /// The proxy, if this goes through it.
    pub(super) fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        let uri = url.as_str().parse().ok()?;
        self.proxy.as_ref().filter(|proxy| proxy.matcher.intercept(&uri).is_some())
    }

    /// The same error, and before it the variables that have to do with it.
    pub(super) fn explain(&self, url: &Url, error: BoxError) -> BoxError {
        let proxy = self.proxy_for(url);
        let proxy = proxy.map(|Proxy { variable, url, .. }| {
            let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
            format!("through the proxy `{host}:{port}` of `{variable}`")
        });
        let roots =
            self.roots.as_ref().filter(|_| matches!(tls_error(&*error), Some(rustls::Error::InvalidCertificate(_))));
        let roots = roots.map(|roots| format!("with the roots of `{}` alone", roots.variable));
        let notes: Vec<_> = proxy.into_iter().chain(roots).collect();
        if notes.is_empty() { error } else { Box::new(Explained { notes: notes.join(", "), source: error }) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{notes}")]
struct Explained {
    notes: String,
    source: BoxError,
}

/// The TLS error below an error. An I/O error shows what it wraps, but does not count it among its sources.
pub(super) fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    let below = match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as _),
        None => error.source(),
    };
    below.and_then(tls_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(text: &str, no_proxy: &str) -> Result<Network, BadNetwork> {
        Network::default().through("HTTPS_PROXY", text, no_proxy)
    }

    fn note(network: &Network, url: &str) -> Option<String> {
        let explained = network.explain(&url.parse().unwrap(), "refused".into());
        let text = explained.to_string();
        (text != "refused").then_some(text)
    }

    #[test]
    fn a_proxy_is_for_https_and_named_where_it_is_in_the_way() {
        let network = proxied("http://me:hunter2@proxy.example:3128/x", "sts.aliyuncs.com, 127.0.0.1").unwrap();
        let said = note(&network, "https://ram.aliyuncs.com/").unwrap();
        assert_eq!(said, "through the proxy `proxy.example:3128` of `HTTPS_PROXY`");
        for direct in ["https://sts.aliyuncs.com/", "https://127.0.0.1:8443/", "http://ram.aliyuncs.com/"] {
            assert_eq!(note(&network, direct), None, "{direct}");
        }
        assert!(!format!("{network:?}").contains("hunter2"));
    }

    #[test]
    fn a_proxy_needs_no_scheme_but_a_host() {
        for good in
            ["proxy.example", "proxy.example:3128", "https://proxy.example", "http://[::1]:1", " http://p.example\n"]
        {
            assert!(proxied(good, "").is_ok(), "{good}");
        }
        for bad in ["http://", "hunter2 hunter2", "socks5://hunter2.example", "file:///hunter2", ":3128"] {
            let text = proxied(bad, "").unwrap_err().to_string();
            assert!(text.contains("`HTTPS_PROXY`") && !text.contains("hunter2"), "{bad}: {text}");
        }
    }

    #[test]
    fn a_file_without_roots_is_a_mistake() {
        let damaged = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        let no_root = "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n";
        for (pem, words) in [
            ("", "no certificate in PEM form"),
            ("hunter2", "no certificate in PEM"),
            (damaged, "damaged"),
            (no_root, "can be a root"),
        ] {
            let bad = Network::default().trusting("SSL_CERT_FILE", "/x/\u{1b}.pem", pem.as_bytes()).unwrap_err();
            let text = bad.to_string();
            assert!(text.starts_with(r"`SSL_CERT_FILE` names `/x/\u{1b}.pem`, which holds "), "{text}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn a_refused_certificate_names_the_roots() {
        let network = Network::default().with_roots("SSL_CERT_FILE", RootCertStore::empty());
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let below = io::Error::other(io::Error::other(refused));
        let url = "https://ram.aliyuncs.com/".parse().unwrap();
        let said = authorization::text::chain(&*network.explain(&url, below.into()));
        assert!(said.starts_with("with the roots of `SSL_CERT_FILE` alone: invalid peer certificate"), "{said}");
        assert_eq!(note(&network, "https://ram.aliyuncs.com/"), None, "another error has nothing to do with them");
    }
}
