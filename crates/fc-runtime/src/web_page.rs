//! Who may ask on a workstation: a program of the same machine, but no web page.
//!
//! Any web page can make a browser send a request to loopback. Browsers name the page in `origin` or tell the relation in
//! `sec-fetch-site`. A page whose name was made to point at loopback after it was loaded counts as the same origin; but
//! then its own name is the `host`. Other programs send none of these, and a `host` that is loopback.

use std::net::IpAddr;

use http::{
    StatusCode,
    header::{HOST, ORIGIN},
    request::Parts,
    uri::Authority,
};

use super::answer::Failure;

/// The answer to a request that may be that of a web page.
pub(super) fn refusal(request: &Parts) -> Option<Failure> {
    let hosts = request.headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or("?"));
    let mut hosts = hosts.chain(request.uri.authority().map(Authority::as_str));
    if hosts.any(|host| !host.is_empty() && !is_loopback(host)) {
        let why = "on a workstation the `host` of a request must be `localhost` or a loopback address";
        return Some(Failure::new(StatusCode::FORBIDDEN, "HostRefused", why));
    }
    let mut sites = request.headers.get_all("sec-fetch-site").iter();
    let is_foreign = sites.any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    (is_foreign || request.headers.contains_key(ORIGIN)).then(|| {
        let why = "a web page may ask for nothing: send the request without the headers `origin` and `sec-fetch-site`";
        Failure::new(StatusCode::FORBIDDEN, "WebPageRefused", why)
    })
}

/// Whether a host, with a port or without one, is this machine whatever the name service says.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_plain = !host.contains('@');
    is_plain && (name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.to_canonical().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_a_name_or_an_address_of_this_machine() {
        for host in ["localhost", "LOCALHOST:9000", "127.0.0.1", "127.0.0.1:9000", "127.9.9.9:1", "[::1]", "[::1]:9000"]
        {
            assert!(is_loopback(host), "{host}");
        }
    }

    #[test]
    fn every_other_host_is_foreign() {
        for host in [
            "example.com",
            "localhost.example.com",
            "localhost.",
            "127.0.0.1.example.com",
            "127.1",
            "0.0.0.0",
            "192.168.0.1:9000",
            "localhost@example.com",
            "example.com@localhost",
            "[::2]",
            "localhost:port:2",
            "a b",
            "?",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
