//! The emulator as a program: prints its URL, serves until it is told to stop.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use emulator::{AccessKey, Emulator, Seed, World, member_ids};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A loopback server that behaves like Alibaba Cloud RAM, STS and Resource Manager.
///
/// Prints its URL on the first line, then serves until Ctrl-C or SIGTERM. State lives in memory only.
#[derive(Debug, Parser)]
#[command(name = "emulator", version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What the account looks like at first
    #[arg(long, value_enum, default_value = "healthy")]
    seed: Seed,
    /// The account
    #[arg(long, value_name = "ID", default_value = "1234567890123456")]
    account: String,
    /// Makes the account the management account of a resource directory with so many members, which look as it does
    #[arg(long, value_name = "N")]
    members: Option<usize>,
    /// Only so many of the members look as the account does; the others are healthy
    #[arg(long, value_name = "N", requires = "members")]
    broken: Option<usize>,
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

impl Arguments {
    fn world(&self) -> World {
        let key = match &self.token {
            Some(token) => AccessKey::session(&self.key, &self.secret, token).of_role(
                &self.account,
                "dts-role-guard-role",
                "emulator",
            ),
            None => AccessKey::permanent(&self.key, &self.secret).of_user(&self.account, "emulator"),
        };
        self.with_members(World::new().seed(self.seed, &self.account).key(key))
    }

    fn with_members(&self, world: World) -> World {
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
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let emulator = Emulator::start_on(arguments.world(), arguments.port, arguments.print_calls)?;
    emulator.set_latency(Duration::from_millis(arguments.latency_ms));
    // Whoever reads the line may end the program at once.
    let terminate = signal(SignalKind::terminate())?;
    writeln!(io::stdout(), "{}", emulator.url())?;
    stopped(terminate).await?;
    Ok(ExitCode::SUCCESS)
}

async fn stopped(mut terminate: Signal) -> io::Result<()> {
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
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
            let emulator = Emulator::start(Arguments::parse_from(arguments).world()).unwrap();
            let roles = ["1234567890123456", "2000000000000001", "2000000000000002", "2000000000000003"]
                .map(|account| emulator.role(account, DTS_ROLE).map(|role| role.trust.contains("ecs.aliyuncs.com")));
            assert_eq!(roles, [Some(true), Some(true), Some(second), None]);
        }
    }
}
