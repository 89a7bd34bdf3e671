//! The real binary as a process, HTTP by hand, and the emulator that plays the cloud.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use emulator::Emulator;
use serde_json::Value;
use tempfile::TempDir;

use crate::{ACCOUNT, ENDPOINTS, KEY_ID, KEY_SECRET, KEYS, TOKEN, fixture};

/// Only reached if the process hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// The port is free when it is chosen; another process may be faster.
const TRIES: usize = 5;

/// Of the GNU coreutils: nothing in `std` sets what a child does with a signal.
const ENV: &str = "/usr/bin/env";
const DEFAULT_SIGNALS: &str = "--default-signal";

/// Of the sample requests.
pub const REQUEST_ID: &str = "1-692414ee-10000001-000000000003";

/// The real program: Cargo says where it built it for the tests; it lies in the folder above that of a test program which
/// somebody starts without Cargo.
#[expect(clippy::disallowed_methods, reason = "what Cargo says to a test")]
pub fn program() -> PathBuf {
    let named = std::env::var_os("CARGO_BIN_EXE_dts-role-guard").map(PathBuf::from);
    let program = named.unwrap_or_else(|| {
        let test = std::env::current_exe().unwrap();
        test.parent().and_then(|folder| folder.parent()).unwrap().join("dts-role-guard")
    });
    assert!(program.is_file(), "{} is not built: `cargo test` builds it", program.display());
    program
}

/// A terminal command, with the keys and the endpoints of this cloud and no other variable.
pub fn command(emulator: &Emulator, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().envs(KEYS).envs(ENDPOINTS.map(|name| (name, emulator.url())));
    command.stdin(Stdio::null());
    command
}

/// The same for a pseudo-terminal, whose keys make signals.
pub fn command_on_a_terminal(emulator: &Emulator, arguments: &[&str]) -> pty_process::blocking::Command {
    let command = pty_process::blocking::Command::new(ENV).arg(DEFAULT_SIGNALS).arg(program()).args(arguments);
    let command = command.env_clear().envs(KEYS).envs(ENDPOINTS.map(|name| (name, emulator.url())));
    command.env("TERM", "xterm")
}

/// The same command, to which signals do what they usually do: a program inherits it if whoever starts the tests ignores
/// some, as `nohup` does, and a shell for what it starts in the background.
pub fn with_default_signals(command: &Command) -> Command {
    let mut env = Command::new(ENV);
    env.arg(DEFAULT_SIGNALS).arg(command.get_program()).args(command.get_args()).env_clear();
    env.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    env
}

