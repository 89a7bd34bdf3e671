//! The emulator as a program: prints its URL and what to paste, serves until it is told to stop.

mod aliyun;
mod function;
mod http;
mod paste;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use emulator::{AccessKey, Emulator, Seed, World, WrittenFault, member_ids};
use tokio::signal::unix::{SignalKind, signal};

/// A loopback server that behaves like Alibaba Cloud RAM, STS and Resource Manager.
///
/// Prints its URL on the first line, then what to paste into another terminal to work with it, and serves until Ctrl-C or
/// SIGTERM. State lives in memory only.
#[derive(Debug, Parser)]
#[command(name = "emulator", version, after_long_help = FAULTS, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    cloud: Cloud,
}

#[derive(Debug, Subcommand)]
enum Command {
    Aliyun(aliyun::Arguments),
    S(function::Arguments),
}

const FAULTS: &str = "\
Faults: --fault OPERATION[@ACCOUNT][:WHICH]:WHAT, each quoted for the shell

  OPERATION  a name such as CreateRole; or any, reads, writes (of RAM)
  @ACCOUNT   only calls with keys of that account; of AssumeRole, only for its roles
  WHICH      2 the second such call, 2-4, 2- the second and all later ones, * all (as if left out)
  WHAT       one of

    CODE            an error of this code: Throttling.User, NoPermission, LimitExceeded.Role, InternalError …
    control-policy  NoPermission by a control policy of the organization
    503             a gateway's page of HTML with this status, from 400 on
    200ms, 5s       a pause first
    lost            the call has its effect, but its reply is lost
    half            the same, and half of the reply comes
    hang            no reply, no end, no effect
    stale           a read of RAM tells what was true one change ago
    short           a list lacks its last item
    changed         somebody changes the role's description just after the call

  With -after or -before (InternalError-after, lost-before) the call has had its effect, or never has it.
  Several may be given. Calls are counted from the start of the emulator.

Examples:

  emulator --seed extras --fault CreateRole:2:NoPermission
      a repair that is cut off between the deletion and the creation: the first CreateRole only rehearses
  emulator --seed trust --members 40 --broken 20
      more broken members than the brake lets through
  emulator --members 40 --fault 'ListPoliciesForRole:1-41:short'
      a cloud that is wrong about everybody, once";

/// The cloud to start with.
#[derive(Debug, clap::Args)]
struct Cloud {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What the account looks like at first
    #[arg(long, value_enum, default_value = "healthy")]
    seed: Seed,
    /// The account
    #[arg(long, value_name = "ID", default_value = "1234567890123456")]
    account: String,
    /// Makes the account the management account of a resource directory with so many members, 2000000000000001 and so on, which
    /// look as it does
    #[arg(long, value_name = "N")]
    members: Option<usize>,
    /// Only the first so many of the members look as the account does; the others are healthy
    #[arg(long, value_name = "N", requires = "members")]
    broken: Option<usize>,
    /// Something that goes wrong, such as `CreateRole:2:NoPermission`; may be given several times, and `--help` says how
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<WrittenFault>,
    /// Access key id that may do everything in the account
    #[arg(long, value_name = "ID", default_value = "LTAI5tEmulator")]
    key: String,
    /// Its secret
    #[arg(long, default_value = "emulator-secret")]
    secret: String,
    /// Its security token, which makes it a temporary key of the role `dts-role-guard-role`
    #[arg(long)]
    token: Option<String>,
    /// Pause before every call, in milliseconds
    #[arg(long, value_name = "N", default_value_t = 0)]
    latency_ms: u64,
    /// Prints each call on stderr
    #[arg(long)]
    print_calls: bool,
}

impl Cloud {
    fn world(&self) -> World {
        let key = match &self.token {
            Some(token) => {
                AccessKey::session(&self.key, &self.secret, token).of_role(&self.account, function::ROLE, "emulator")
            }
            None => AccessKey::permanent(&self.key, &self.secret).of_user(&self.account, "emulator"),
        };
        let [id, secret, token] = function::KEY;
        let function = AccessKey::session(id, secret, token).of_role(&self.account, function::ROLE, "function");
        let world = World::new().seed(self.seed, &self.account).key(key).key(function);
        match self.members {
            Some(count) => world.directory(&self.account, |directory| {
                directory.members(member_ids(count), |index, member| member.seed(self.seed_of(index)))
            }),
            None => world,
        }
    }

    fn seed_of(&self, index: usize) -> Seed {
        if self.broken.is_none_or(|broken| index < broken) { self.seed } else { Seed::Healthy }
    }

    #[tokio::main(flavor = "current_thread")]
    async fn serve(&self) -> io::Result<ExitCode> {
        let emulator = Emulator::start_on(self.world(), self.port, self.print_calls)?;
        emulator.set_latency(Duration::from_millis(self.latency_ms));
        for fault in &self.faults {
            emulator.written_fault(fault).keep();
        }
        // Whoever reads the line may end the program at once.
        let mut terminate = signal(SignalKind::terminate())?;
        let (account, key, secret) = (&self.account, &self.key, &self.secret);
        let person = paste::Person { account, key, secret, token: self.token.as_deref() };
        let lines = paste::lines(&emulator.url(), &person, &std::env::current_exe()?);
        // At once, so that whoever waits for the first line finds the others too.
        io::stdout().write_all(lines.as_bytes())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed?,
            _ = terminate.recv() => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn main() -> io::Result<ExitCode> {
    let Arguments { command, cloud } = Arguments::parse();
    match command {
        None => cloud.serve(),
        Some(Command::Aliyun(call)) => aliyun::run(&call),
        Some(Command::S(invocation)) => function::run(&invocation),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use emulator::{DTS_ROLE, Emulator};

    use super::Arguments;

    #[test]
    fn members_look_as_the_account_does_unless_only_some_shall() {
        for (broken, second) in [(None, true), (Some("1"), false)] {
            let broken = broken.map(|count| ["--broken", count]).into_iter().flatten();
            let arguments = ["emulator", "--members", "2", "--seed", "trust"].into_iter().chain(broken);
            let emulator = Emulator::start(Arguments::parse_from(arguments).cloud.world()).unwrap();
            let roles = ["1234567890123456", "2000000000000001", "2000000000000002", "2000000000000003"]
                .map(|account| emulator.role(account, DTS_ROLE).map(|role| role.trust.contains("ecs.aliyuncs.com")));
            assert_eq!(roles, [Some(true), Some(true), Some(second), None]);
        }
    }
}
