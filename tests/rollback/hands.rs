//! A person who types the commands of `next`.

use std::collections::BTreeMap;

use emulator::{DTS_ROLE, Role, RoleSnapshot, WorldState};
use testkit::ACCOUNT;

use crate::belief::tags;

struct Command {
    operation: String,
    options: BTreeMap<String, String>,
}

/// The role after the commands were typed into a copy of the world.
pub(crate) fn typed(next: &str, world: &WorldState) -> Option<RoleSnapshot> {
    let mut world = world.clone();
    for command in commands(next) {
        carry_out(&command, &mut world);
    }
    world.role(ACCOUNT, DTS_ROLE).cloned()
}

fn carry_out(command: &Command, world: &mut WorldState) {
    let option = |name: &str| command.options[name].as_str();
    match command.operation.as_str() {
        // "If it is missing."
        "CreateRole" if world.role(ACCOUNT, DTS_ROLE).is_some() => {}
        "CreateRole" => world.put_role(ACCOUNT, created(&command.options)),
        "UpdateRole" => update(&command.options, world),
        "AttachPolicyToRole" if option("PolicyType") == "System" => {
            world.attach_system(ACCOUNT, DTS_ROLE, option("PolicyName"));
        }
        "AttachPolicyToRole" => drop(world.attach_custom(ACCOUNT, DTS_ROLE, option("PolicyName"))),
        "TagResources" => {
            for (key, value) in tags(option("Tag")) {
                world.set_tag(ACCOUNT, DTS_ROLE, &key, &value);
            }
        }
        other => panic!("`next` proposes {other}"),
    }
}

fn update(options: &BTreeMap<String, String>, world: &mut WorldState) {
    if let Some(document) = options.get("NewAssumeRolePolicyDocument") {
        world.set_trust(ACCOUNT, DTS_ROLE, document);
    }
    if let Some(text) = options.get("NewDescription") {
        world.set_description(ACCOUNT, DTS_ROLE, text);
    }
    if let Some(seconds) = options.get("NewMaxSessionDuration") {
        world.set_max_session_duration(ACCOUNT, DTS_ROLE, seconds.parse().unwrap());
    }
    if let Some(allowed) = options.get("NewAllowConsoleLogin") {
        world.set_console_login(ACCOUNT, DTS_ROLE, allowed == "true");
    }
}

fn created(options: &BTreeMap<String, String>) -> Role {
    let role = Role::named(DTS_ROLE).trust(&options["AssumeRolePolicyDocument"]);
    let role = options.get("Description").map_or(role.clone(), |text| role.description(text));
    let seconds = options.get("MaxSessionDuration").map(|seconds| seconds.parse().unwrap());
    let role = seconds.map_or(role.clone(), |seconds| role.max_session_duration(seconds));
    let console = options.get("AllowConsoleLogin").map(|allowed| allowed == "true");
    console.map_or(role.clone(), |allowed| role.console_login(allowed))
}

fn commands(next: &str) -> Vec<Command> {
    next.split("aliyun ram ").skip(1).map(command).collect()
}

fn command(text: &str) -> Command {
    let (operation, mut rest) = word(text);
    let mut options = BTreeMap::new();
    while let Some(option) = rest.strip_prefix("--") {
        let (name, value) = word(option);
        let (value, after) = word(value);
        options.insert(name, value);
        rest = after;
    }
    Command { operation, options }
}

/// One word of a POSIX shell, and what follows it.
fn word(text: &str) -> (String, &str) {
    let (mut word, mut quoted, mut escaped) = (String::new(), false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => {
                word.push(character);
                escaped = false;
            }
            '\'' => quoted = !quoted,
            '\\' if !quoted => escaped = true,
            ' ' if !quoted => return (word, &text[at + 1..]),
            '\n' if !quoted => return (word, ""),
            _ => word.push(character),
        }
    }
    (word, "")
}
