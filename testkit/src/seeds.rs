//! The account, the keys and the roles that most tests are about.

use emulator::{AccessKey, DTS_POLICY, Emulator, Member, Role, World};

/// The function's account.
pub const ACCOUNT: &str = "1234567890123456";

/// Its members.
pub const MEMBERS: [&str; 3] = ["2234567890123456", "3234567890123456", "4234567890123456"];

/// The keys of the function's role, as the sample requests have them.
pub const KEY_ID: &str = "STS.EXAMPLEACCESSKEYID";
pub const KEY_SECRET: &str = "EXAMPLEsecretEXAMPLEsecretEXAMPLE";
pub const TOKEN: &str = "CAISEXAMPLEtoken==";

/// Where the guard looks for the cloud.
pub const ENDPOINTS: [&str; 3] =
    ["DTS_GUARD_RAM_ENDPOINT", "DTS_GUARD_STS_ENDPOINT", "DTS_GUARD_RESOURCE_MANAGER_ENDPOINT"];

/// The keys as variables, for a terminal.
pub const KEYS: [(&str, &str); 3] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET),
    ("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN),
];

/// The same keys, of nobody yet.
pub fn session_key() -> AccessKey {
    AccessKey::session(KEY_ID, KEY_SECRET, TOKEN)
}

/// The keys of the function's role.
pub fn key() -> AccessKey {
    session_key().of_role(ACCOUNT, "dts-role-guard-role", "lab")
}

/// Custom policies that the account has.
pub const CUSTOM: [&str; 3] = ["TeamExtra", "TeamLogs", "TeamAudit"];

/// A role that trusts a service, but not DTS.
pub fn other_trust() -> Role {
    Role::dts().trusting_service("ecs.aliyuncs.com")
}

/// Broken, and with everything to lose: of each kind of attribute, policy and tag.
pub fn full() -> Role {
    let role = other_trust().description("ours").max_session_duration(7200).console_login(true);
    role.attach_system("AliyunOSSReadOnlyAccess").attach_custom("TeamExtra").tag("team", "data").tag("empty", "")
}

/// The writes of a repair of [`full`]: five that are rehearsed, three detachments, deletion, creation, three attachments,
/// tags.
pub const WRITES_OF_FULL: usize = 14;

/// DTS may assume it and can do nothing with it, and it has something to lose.
pub fn bare() -> Role {
    Role::dts().detach(DTS_POLICY).attach_custom("TeamExtra").tag("team", "blue")
}

/// A cloud with one account, whose role and keys the samples are about.
pub fn cloud(role: Role) -> Emulator {
    start(World::new().account(ACCOUNT, |account| account.role(role)))
}

/// A cloud whose account, with this role, manages members. Their roles are broken.
pub fn organization(role: Role) -> Emulator {
    let broken = |_, member: Member| member.role(Role::dts().detach(DTS_POLICY));
    let world = World::new().account(ACCOUNT, |account| account.role(role));
    start(world.directory(ACCOUNT, |directory| directory.members(MEMBERS.map(str::to_owned), broken)))
}

/// A healthy account that manages these members.
pub fn members(ids: impl IntoIterator<Item = String>, seed: impl Fn(usize, Member) -> Member) -> Emulator {
    let world = World::new().account(ACCOUNT, |account| account.role(Role::dts()));
    start(world.directory(ACCOUNT, |directory| directory.members(ids, seed)))
}

/// Nothing is to be done.
pub fn healthy_cloud() -> Emulator {
    cloud(Role::dts())
}

/// A guard that may write would write: so a test that finds no write has proved something.
pub fn broken_cloud() -> Emulator {
    cloud(Role::dts().detach(DTS_POLICY))
}

fn start(world: World) -> Emulator {
    Emulator::start(world.key(key())).unwrap()
}
