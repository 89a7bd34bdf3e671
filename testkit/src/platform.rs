//! A stand-in for Function Compute: starts a package, waits for its port, invokes it with the headers of the platform.
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use emulator::Emulator;
use serde_json::Value;
use tempfile::TempDir;

use crate::{ACCOUNT, KEY_ID, KEY_SECRET, TOKEN};

/// Only reached if the function hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the function is told, unless somebody sets another time.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_micros(200);

/// Why the platform gives up.
pub type Failure = Box<dyn Error>;

/// A running instance of the function; dropping it kills the process.
pub struct Instance {
    process: Child,
    address: SocketAddr,
    invocations: u32,
    _disk: TempDir,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// From the start of the process to its first accepted connection.
    pub ready_after: Duration,
}

impl Instance {
    /// Starts a program of the package in a folder and waits until it accepts a connection. `log` gets what it prints.
    pub fn start(
        program: impl AsRef<OsStr>,
        folder: &Path,
        cloud: &Emulator,
        settings: &[(&str, &str)],
        log: File,
    ) -> Result<Self, Failure> {
        let address = free_address()?;
        let disk = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("FC_FUNC_CODE_PATH", folder).env("FC_ACCOUNT_ID", ACCOUNT).env("FC_REGION", "cn-hangzhou");
        command.env("FC_CUSTOM_LISTEN_PORT", address.port().to_string()).env("TMPDIR", disk.path());
        command.env("DTS_GUARD_RAM_ENDPOINT", cloud.url()).env("DTS_GUARD_STS_ENDPOINT", cloud.url());
        command.envs(settings.iter().copied());
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        let begin = Instant::now();
        let process = command.spawn()?;
        let (invocations, ready_after) = (0, Duration::ZERO);
        let mut instance = Self { process, address, invocations, _disk: disk, timeout: TIMEOUT, ready_after };
        instance.wait_for_port(begin)?;
        Ok(instance)
    }

    /// Readiness is a connection that is accepted, as on the platform.
    fn wait_for_port(&mut self, begin: Instant) -> Result<(), Failure> {
        loop {
            if TcpStream::connect(self.address).is_ok() {
                self.ready_after = begin.elapsed();
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the function ended before it listened: {status}").into());
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("the function does not listen on {}", self.address).into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Its resident memory in KiB, where the system tells.
    pub fn resident(&self) -> Option<u64> {
        let status = self.told_by_system("status")?;
        let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        size.split_whitespace().next()?.parse().ok()
    }

    /// One of the files that the system keeps about the process, where it does.
    pub fn told_by_system(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).ok()
    }

    /// Invokes the function as its time trigger `nightly` does; gives the report.
    pub fn tick(&mut self, payload: &str) -> Result<Value, Failure> {
        let event = serde_json::json!({
            "triggerTime": "2026-11-24T02:00:00Z", "triggerName": "nightly", "payload": payload,
        });
        let answer = self.send("/invoke", &event.to_string())?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// What the platform sends to this path of the function; gives the body of the answer.
    pub fn send(&mut self, path: &str, event: &str) -> Result<Vec<u8>, Failure> {
        self.invocations += 1;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/octet-stream\r\n\
             content-length: {}\r\nx-fc-control-path: {path}\r\nx-fc-request-id: 1-692414ee-10000001-{:012x}\r\n\
             x-fc-access-key-id: {KEY_ID}\r\nx-fc-access-key-secret: {KEY_SECRET}\r\nx-fc-security-token: {TOKEN}\r\n\
             x-fc-account-id: {ACCOUNT}\r\nx-fc-function-timeout: {}\r\n\r\n{event}",
            self.address,
            event.len(),
            self.invocations,
            self.timeout.as_secs(),
        );
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("the answer is not HTTP")?;
        Ok(answer.split_off(end + 4))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
