//! A proxy on the way out, and roots of one's own: on a terminal, and nowhere else.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulator::{Emulator, Role, World};
use serde_json::Value;

use testkit::{ACCOUNT, Folder, Guard, KEYS, Lab, key};

use super::outcome;
use super::proxy::Proxy;

/// The emulator over TLS, and its root in a file.
struct Cloud {
    lab: Lab,
    folder: Folder,
}

impl Cloud {
    fn new() -> Self {
        let world = World::new().key(key()).account(ACCOUNT, |account| account.role(Role::dts()));
        let lab = Lab::around(Emulator::start_tls(world).unwrap());
        let (folder, certificate) = (Folder::new(), lab.emulator.certificate().unwrap());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate));
        fs::write(folder.path().join("root.pem"), pem).unwrap();
        Self { lab, folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// `localhost:PORT`.
    fn host(&self) -> String {
        self.lab.emulator.url().trim_start_matches("https://").to_owned()
    }

    fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = super::command(&self.lab, &["verify"]);
        command.env("SSL_CERT_FILE", self.root()).envs(variables.iter().copied());
        command
    }

    fn verify(&self, variables: &[(&str, &str)]) -> (i32, Value, String) {
        outcome(&self.command(variables).output().unwrap())
    }
}

fn message(report: &Value) -> &str {
    report["accounts"][0]["error"]["message"].as_str().unwrap_or_else(|| panic!("{report:#}"))
}

#[test]
fn https_goes_through_the_proxy_in_a_tunnel() {
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let (cloud, proxy) = (Cloud::new(), Proxy::open());
        let (code, report, said) = cloud.verify(&[(name, &proxy.url())]);
        assert_eq!((code, &report["status"]), (0, &"authorized".into()), "{name}: {said} {report:#}");
        let heads = proxy.heads();
        let asked = format!("CONNECT {} HTTP/1.1\r\n", cloud.host());
        assert!(!heads.is_empty() && heads.iter().all(|head| head.starts_with(&asked)), "{heads:?}");
        assert!(heads.iter().all(|head| KEYS.iter().all(|(_, key)| !head.contains(key))), "{heads:?}");
    }
}

#[test]
fn no_proxy_names_what_is_reached_directly() {
    for (name, value, is_direct) in
        [("NO_PROXY", "example.com, localhost", true), ("no_proxy", "*", true), ("NO_PROXY", "example.com", false)]
    {
        let (cloud, proxy) = (Cloud::new(), Proxy::open());
        let (code, _, said) = cloud.verify(&[("HTTPS_PROXY", &proxy.url()), (name, value)]);
        assert_eq!((code, proxy.heads().is_empty()), (0, is_direct), "{name}={value}: {said}");
    }
}

/// Plain HTTP is for loopback only.
#[test]
fn other_variables_and_plain_http_have_no_proxy() {
    let (lab, proxy) = (super::broken(), Proxy::open());
    let (cloud, url) = (Cloud::new(), proxy.url());
    let mut plain = super::command(&lab, &["verify"]);
    plain.env("HTTPS_PROXY", &url).env("HTTP_PROXY", &url);
    assert_eq!(outcome(&plain.output().unwrap()).0, 1);
    assert_eq!(cloud.verify(&[("ALL_PROXY", &url), ("HTTP_PROXY", &url), ("HTTPS_PROXY", "")]).0, 0);
    assert_eq!(proxy.heads(), [""; 0]);
}

#[test]
fn the_password_of_a_proxy_is_sent_to_it_and_shown_to_nobody() {
    for (proxy, code) in [(Proxy::open(), 0), (Proxy::answering("407 Proxy Authentication Required"), 3)] {
        let cloud = Cloud::new();
        let url = format!("http://alice:hunter%402@{}", proxy.address());
        let mut command = cloud.command(&[("HTTPS_PROXY", &url), ("DTS_GUARD_LOG", "trace")]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let asked = format!("Basic {}", STANDARD.encode("alice:hunter@2"));
        assert!(proxy.heads().iter().all(|head| head.contains(&asked)), "{:?}", proxy.heads());
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        for secret in ["hunter", asked.as_str(), &STANDARD.encode("alice:hunter@2")] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn a_proxy_in_the_way_is_named_by_its_variable() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let refusing = [Proxy::answering("403 Forbidden"), Proxy::answering("407 Proxy Authentication Required")];
    for (address, words) in [
        (closed, "through the proxy"),
        (refusing[0].address(), "unsuccessful"),
        (refusing[1].address(), "proxy authorization required"),
    ] {
        let cloud = Cloud::new();
        let (code, report, _) = cloud.verify(&[("https_proxy", &address)]);
        assert_eq!((code, &report["status"]), (3, &"failed".into()), "{report:#}");
        let message = message(&report);
        assert!(message.contains(&format!("through the proxy `{address}` of `https_proxy`")), "{message}");
        assert!(message.contains(words), "{message}");
        assert_eq!(cloud.lab.emulator.calls().len(), 0);
    }
}

#[test]
fn the_doctor_goes_the_same_way() {
    let (cloud, proxy) = (Cloud::new(), Proxy::open());
    let examine = |url: &str| {
        let mut command = super::command(&cloud.lab, &["doctor"]);
        outcome(&command.env("SSL_CERT_FILE", cloud.root()).env("HTTPS_PROXY", url).output().unwrap()).1
    };
    let endpoint = |report: &Value| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["id"] == "endpoint-ram").unwrap_or_else(|| panic!("{report:#}")).clone()
    };
    let found = endpoint(&examine(&proxy.url()));
    assert!(found["status"] != "failed" && !proxy.heads().is_empty(), "{found:#}");
    let refusing = Proxy::answering("403 Forbidden");
    let found = endpoint(&examine(&refusing.url()));
    let named = format!("through the proxy `{}` of `HTTPS_PROXY`", refusing.address());
    assert!(found["status"] == "failed" && found["message"].as_str().unwrap().contains(&named), "{found:#}");
}

