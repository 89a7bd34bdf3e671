//! Where to listen, by what the environment says.

use std::net::{IpAddr, Ipv4Addr};

use super::Error;

pub(super) const DEFAULT_PORT: u16 = 9000;

const LISTEN_PORT: &str = "FC_CUSTOM_LISTEN_PORT";
const SERVER_PORT: &str = "FC_SERVER_PORT";
/// The platform reserves this prefix: nobody else sets such a variable.
const PLATFORM_PREFIX: &str = "FC_";

/// Who can reach the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// Only the platform, and through it everyone who may use a trigger.
    Platform,
    /// A person with `curl`, on the same machine.
    Workstation,
}

impl Site {
    pub(super) fn of(vars: &[(String, String)]) -> Self {
        let on_platform = vars.iter().any(|(name, _)| name.starts_with(PLATFORM_PREFIX));
        if on_platform { Self::Platform } else { Self::Workstation }
    }

    pub(super) fn ip(self) -> IpAddr {
        match self {
            Self::Platform => Ipv4Addr::UNSPECIFIED.into(),
            Self::Workstation => Ipv4Addr::LOCALHOST.into(),
        }
    }
}

/// `FC_CUSTOM_LISTEN_PORT` follows the function's property; images set `FC_SERVER_PORT` to a constant, so it comes second.
pub(super) fn port(vars: &[(String, String)]) -> Result<u16, Error> {
    let (listen, server) = (value(vars, LISTEN_PORT), value(vars, SERVER_PORT));
    if let (Some(listen), Some(server)) = (listen, server)
        && listen != server
    {
        tracing::warn!(listen, server, "{LISTEN_PORT} and {SERVER_PORT} disagree; the first counts");
    }
    let (variable, value) = match (listen, server) {
        (Some(listen), _) => (LISTEN_PORT, listen),
        (None, Some(server)) => (SERVER_PORT, server),
        (None, None) => return Ok(DEFAULT_PORT),
    };
    match value.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Error::Port { variable, value: value.chars().take(32).collect() }),
    }
}

fn value<'a>(vars: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let (_, value) = vars.iter().find(|(name, _)| name == wanted)?;
    let value = value.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_listen_port_comes_first_then_the_server_port_then_9000() {
        let port = |pairs: &[(&str, &str)]| port(&vars(pairs)).unwrap();
        assert_eq!(port(&[(SERVER_PORT, "9000"), (LISTEN_PORT, "81")]), 81);
        assert_eq!(port(&[(SERVER_PORT, "8080")]), 8080);
        assert_eq!(port(&[(SERVER_PORT, "8080"), (LISTEN_PORT, "")]), 8080);
        assert_eq!(port(&[]), 9000);
    }

    #[test]
    fn a_value_that_is_no_port_is_an_error_that_names_the_variable() {
        for variable in [LISTEN_PORT, SERVER_PORT] {
            for value in ["banana", "0", "65536", "-1", "80 81"] {
                let error = port(&vars(&[(variable, value)])).unwrap_err().to_string();
                assert!(error.contains(variable) && error.contains(value), "{error}");
            }
        }
    }

    #[test]
    fn a_bad_port_that_is_not_used_stops_nobody() {
        let vars = vars(&[(LISTEN_PORT, "81"), (SERVER_PORT, "banana")]);
        assert_eq!(port(&vars).unwrap(), 81);
    }

    #[test]
    fn any_variable_with_the_reserved_prefix_means_the_platform() {
        assert_eq!(Site::of(&vars(&[("HOME", "/root"), ("FC_X", "")])), Site::Platform);
        assert_eq!(Site::of(&vars(&[("HOME", "/root"), ("AFC_X", "1"), ("fc_x", "1")])), Site::Workstation);
        assert_eq!(Site::Platform.ip().to_string(), "0.0.0.0");
        assert_eq!(Site::Workstation.ip().to_string(), "127.0.0.1");
    }
}
