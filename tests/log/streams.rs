//! A terminal, pipe or log that is closed, full or slow ends no repair.

use std::fs::File;
use std::io::{PipeReader, Write as _, pipe};
use std::process::{Command, Stdio};

use emulator::{DTS_POLICY, DTS_ROLE, Emulator};
use testkit::{ACCOUNT, Guard, cloud, command, other_trust};

/// What becomes of a stream.
#[derive(Clone, Copy, Debug)]
enum Stream {
    /// There is none.
    Closed,
    /// Its reader has gone.
    Broken,
    /// A pipe that is full, and that nobody reads.
    Unread,
    /// A disk that is full.
    Full,
}

const STREAMS: [Stream; 4] = [Stream::Closed, Stream::Broken, Stream::Unread, Stream::Full];

/// What a pipe of Linux holds.
const PIPE: usize = 64 * 1024;

impl Stream {
    /// The stream, and whoever might read it.
    fn open(self) -> (Stdio, Option<PipeReader>) {
        match self {
            Self::Closed => (Stdio::null(), None),
            Self::Broken => (pipe().unwrap().1.into(), None),
            Self::Unread => {
                let (reader, mut writer) = pipe().unwrap();
                writer.write_all(&vec![b'x'; PIPE]).unwrap();
                (writer.into(), Some(reader))
            }
            Self::Full => (File::options().write(true).open("/dev/full").unwrap().into(), None),
        }
    }

    /// The same program, but with streams that are really closed where they should be.
    fn closing(self, command: &Command) -> Command {
        let mut shell = Command::new("/bin/sh");
        let script = if matches!(self, Self::Closed) { "exec \"$@\" >&- 2>&-" } else { "exec \"$@\"" };
        shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell
    }
}

fn broken() -> Emulator {
    cloud(other_trust().detach(DTS_POLICY))
}

fn is_repaired(emulator: &Emulator) -> bool {
    let role = emulator.role(ACCOUNT, DTS_ROLE).unwrap();
    role.policies.iter().any(|policy| policy.name == DTS_POLICY)
}

const SETTINGS: [(&str, &str); 2] = [("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_LOG", "trace")];

#[test]
fn serving_goes_on_whatever_becomes_of_its_streams() {
    for stream in STREAMS {
        let emulator = broken();
        let mut readers = Vec::new();
        let guard = Guard::start_writing_to(&emulator, &SETTINGS, |command| {
            let (out, error) = (stream.open(), stream.open());
            *command = stream.closing(command);
            command.stdin(Stdio::null()).stdout(out.0).stderr(error.0);
            readers = vec![out.1, error.1];
        });
        let report = guard.invoke("").report();
        assert_eq!(report["status"], "remediated", "{stream:?}: {report:#}");
        assert!(is_repaired(&emulator), "{stream:?}");
        assert!(guard.is_healthy(), "{stream:?}");
        assert!(guard.stop().0.success(), "{stream:?}");
    }
}

#[test]
fn a_terminal_command_goes_on_whatever_becomes_of_its_streams() {
    for stream in STREAMS {
        let emulator = broken();
        let mut command = command(&emulator, &["remediate", "--yes"]);
        command.envs(SETTINGS);
        let (error, _reader) = stream.open();
        // Where nobody reads the report, its last words wait for a reader, as those of any program do.
        let (out, _) = if matches!(stream, Stream::Broken) { stream.open() } else { (Stdio::null(), None) };
        let status = stream.closing(&command).stdin(Stdio::null()).stdout(out).stderr(error).status().unwrap();
        assert_eq!(status.code(), Some(0), "{stream:?}");
        assert!(is_repaired(&emulator), "{stream:?}");
    }
}
