//! The whole job on one machine: an emulated account with a broken authorization, the package as it is deployed, and a
//! time trigger that finds the drift, repairs it and looks again.
//!
//! `cargo run --example quickstart`

#![allow(clippy::disallowed_methods, reason = "a demonstration measures real time")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anstream::println;
use anstyle::{AnsiColor, Style};
use emulator::{DTS_ROLE, Emulator, RoleSnapshot, Seed, World};
use serde_json::Value;
use testkit::platform::{Failure, Instance};
use testkit::{ACCOUNT, key};

const BINARY: &str = "dts-role-guard";
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

fn main() -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir()?;
    package(folder.path())?;
    let cloud = Emulator::start(World::new().seed(Seed::Extras, ACCOUNT).key(key()))?;
    let log = folder.path().join("function.log");
    let told = story(&cloud, folder.path(), &log);
    if !matches!(told, Ok(true)) {
        println!("\n{DIM}What the function printed:{DIM:#}\n{}", fs::read_to_string(&log).unwrap_or_default());
    }
    Ok(if told? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Assembles what a deployed package holds: `bootstrap` and, beside it, the binary.
fn package(folder: &Path) -> Result<(), Failure> {
    let target = target_folder()?;
    println!("{DIM}Building the package …{DIM:#}");
    let release = !cfg!(debug_assertions);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--bin", BINARY]);
    cargo.args(release.then_some("--release")).arg("--target-dir").arg(&target);
    if !cargo.status()?.success() {
        return Err("the function does not build".into());
    }
    let built = target.join(if release { "release" } else { "debug" }).join(BINARY);
    fs::copy(built, folder.join(BINARY))?;
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("bootstrap"), folder.join("bootstrap"))?;
    Ok(())
}

/// This program is `TARGET/PROFILE/examples/quickstart`.
fn target_folder() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("this program is not where Cargo puts examples")?;
    Ok(target.to_owned())
}

/// Tells the story; says whether it ended well.
fn story(cloud: &Emulator, folder: &Path, log: &Path) -> Result<bool, Failure> {
    let settings = [("DTS_GUARD_MODE", "remediate")];
    let bootstrap = folder.join("bootstrap");
    let mut function = Instance::start(bootstrap, folder, cloud, &settings, File::create(log)?)?;
    started(&function, cloud);

    chapter(1, "What is broken", &format!("account {ACCOUNT}"));
    let before = cloud.role(ACCOUNT, DTS_ROLE).ok_or("the emulator lost the role")?;
    role(&before);

    chapter(2, "What the guard finds", "timer `nightly`, payload `verify`");
    let found = function.tick("verify")?;
    report(&found);
    calls(cloud, 0);

    chapter(3, "How it repairs", "timer `nightly`, no payload: the mode of the settings, `remediate`");
    let earlier = cloud.calls().len();
    let repaired = function.tick("")?;
    report(&repaired);
    calls(cloud, earlier);

    chapter(4, "What it finds now", "timer `nightly`, payload `verify`");
    let after = function.tick("verify")?;
    report(&after);
    let now = cloud.role(ACCOUNT, DTS_ROLE).ok_or("the role is gone")?;
    println!();
    role(&now);

    next();
    Ok(ending([&found, &repaired, &after].map(status), &before, &now))
}

fn started(function: &Instance, cloud: &Emulator) {
    let ready = function.ready_after.as_millis();
    let memory = function.resident().map(|size| format!(" and holds {} MiB", size / 1024)).unwrap_or_default();
    let cloud = cloud.url();
    println!("{DIM}The function listens {ready} ms after its start{memory}.");
    println!("Its cloud is an emulator at {cloud}: no account is touched.{DIM:#}");
}

fn chapter(number: u8, title: &str, how: &str) {
    println!("\n{CYAN}{number}. {title}{CYAN:#}  {DIM}{how}{DIM:#}\n");
}

fn line(title: &str, text: &str) {
    println!("   {DIM}{title:<9}{DIM:#} {text}");
}

