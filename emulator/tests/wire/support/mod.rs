//! A small client with a signer of its own, written by hand from the vendor's description.

mod sign;

use std::io::{Read, Write};
use std::net::TcpStream;

use emulator::{AccessKey, Emulator, Role, World};
use serde_json::Value;

pub(crate) const ACCOUNT: &str = "1234567890123456";
pub(crate) const MEMBER: &str = "2234567890123456";
pub(crate) const ROLE: &str = "AliyunDTSDefaultRole";
pub(crate) const RAM: &str = "2015-05-01";
pub(crate) const STS: &str = "2015-04-01";
pub(crate) const RESOURCE_MANAGER: &str = "2020-03-31";

/// An emulator with a healthy role and a key that may do everything.
pub(crate) fn healthy() -> (Emulator, Client) {
    start(World::new().account(ACCOUNT, |account| account.role(Role::dts()).custom_policy("TeamExtra")))
}

/// An emulator with a key of a role's session.
pub(crate) fn start(world: World) -> (Emulator, Client) {
    let key = AccessKey::session("STS.ID", "secret", "CAIS+tok/en==").of_role(ACCOUNT, "guard", "test");
    let emulator = Emulator::start(world.key(key)).unwrap();
    let client = Client::new(&emulator, "STS.ID", "secret", Some("CAIS+tok/en=="));
    (emulator, client)
}

/// How a client signs and sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    RpcPost,
    RpcGet,
    RpcPostInQuery,
    Acs3Query,
    Acs3Form,
}

pub(crate) const STYLES: [Style; 5] =
    [Style::RpcPost, Style::RpcGet, Style::RpcPostInQuery, Style::Acs3Query, Style::Acs3Form];

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) host: String,
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) style: Style,
    pub(crate) timestamp: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) format: &'static str,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["Code"].as_str().unwrap_or("none").to_owned()
    }
}

impl Client {
    pub(crate) fn new(emulator: &Emulator, id: &str, secret: &str, token: Option<&str>) -> Self {
        Self {
            host: emulator.host(),
            id: id.to_owned(),
            secret: secret.to_owned(),
            token: token.map(str::to_owned),
            style: Style::RpcPost,
            timestamp: None,
            nonce: None,
            format: "JSON",
        }
    }

    pub(crate) fn style(&self, style: Style) -> Self {
        Self { style, ..self.clone() }
    }

    pub(crate) fn ram(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        self.call(RAM, action, params)
    }

    pub(crate) fn sts(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        self.call(STS, action, params)
    }

    pub(crate) fn resource_manager(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        self.call(RESOURCE_MANAGER, action, params)
    }

    pub(crate) fn call(&self, version: &str, action: &str, params: &[(&str, &str)]) -> Answer {
        parse(&self.send(&sign::request(self, version, action, params)))
    }

    /// Sends and reads to the end: no byte at all if the server just closes.
    pub(crate) fn send(&self, request: &str) -> Vec<u8> {
        let mut stream = self.open(request);
        let mut reply = Vec::new();
        // A reset counts as an end.
        let _ = stream.read_to_end(&mut reply);
        reply
    }

    pub(crate) fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    pub(crate) fn request(&self, action: &str, params: &[(&str, &str)]) -> String {
        sign::request(self, RAM, action, params)
    }
}

pub(crate) fn assume(client: &Client, arn: &str, more: &[(&str, &str)]) -> Answer {
    let mut params = vec![("RoleArn", arn), ("RoleSessionName", "dts-role-guard")];
    params.extend(more);
    client.sts("AssumeRole", &params)
}

/// A client with the key that `AssumeRole` told.
pub(crate) fn session(emulator: &Emulator, told: &Value) -> Client {
    let field = |name: &str| told["Credentials"][name].as_str().unwrap().to_owned();
    Client::new(emulator, &field("AccessKeyId"), &field("AccessKeySecret"), Some(&field("SecurityToken")))
}

pub(crate) fn parse(reply: &[u8]) -> Answer {
    let reply = String::from_utf8_lossy(reply).into_owned();
    let (head, text) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {reply:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), text: text.to_owned() }
}