/// Everything that the process has written to its standard output so far.
#[derive(Clone, Default)]
struct Output(Arc<(Mutex<Lines>, Condvar)>);

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Output {
    fn change(&self, change: impl FnOnce(&mut Lines)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn lines(&self) -> Vec<String> {
        self.0.0.lock().unwrap().lines.clone()
    }

    /// Waits for a line with this text; none if the process ended without one.
    fn line_with(&self, text: &str) -> Option<String> {
        let find = |lines: &Lines| lines.lines.iter().find(|line| line.contains(text)).cloned();
        let guard = self.0.0.lock().unwrap();
        let waiting = |lines: &mut Lines| find(lines).is_none() && !lines.ended;
        let (guard, _) = self.0.1.wait_timeout_while(guard, PATIENCE, waiting).unwrap();
        find(&guard)
    }
}

/// A running `dts-role-guard serve`; killed on drop.
pub struct Guard {
    child: Child,
    address: SocketAddr,
    output: Output,
    reader: Option<JoinHandle<()>>,
    _disk: TempDir,
}

impl Guard {
    /// As on the platform, with these settings and no other variable, against an emulator.
    pub fn start(emulator: &Emulator, settings: &[(&str, &str)]) -> Self {
        Self::start_at(&emulator.url(), settings)
    }

    /// As on the platform, with these settings and no other variable, against an endpoint.
    pub fn start_at(endpoint: &str, settings: &[(&str, &str)]) -> Self {
        let mut environment: Vec<_> = ENDPOINTS.map(|name| (name, endpoint)).into();
        environment.extend(settings);
        (0..TRIES).find_map(|_| Self::spawn(&environment)).expect("the process does not listen")
    }

    /// As on the platform, with streams and a log level that may not tell when it listens.
    pub fn start_writing_to(
        emulator: &Emulator,
        settings: &[(&str, &str)],
        mut streams: impl FnMut(&mut Command),
    ) -> Self {
        let endpoint = emulator.url();
        let mut environment: Vec<_> = ENDPOINTS.map(|name| (name, endpoint.as_str())).into();
        environment.extend(settings);
        let mut spawn = || {
            let port = free_port();
            let disk = tempfile::tempdir().unwrap();
            let mut command = serving(&environment, port, &disk);
            streams(&mut command);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let mut child = command.spawn().unwrap();
            while TcpStream::connect(address).is_err() {
                if child.try_wait().unwrap().is_some() {
                    return None;
                }
                thread::sleep(Duration::from_millis(5));
            }
            let output = Output::default();
            let reader = child.stdout.take().map(|stdout| read_lines(stdout, output.clone()));
            Some(Self { child, address, output, reader, _disk: disk })
        };
        (0..TRIES).find_map(|_| spawn()).expect("the process does not listen")
    }

    /// None if it ended before it listened, as it does when its port was taken meanwhile.
    fn spawn(environment: &[(&str, &str)]) -> Option<Self> {
        let port = free_port();
        let disk = tempfile::tempdir().unwrap();
        let mut child = serving(environment, port, &disk).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = Output::default();
        let reader = Some(read_lines(child.stdout.take().unwrap(), output.clone()));
        let guard = Self { child, address: (Ipv4Addr::LOCALHOST, port).into(), output, reader, _disk: disk };
        guard.output.line_with("\"listening\"").is_some().then_some(guard)
    }

    /// Posts an event as the platform does.
    pub fn invoke(&self, event: impl AsRef<[u8]>) -> Reply {
        self.invoke_with(event, &[])
    }

    /// Posts an event as the platform does, with other values for some headers.
    pub fn invoke_with(&self, event: impl AsRef<[u8]>, changes: &[(&str, &str)]) -> Reply {
        self.send("POST", "/invoke", &platform_headers(changes), event.as_ref())
    }

    /// Posts an event as the platform does, and leaves the answer in the connection.
    pub fn begin(&self, event: impl AsRef<[u8]>) -> TcpStream {
        self.post("POST", "/invoke", &platform_headers(&[]), event.as_ref())
    }

    /// Sends a file of `tests/fixtures/requests` with its own method, path, headers and body.
    pub fn send_fixture(&self, name: &str) -> Reply {
        let sample: Value = serde_json::from_str(&fixture(&format!("requests/{name}"))).unwrap();
        let headers = sample["headers"].as_object().unwrap();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let body = sample["body"].as_str().unwrap_or_default();
        self.send(sample["method"].as_str().unwrap(), sample["path"].as_str().unwrap(), &headers, body.as_bytes())
    }

    /// Sends a request; a body without a `content-length` gets one.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        Reply::read(BufReader::new(self.post(method, path, headers, body)))
    }

    fn post(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-length") {
            write!(head, "content-length: {}\r\n", body.len()).unwrap();
        }
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    }

    /// Whether it still serves.
    pub fn is_healthy(&self) -> bool {
        self.send("GET", "/health", &[("host", "h")], b"").status == 200
    }

    /// Waits for a line of the standard output with this text.
    pub fn line_with(&self, text: &str) -> String {
        self.output.line_with(text).unwrap_or_else(|| panic!("no line with {text}: {:#?}", self.output.lines()))
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop as the platform does; gives how it ended and all that it wrote.
    pub fn stop(self) -> (ExitStatus, Vec<String>) {
        self.stop_by("TERM")
    }

    /// The same by another signal.
    pub fn stop_by(mut self, signal: &str) -> (ExitStatus, Vec<String>) {
        let signal = format!("-{signal}");
        let asked = Command::new("kill").args([&signal, &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success(), "{asked}");
        self.ended()
    }

    /// Ends it as nobody can catch it; gives all that it wrote.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.ended().1
    }

    fn ended(&mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status, self.output.lines())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Fails if it has ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process as the platform starts it.
/// Each process is an instance of its own, with its own disk, unless the settings say otherwise.
fn serving(environment: &[(&str, &str)], port: u16, disk: &TempDir) -> Command {
    let mut command = Command::new(program());
    command.arg("serve").env_clear().env("FC_FUNC_CODE_PATH", "/code");
    command.env("FC_CUSTOM_LISTEN_PORT", port.to_string()).env("TMPDIR", disk.path());
    command.envs(environment.iter().copied());
    command.stdin(Stdio::null());
    command
}

/// The headers of an invocation, with other values for some of them.
fn platform_headers<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![
        ("host", "21.0.0.10:9000"),
        ("content-type", "application/octet-stream"),
        ("x-fc-control-path", "/invoke"),
        ("x-fc-request-id", REQUEST_ID),
        ("x-fc-account-id", ACCOUNT),
        ("x-fc-function-timeout", "60"),
        ("x-fc-access-key-id", KEY_ID),
        ("x-fc-access-key-secret", KEY_SECRET),
        ("x-fc-security-token", TOKEN),
    ];
    for (name, value) in changes {
        match headers.iter_mut().find(|(other, _)| other == name) {
            Some(header) => header.1 = value,
            None => headers.push((name, value)),
        }
    }
    headers
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn read_lines(stdout: impl Read + Send + 'static, output: Output) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let line = line.unwrap();
            output.change(|lines| lines.lines.push(line));
        }
        output.change(|lines| lines.ended = true);
    })
}

/// What the process answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    fn read(mut stream: impl BufRead) -> Self {
        let status = line(&mut stream).split(' ').nth(1).expect("a status line").parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = line(&mut stream);
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut reply = Self { status, headers, body: String::new() };
        let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        reply.body = String::from_utf8(body).unwrap();
        reply
    }

    pub fn header(&self, wanted: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(name, _)| name == wanted)?;
        Some(value)
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The report of an invocation that the platform counts as a success.
    pub fn report(&self) -> Value {
        assert_eq!((self.status, self.header("x-fc-status")), (200, None), "{self:?}");
        self.json()
    }

    /// The diagnostic of an invocation that the platform counts as failed.
    pub fn failure(&self) -> Value {
        assert_eq!(self.header("x-fc-status"), Some("404"), "{self:?}");
        let diagnostic = self.json();
        assert_eq!(diagnostic["stackTrace"], Value::Array(Vec::new()), "{self:?}");
        diagnostic
    }
}

fn line(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