fn role(role: &RoleSnapshot) {
    let trusted = service(&role.trust);
    let trusts = if trusted == "dts.aliyuncs.com" {
        format!("{GREEN}{trusted}{GREEN:#}")
    } else {
        format!("{RED}{trusted}{RED:#}  {DIM}so DTS cannot work: it must be dts.aliyuncs.com{DIM:#}")
    };
    let tags: Vec<_> = role.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    line("role", &format!("{BOLD}{}{BOLD:#}  {DIM}id {}{DIM:#}", role.name, role.role_id));
    line("trusts", &trusts);
    line("policies", &role.policy_names().join(", "));
    line("tags", &tags.join(", "));
    line("session", &format!("{} h", role.max_session_duration / 3600));
}

/// The services that a trust policy names.
fn service(trust: &str) -> String {
    let document: Value = serde_json::from_str(trust).unwrap_or_default();
    let services = list(&document, "/Statement/0/Principal/Service").iter().filter_map(Value::as_str);
    services.collect::<Vec<_>>().join(", ")
}

fn report(report: &Value) {
    let status = status(report);
    let (mark, style) = match status {
        "authorized" | "remediated" => ("✓", GREEN.bold()),
        "drifted" => ("!", YELLOW.bold()),
        _ => ("✗", RED.bold()),
    };
    let took = report.pointer("/durationMs").and_then(Value::as_u64).unwrap_or_default();
    println!("   {style}{mark} {status}{style:#}  {DIM}{took} ms{DIM:#}");
    let done = !list(report, "/accounts/0/steps").is_empty();
    for found in list(report, "/accounts/0/findings").iter().filter(|_| !done) {
        finding(found);
    }
    for step in list(report, "/accounts/0/steps") {
        let (mark, style) =
            if matches!(text(step, "/result"), "done" | "already") { ("✓", GREEN) } else { ("✗", RED) };
        println!("     {style}{mark}{style:#} {:<20}  {DIM}{}{DIM:#}", text(step, "/action"), text(step, "/target"));
    }
    for left in list(report, "/accounts/0/residual") {
        finding(left);
    }
    for why in ["/accounts/0/next", "/errorMessage"].map(|place| text(report, place)) {
        if !why.is_empty() {
            println!("     {BOLD}{why}{BOLD:#}");
        }
    }
}

fn finding(finding: &Value) {
    let style = if text(finding, "/severity") == "failed" { RED } else { YELLOW };
    println!("     {style}{:<21}{style:#}  {}", text(finding, "/id"), text(finding, "/message"));
}

/// How many calls the cloud saw since `earlier`.
fn calls(cloud: &Emulator, earlier: usize) {
    let calls = cloud.calls();
    let (reads, writes): (Vec<_>, Vec<_>) = calls.iter().skip(earlier).partition(|call| !call.write);
    println!("   {DIM}the cloud saw {} reads and {} writes{DIM:#}", reads.len(), writes.len());
}

fn next() {
    println!("\n{CYAN}What to do next{CYAN:#}  {DIM}in docs/{DIM:#}\n");
    section(
        "deploying.md",
        "from an empty account to a running guard; `verify` looks first, `remediate` repairs as above",
    );
    section("permissions.md", "what the function's role may do, as documents ready to attach");
    section("operations.md", "the roll-out, alarms, and what to do when a role is stuck");
    section("reading.md", "every status, and what to do about it");
}

fn section(page: &str, what: &str) {
    println!("   {BOLD}{page:<15}{BOLD:#} {what}");
}

/// The last line, and whether all is well.
fn ending(statuses: [&str; 3], before: &RoleSnapshot, now: &RoleSnapshot) -> bool {
    let settings = |role: &RoleSnapshot| (role.description.clone(), role.max_session_duration, role.tags.clone());
    let kept = settings(now) == settings(before)
        && before.policies.iter().all(|old| now.has_policy(old.policy_type, &old.name));
    let well = matches!(statuses, [_, "remediated", "authorized"]) && kept;
    let path = statuses.join(" → ");
    if well {
        println!(
            "\n{GREEN}✓ {path}{GREEN:#}: role {} is now {}; its policies and tags are back",
            before.role_id, now.role_id
        );
    } else {
        println!("\n{RED}✗ {path}{RED:#}: this should have been drifted → remediated → authorized, with nothing lost");
    }
    well
}

fn status(report: &Value) -> &str {
    text(report, "/status")
}

fn text<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, place: &str) -> &'a [Value] {
    value.pointer(place).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
