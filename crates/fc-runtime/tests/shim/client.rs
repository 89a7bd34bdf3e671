//! HTTP by hand, so that a test can also do what a good client would not.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use serde_json::Value;

/// Only reached if the server hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request);
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let status = self.status_alone();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = vec![0; length];
        self.0.read_exact(&mut answer.body).unwrap();
        answer
    }

    /// The answer, unless the server closes the connection instead.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        let has_answer = self.0.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
        has_answer.then(|| self.answer())
    }

    /// Ends one half of the connection.
    pub(crate) fn shut(&self, half: Shutdown) {
        self.0.get_ref().shutdown(half).unwrap();
    }

    /// Whether the server ends the connection without another byte; a server that keeps it open makes this panic.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
            Err(error) => panic!("the connection is still open: {error}"),
        }
    }

    /// The status of an answer whose body cannot follow its length.
    pub(crate) fn status_alone(&mut self) -> u16 {
        self.line().split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Waits until the server has sent something, and leaves it unread.
    pub(crate) fn wait_for_a_byte(&self) {
        assert_eq!(self.0.get_ref().peek(&mut [0]).unwrap(), 1);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(name, _)| name == wanted)?;
        Some(value)
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks the form of an answer that the platform counts as failed; gives the `errorType`.
    pub(crate) fn failure(&self) -> String {
        assert_eq!(self.header("x-fc-status"), Some("404"), "{self:?}");
        let body = self.json();
        assert!(body["errorMessage"].is_string() && body["stackTrace"] == Value::Array(vec![]));
        body["errorType"].as_str().unwrap().to_owned()
    }
}

/// A request with a body, and its length.
pub(crate) fn request(line: &str, headers: &[&str], body: &str) -> String {
    let mut request = format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        write!(request, "{header}\r\n").unwrap();
    }
    request + "\r\n" + body
}

/// An invocation as the platform sends it.
pub(crate) fn invocation(event: &str) -> String {
    let headers = ["x-fc-control-path: /invoke", "x-fc-request-id: 1-a"];
    request("POST /invoke", &headers, event)
}

/// A request of `tests/requests`.
pub(crate) fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests");
    let json = fs::read_to_string(folder.join(name)).unwrap();
    let sample: Value = serde_json::from_str(&json).unwrap();
    let (method, path) = (sample["method"].as_str().unwrap(), sample["path"].as_str().unwrap());
    let mut request = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in sample["headers"].as_object().unwrap() {
        write!(request, "{name}: {}\r\n", value.as_str().unwrap()).unwrap();
    }
    request + "\r\n" + sample["body"].as_str().unwrap_or_default()
}
