//! One URL of the settings. It is a secret: anyone who has it can write into the chat.

use std::str::FromStr;

use aliyun::secret::{ExposeSecret, Secret};
use url::{Host, Url};

use super::digest;
use super::service::Service;

#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(super) service: Service,
    url: Secret,
    secret: Option<Secret>,
    /// Which one it is in the settings, from 1.
    pub(super) position: usize,
}

/// What is wrong with a URL of the settings. It shows nothing of the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHook {
    #[error("no URL; put commas between the URLs, and a secret behind its URL and a blank")]
    NoUrl,
    /// Anybody who listens on the way would have the URL.
    #[error("not `https` (plain `http` is for loopback alone)")]
    NotSafe,
    #[error("a prefix that is none of `dingtalk+`, `feishu+`, `wecom+`, `slack+`, `webhook+`")]
    Prefix,
}

/// The URLs of a setting. Those that are right are there even if others are wrong: a mistake in the settings is a notice too.
pub(crate) fn hooks(text: &str) -> (Vec<Hook>, Vec<(usize, BadHook)>) {
    let (mut hooks, mut mistakes) = (Vec::new(), Vec::new());
    for (entry, position) in text.split(',').zip(1..) {
        match Hook::parse(entry, position) {
            Ok(hook) => hooks.push(hook),
            Err(mistake) => mistakes.push((position, mistake)),
        }
    }
    (hooks, mistakes)
}

impl Hook {
    fn parse(entry: &str, position: usize) -> Result<Self, BadHook> {
        let mut words = entry.split_whitespace();
        let text = words.next().ok_or(BadHook::NoUrl)?;
        let secret = words.next().map(Secret::from);
        if words.next().is_some() {
            return Err(BadHook::NoUrl);
        }
        let (scheme, _) = text.split_once("://").ok_or(BadHook::NoUrl)?;
        let (prefix, bare) = match scheme.split_once('+') {
            Some((prefix, _)) => (Some(prefix), text.get(prefix.len() + 1..).unwrap_or_default()),
            None => (None, text),
        };
        let url = Url::from_str(bare).map_err(|_| BadHook::NoUrl)?;
        let service = match prefix {
            Some(prefix) => Service::by_prefix(prefix).ok_or(BadHook::Prefix)?,
            None => Service::by_host(url.host_str()),
        };
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && (url.scheme() != "http" || !is_loopback) {
            return Err(BadHook::NotSafe);
        }
        Ok(Self { service, url: Secret::from(String::from(url)), secret, position })
    }

    pub(super) fn secret(&self) -> Option<&str> {
        self.secret.as_ref().map(ExposeSecret::expose_secret)
    }

    pub(super) fn url(&self) -> &str {
        self.url.expose_secret()
    }

    pub(super) fn id(&self) -> String {
        digest(self.url())
    }

    /// Whether a text quotes the URL or the secret: any part of it that is long enough to be one.
    pub(super) fn is_quoted_in(&self, text: &str) -> bool {
        let is_long = |part: &&str| part.len() >= 6;
        let url = Url::from_str(self.url()).ok();
        let behind_host = url.as_ref().map_or("", |url| &url[url::Position::BeforePath..]);
        let parts = behind_host.split(['/', '?', '&', '=', '#']).filter(is_long);
        self.secret().into_iter().chain(parts).any(|part| text.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        hooks(text).0.iter().map(|hook| hook.service.name()).collect()
    }

    #[test]
    fn the_host_or_a_prefix_says_which_service() {
        let text = "https://oapi.dingtalk.com/robot/send?access_token=t SECx, https://open.feishu.cn/open-apis/bot/v2/hook/t,\
             https://open.larksuite.com/x,https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k,\
             https://hooks.slack.com/services/T/B/x,https://relay.example/x,dingtalk+http://127.0.0.1:1/x,\
             feishu+http://localhost/x,wecom+http://[::1]/x,slack+https://relay.example/y,webhook+https://hooks.slack.com/z";
        let (found, mistakes) = hooks(text);
        assert_eq!(mistakes, []);
        let expected = ["DingTalk", "Feishu", "Feishu", "WeCom", "Slack", "webhook"];
        assert_eq!(names(text), [&expected[..], &["DingTalk", "Feishu", "WeCom", "Slack", "webhook"]].concat());
        assert_eq!((found[0].secret(), found[1].secret()), (Some("SECx"), None));
    }

    #[test]
    fn what_could_give_the_url_away_is_a_mistake_and_is_not_shown() {
        for (text, mistake) in [
            ("", BadHook::NoUrl),
            ("hunter2", BadHook::NoUrl),
            ("https://a.example/x secret more", BadHook::NoUrl),
            ("https://", BadHook::NoUrl),
            ("http://a.example/hunter2", BadHook::NotSafe),
            ("webhook+http://10.0.0.1/x", BadHook::NotSafe),
            ("ftp://a.example/x", BadHook::NotSafe),
            ("teams+https://a.example/x", BadHook::Prefix),
            ("+https://a.example/x", BadHook::Prefix),
        ] {
            let (found, mistakes) = hooks(text);
            assert!(found.is_empty(), "{text}");
            assert_eq!(mistakes, [(1, mistake)], "{text}");
            assert!(!mistake.to_string().contains("hunter2"));
        }
        let (right, wrong) = hooks("https://a.example/x,,https://b.example/y");
        assert_eq!((right[1].position, wrong[0].0), (3, 2));
    }

    #[test]
    fn neither_the_url_nor_the_secret_is_shown() {
        let hook = &hooks("https://a.example/robot?access_token=hunter2token hunter2secret").0[0];
        assert!(!format!("{hook:?} {}", hook.id()).contains("hunter2"));
        assert!(hook.is_quoted_in("no such token: hunter2token") && hook.is_quoted_in("hunter2secret"));
        assert!(!hook.is_quoted_in("invalid timestamp"));
    }
}
