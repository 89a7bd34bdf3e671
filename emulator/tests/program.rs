//! The program: its URL and what to paste, every seed, faults in words, what stands for two tools, and an end on SIGTERM.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

/// A running emulator; dropping it kills the process.
struct Program {
    child: Child,
    url: String,
    /// What to paste.
    lines: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emulator"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = output.next().unwrap();
        let mut lines = String::new();
        while !lines.contains("\ns() {") {
            lines.push_str(&output.next().unwrap());
            lines.push('\n');
        }
        Self { child, url, lines }
    }

    /// Types commands into a shell into which the lines were pasted.
    fn type_into(&self, shell: &str, commands: &str) -> (Option<i32>, String, String) {
        let script = format!("export DTS_GUARD_LEFT_OVER=x\n{}\n{commands}", self.lines);
        let Output { status, stdout, stderr } = Command::new(shell).args(["-c", &script]).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// Ends it in order; gives what it printed on standard error.
    fn terminate(mut self) -> String {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        let mut printed = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
        printed
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(url: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"GET /?Format=json&Action=GetRole HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn every_seed_serves_and_ends_on_sigterm() {
    for seed in ["healthy", "missing", "trust", "policy", "extras", "unreadable", "privileged"] {
        let program = Program::start(&["--port", "0", "--seed", seed]);
        assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
        assert!(ask(&program.url).contains(r#""Code":"MissingParameter""#));
        program.terminate();
    }
}

#[test]
fn calls_are_printed_when_asked_for() {
    let program = Program::start(&["--print-calls", "--latency-ms", "1"]);
    ask(&program.url);
    let printed = program.terminate();
    assert!(printed.starts_with("0 GetRole - {} -> 400 MissingParameter"), "{printed}");
}

#[test]
fn what_is_printed_can_be_pasted() {
    // The token has what a shell would take for its own.
    let program = Program::start(&["--token", "it's $HOME", "--secret", "a\"b`c"]);
    for shell in ["sh", "bash"] {
        let shown = "printenv | grep -c DTS_GUARD_LEFT; echo \"$DTS_GUARD_STS_ENDPOINT $ALIBABA_CLOUD_ACCESS_KEY_SECRET\"
            echo \"$ALIBABA_CLOUD_SECURITY_TOKEN\"; test -d \"$DTS_GUARD_JOURNAL_DIR\" && rmdir \"$DTS_GUARD_JOURNAL_DIR\"";
        let expected = format!("0\n{} a\"b`c\nit's $HOME\n", program.url);
        assert_eq!(program.type_into(shell, shown), (Some(0), expected, String::new()), "{shell}");
    }
    assert!(
        program.lines.lines().all(|line| !line.contains('#')),
        "not every shell takes a comment: {}",
        program.lines
    );
}

#[test]
fn a_person_calls_with_the_name_of_the_vendors_tool() {
    let program = Program::start(&["--seed", "extras", "--members", "2", "--fault", "GetAccount:lost"]);
    let typed = |commands: &str| program.type_into("sh", &format!("rmdir \"$DTS_GUARD_JOURNAL_DIR\"; {commands}"));
    let (code, reply, error) = typed("aliyun ram GetRole --RoleName AliyunDTSDefaultRole");
    assert!((code, error.as_str()) == (Some(0), "") && reply.contains("ecs.aliyuncs.com"), "{reply}{error}");
    // Values with everything that must be encoded.
    let tag = r#"aliyun ram TagResources --ResourceType role --ResourceNames '["AliyunDTSDefaultRole"]' --Tag '[{"Key":"a b","Value":"ü+&='"'"'"}]'"#;
    assert_eq!(typed(tag).0, Some(0));
    let tags = typed("aliyun ram ListTagResources --ResourceType role").1;
    assert!(tags.contains(r#""TagKey":"a b","TagValue":"ü+&='""#), "{tags}");
    let (code, reply, _) =
        typed("aliyun resourcemanager GetAccount --AccountId 2000000000000009; aliyun sts GetCallerIdentity");
    assert!(code == Some(0) && reply.contains("\"RAMUser\""), "{reply}");
    for (commands, part) in [
        ("aliyun ram GetRole --RoleName None", "EntityNotExist.Role"),
        ("aliyun resourcemanager GetAccount --AccountId 2000000000000001", "the connection ended without a reply"),
        ("aliyun ram GetRole --RoleName", "`--RoleName` has no value"),
        ("aliyun ram GetRole RoleName x", "`RoleName` is not the name of a parameter"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET=x; aliyun ram GetRole --RoleName x", "SignatureDoesNotMatch"),
    ] {
        let (code, reply, error) = typed(commands);
        assert!(code == Some(1) && (reply + &error).contains(part), "{commands}: {error}");
    }
}

#[test]
fn a_function_that_does_not_come_up_is_told() {
    let program = Program::start(&[]);
    for (function, part) in
        [("false", "ended before it listened"), ("./no-such-program", "cannot start `./no-such-program`")]
    {
        let commands = format!("rmdir \"$DTS_GUARD_JOURNAL_DIR\"; s --program {function} invoke -e verify");
        let (code, _, error) = program.type_into("sh", &commands);
        assert!(code == Some(1) && error.contains(part), "{error}");
    }
}

#[test]
fn a_wrong_argument_is_refused_with_a_right_one() {
    for (arguments, part) in [
        (["--seed", "x"], "possible values: healthy, missing"),
        (["--fault", "CreateRole:2:loose"], "right is, for example, `AttachPolicyToRole:1:lost`"),
        (["--broken", "2"], "--members"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_emulator")).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && output.stdout.is_empty() && said.contains(part), "{said}");
    }
}

#[test]
fn each_example_of_the_help_starts() {
    let help = Command::new(env!("CARGO_BIN_EXE_emulator")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  emulator --")).collect();
    assert_eq!(examples.len(), 3, "{help}");
    for example in examples {
        let arguments: Vec<String> = format!("--{example}").split(' ').map(|word| word.replace('\'', "")).collect();
        Program::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).terminate();
    }
}