#[test]
fn a_proxy_that_is_none_ends_the_command_before_any_call() {
    let cloud = Cloud::new();
    for (value, words) in [("socks5://127.0.0.1:1", "`socks5`"), ("http://", "the URL of a proxy")] {
        let (code, report, said) = cloud.verify(&[("HTTPS_PROXY", value)]);
        assert_eq!((code, report), (3, Value::Null), "{said}");
        assert!(said.contains("`HTTPS_PROXY`") && said.contains(words), "{said}");
    }
    assert_eq!(cloud.lab.emulator.calls().len(), 0);
}

#[test]
fn a_certificate_is_checked_against_the_roots_that_are_named() {
    let (cloud, stranger) = (Cloud::new(), Cloud::new());
    let (code, report, said) = cloud.verify(&[]);
    assert_eq!((code, &report["status"]), (0, &"authorized".into()), "{said} {report:#}");
    let before = cloud.lab.emulator.calls().len();
    let (code, report, _) = cloud.verify(&[("SSL_CERT_FILE", "")]);
    assert!(code == 3 && message(&report).contains("certificate"), "{report:#}");
    assert!(!message(&report).contains("SSL_CERT_FILE"), "{report:#}");
    let (code, report, _) = cloud.verify(&[("SSL_CERT_FILE", stranger.root().to_str().unwrap())]);
    let said = message(&report);
    assert!(
        code == 3 && said.contains("with the roots of `SSL_CERT_FILE` alone: ") && said.contains("certificate"),
        "{said}"
    );
    assert_eq!(cloud.lab.emulator.calls().len(), before);
}

#[test]
fn a_file_without_roots_ends_the_command_before_any_call() {
    let cloud = Cloud::new();
    let make = |name: &str, text: &str| {
        let path = cloud.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let pipe = cloud.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, words) in [
        (make("empty.pem", ""), "holds no certificate in PEM form"),
        (make("der.pem", "0\u{1}\u{2}"), "holds no certificate in PEM form"),
        (make("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB"), "holds a damaged certificate"),
        (pipe, "cannot be read: it is no plain file"),
        (cloud.folder.path().to_owned(), "cannot be read: it is no plain file"),
        (Path::new("/no/such/file.pem").to_owned(), "cannot be read: No such file"),
    ] {
        let path = path.to_str().unwrap();
        let (code, report, said) = cloud.verify(&[("SSL_CERT_FILE", path)]);
        assert_eq!((code, report), (3, Value::Null), "{path}: {said}");
        assert!(said.contains(&format!("`SSL_CERT_FILE` names `{path}`, which {words}")), "{said}");
    }
    assert_eq!(cloud.lab.emulator.calls().len(), 0);
}

/// The roots are still the compiled-in ones there, and so the certificate is refused.
#[test]
fn a_function_has_neither_whatever_its_environment_says() {
    let (cloud, proxy) = (Cloud::new(), Proxy::open());
    let (root, url) = (cloud.root(), proxy.url());
    let (code, report, _) = cloud.verify(&[("HTTPS_PROXY", &url), ("FC_REGION", "cn-hangzhou")]);
    assert!(code == 3 && message(&report).contains("certificate"), "{report:#}");
    let settings = [("HTTPS_PROXY", url.as_str()), ("SSL_CERT_FILE", root.to_str().unwrap())];
    let guard = Guard::start_at(&cloud.lab.emulator.url(), &settings);
    let failure = guard.invoke("verify").failure();
    let said = message(&failure["report"]);
    assert!(said.contains("certificate") && !said.contains("proxy"), "{said}");
    assert_eq!((proxy.heads().len(), cloud.lab.emulator.calls().len()), (0, 0));
}

/// On a workstation too: what serves is the same program with the same promises.
#[tokio::test]
async fn what_serves_has_neither() {
    let (cloud, proxy) = (Cloud::new(), Proxy::open());
    let (root, url) = (cloud.root(), proxy.url());
    let Cloud { lab, folder: _folder } = cloud;
    let lab = lab.set("HTTPS_PROXY", &url).set("SSL_CERT_FILE", root.to_str().unwrap());
    let report = serde_json::to_value(lab.run(authorization::settings::Mode::Verify).await).unwrap();
    assert!(message(&report).contains("certificate"), "{report:#}");
    assert_eq!((proxy.heads().len(), lab.emulator.calls().len()), (0, 0));
}
