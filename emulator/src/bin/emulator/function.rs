//! `s invoke -e EVENT`, as Serverless Devs and Function Compute do it: one instance, one invocation.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use crate::http;

/// Between two looks at the port of the function, and at most so many.
const PAUSE: Duration = Duration::from_millis(2);
const LOOKS: usize = 5000;

/// The keys of the function's role, which the emulator knows too.
pub(crate) const KEY: [&str; 3] = ["STS.EmulatorFunction", "function-secret", "function-token"];
/// The role.
pub(crate) const ROLE: &str = "dts-role-guard-role";

/// Starts a function and invokes it once, as `s invoke` lets the platform do it
///
/// Its settings are those of the environment, its keys those of the function's role. Prints the answer; what the function
/// logs goes to standard error. The exit code is 1 if the platform counts the run as failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: s invoke -e verify")]
pub(crate) struct Arguments {
    /// Whose function it is
    #[arg(long, value_name = "ID")]
    account: String,
    /// The program of the function
    #[arg(long, default_value = "dts-role-guard")]
    program: String,
    /// Seconds that an invocation may take
    #[arg(long, default_value_t = 120)]
    timeout: u64,
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The only command of `s` that is here
    Invoke {
        /// The event
        #[arg(short, long, default_value = "")]
        event: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let Verb::Invoke { event } = &arguments.command;
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut command = Command::new(&arguments.program);
    command.env("FC_ACCOUNT_ID", &arguments.account).env("FC_REGION", "cn-hangzhou");
    command.env("FC_CUSTOM_LISTEN_PORT", address.port().to_string());
    command.stdin(Stdio::null()).stdout(io::stderr());
    let cannot = |error| io::Error::other(format!("cannot start `{}`: {error}", arguments.program));
    let mut instance = Instance(command.spawn().map_err(cannot)?);
    instance.wait_for(address)?;
    let [id, secret, token] = KEY;
    let head = [
        "content-type: application/octet-stream".to_owned(),
        "x-fc-control-path: /invoke".to_owned(),
        format!("x-fc-request-id: 1-{:08x}-practise", std::process::id()),
        format!("x-fc-access-key-id: {id}"),
        format!("x-fc-access-key-secret: {secret}"),
        format!("x-fc-security-token: {token}"),
        format!("x-fc-account-id: {}", arguments.account),
        format!("x-fc-function-timeout: {}", arguments.timeout),
    ];
    let time = Duration::from_secs(arguments.timeout);
    let answer = http::post(&address.to_string(), "/invoke", &head, event, time)?;
    instance.end()?;
    writeln!(io::stdout(), "{}", answer.body)?;
    Ok(if answer.status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A process that does not outlive this one.
struct Instance(Child);

impl Instance {
    /// A function is ready when it accepts a connection, as on the platform.
    fn wait_for(&mut self, address: SocketAddr) -> io::Result<()> {
        for _ in 0..LOOKS {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.0.try_wait()? {
                return Err(io::Error::other(format!("the function ended before it listened: {status}")));
            }
            std::thread::sleep(PAUSE);
        }
        Err(io::Error::other(format!("the function does not listen on {address}")))
    }

    /// Asks it to end, so that it can say its last word.
    fn end(&mut self) -> io::Result<()> {
        let id = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        }
        self.0.wait().map(drop)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
