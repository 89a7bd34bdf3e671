//! One thing is broken at a time: the doctor names that thing, nothing else, and says what to do.

use aliyun::credentials::RawCredentials;
use dts_role_guard::doctor::Status;
use emulator::{AccessKey, DTS_POLICY, DTS_ROLE, Emulator, FaultGuard, Member, Role, Rule, World, member_ids};
use testkit::{ACCOUNT, ENDPOINTS, JOURNAL_DIR, KEY_ID, KEY_SECRET, Lab, TOKEN, key, session_key};

use super::{assert_follows_schema, check, troubles};

const MEMBER: &str = "2234567890123456";

/// What is broken, and what the doctor has to say: which check, how bad, what it names, what to do.
struct Case {
    name: &'static str,
    lab: Lab,
    keys: RawCredentials,
    id: &'static str,
    status: Status,
    says: &'static str,
    next: &'static str,
    faults: Vec<FaultGuard>,
}

impl Case {
    fn failed(name: &'static str, lab: Lab, id: &'static str, says: &'static str, next: &'static str) -> Self {
        Self { name, lab, keys: Lab::keys(), id, status: Status::Failed, says, next, faults: Vec::new() }
    }

    fn warning(name: &'static str, lab: Lab, id: &'static str, says: &'static str, next: &'static str) -> Self {
        Self { status: Status::Warning, ..Self::failed(name, lab, id, says, next) }
    }

    fn with_keys(self, keys: RawCredentials) -> Self {
        Self { keys, ..self }
    }

    fn with(mut self, fault: impl FnOnce(&Emulator) -> FaultGuard) -> Self {
        self.faults.push(fault(&self.lab.emulator));
        self
    }

    async fn check(self) {
        let name = self.name;
        let before = self.lab.role();
        let report = self.lab.doctor_with(self.keys).await;
        assert_eq!(troubles(&report), [self.id], "{name}: {report:#?}");
        let found = check(&report, self.id);
        assert_eq!(found.status, self.status, "{name}: {found:#?}");
        assert!(found.message.contains(self.says), "{name}: {found:#?}");
        assert!(found.next.as_deref().unwrap_or_default().contains(self.next), "{name}: {found:#?}");
        assert_eq!(report.exit_code(), if self.status == Status::Failed { 3 } else { 1 }, "{name}");
        assert!(self.lab.emulator.calls().iter().all(|call| !call.effect), "{name}");
        assert_eq!(self.lab.role(), before, "{name}");
        assert_follows_schema(&serde_json::from_str(&report.to_json()).unwrap());
        let text = report.to_human();
        for secret in self.lab.emulator.secrets() {
            assert!(!text.contains(&secret) && !report.to_json().contains(&secret), "{name}: {text}");
        }
    }
}

fn healthy() -> Lab {
    Lab::new(Some(Role::dts().tag("team", "data")))
}

fn with_key(key: AccessKey) -> Lab {
    Lab::with_key(Some(Role::dts()), key)
}

fn organization() -> Lab {
    Lab::organization(|directory| directory.member(Member::new(MEMBER).role(Role::dts())))
}

async fn all(cases: Vec<Case>) {
    for case in cases {
        case.check().await;
    }
}

#[tokio::test]
async fn wrong_settings() {
    let wrong = |name: &str, value: &str| healthy().set(name, value);
    let next = "correct these environment variables";
    all(vec![
        Case::failed(
            "unknown name",
            wrong("DTS_GUARD_MODUS", "x"),
            "settings",
            "unknown setting `DTS_GUARD_MODUS`",
            next,
        ),
        Case::failed("wrong mode", wrong("DTS_GUARD_MODE", "repair"), "settings", "`remediate`", next),
        Case::failed("foreign endpoint", wrong(ENDPOINTS[0], "https://a.example"), "settings", ENDPOINTS[0], next),
        Case::failed("short key", wrong("DTS_GUARD_JOURNAL_KEY", "short"), "settings", "at least 16", next),
    ])
    .await;
}

#[tokio::test]
async fn no_keys_and_half_a_set() {
    let half = RawCredentials { security_token: None, ..Lab::keys() };
    all(vec![
        Case::failed("none", healthy(), "credentials", "no credentials", "give the function a role")
            .with_keys(RawCredentials::default()),
        Case::failed("half", healthy(), "credentials", "`x-fc-security-token` missing", "all of them together")
            .with_keys(half),
    ])
    .await;
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    for (seconds, says) in [(120, "behind"), (-120, "ahead of"), (3600, "more than 15 minutes off")] {
        let case = Case::warning("clock", healthy(), "clock", says, "set the clock");
        case.lab.emulator.shift_clock(seconds);
        case.check().await;
    }
}

#[tokio::test]
async fn endpoints_out_of_reach() {
    let sts = |url: &str| healthy().set(ENDPOINTS[1], url);
    let no_tls = |lab: Lab| {
        let url = lab.emulator.url().replace("http://127.0.0.1", "https://localhost");
        lab.set(ENDPOINTS[0], &url)
    };
    let stranger = Emulator::start_tls(World::new()).unwrap();
    let untrusted = healthy().set(ENDPOINTS[0], &stranger.url());
    all(vec![
        Case::failed(
            "no such name",
            sts("https://sts.zz-nowhere.aliyuncs.com"),
            "endpoint-sts",
            "the name of",
            ENDPOINTS[1],
        ),
        Case::failed(
            "closed port",
            sts("http://127.0.0.1:1"),
            "endpoint-sts",
            "a connection to `127.0.0.1:1`",
            "a way to the internet",
        ),
        Case::failed("no TLS there", no_tls(healthy()), "endpoint-ram", "TLS with `localhost:", "in the cloud's place"),
        Case::failed("another root", untrusted, "endpoint-ram", "TLS with `localhost:", "certificate of its own"),
    ])
    .await;
}

#[tokio::test]
async fn keys_that_are_not_accepted_or_not_the_functions() {
    let session = |id: &str, secret: &str, token: &str| {
        AccessKey::session(id, secret, token).of_role(ACCOUNT, "dts-role-guard-role", "lab")
    };
    let own = || session_key();
    let stranger = Lab::of(
        World::new()
            .key(own().of_role(MEMBER, "r", "s"))
            .account(MEMBER, |account| account)
            .account(ACCOUNT, |account| account.role(Role::dts())),
    );
    all(vec![
        Case::failed(
            "unknown",
            with_key(session("STS.Other", KEY_SECRET, TOKEN)),
            "caller",
            "is unknown",
            "other keys",
        ),
        Case::failed(
            "wrong secret",
            with_key(session(KEY_ID, "another-secret", TOKEN)),
            "caller",
            "secret does not belong",
            "other keys",
        ),
        Case::failed(
            "wrong token",
            with_key(session(KEY_ID, KEY_SECRET, "another-token")),
            "caller",
            "security token",
            "other keys",
        ),
        Case::failed("expired", with_key(key().expired()), "caller", "have expired", "fresh temporary keys"),
        Case::failed("disabled", with_key(key().inactive()), "caller", "is disabled", "other keys"),
        Case::failed("another account's", stranger, "caller", MEMBER, "a role of its own account"),
        Case::failed(
            "the guarded role's",
            with_key(own().of_role(ACCOUNT, DTS_ROLE, "s")),
            "caller",
            "is the one that is guarded",
            "a role of its own",
        ),
        Case::warning("root's", with_key(own().of_root(ACCOUNT)), "caller", "the root of account", "policies/"),
    ])
    .await;
}

#[tokio::test]
async fn a_role_that_cannot_be_read_or_is_broken() {
    let denied = |operation: &'static str| move |cloud: &Emulator| cloud.fault(Rule::on(operation).every().deny());
    let verify = "policies/verify.json";
    all(vec![
        Case::failed("GetRole", healthy(), "role", "lacks the permission `ram:GetRole`", verify)
            .with(denied("GetRole")),
        Case::failed("ListPoliciesForRole", healthy(), "policies", "`ram:ListPoliciesForRole`", verify)
            .with(denied("ListPoliciesForRole")),
        Case::failed("ListTagResources", healthy(), "tags", "a repair would be refused", verify)
            .with(denied("ListTagResources")),
        Case::failed("control policy", healthy(), "role", "a control policy", "control policies")
            .with(|cloud| cloud.fault(Rule::on("GetRole").every().deny_by_control_policy())),
        Case::failed("throttled", healthy(), "role", "was throttled", "DTS_GUARD_RATE")
            .with(|cloud| cloud.fault(Rule::on("GetRole").every().throttle())),
        Case::failed("no JSON", healthy(), "policies", "no readable reply", "the request id")
            .with(|cloud| cloud.fault(Rule::on("ListPoliciesForRole").every().html(502))),
        Case::warning("missing", Lab::new(None), "role", "the role is missing", "dts-role-guard plan"),
        Case::warning(
            "trust",
            Lab::new(Some(Role::dts().trusting_service("ecs.aliyuncs.com"))),
            "role",
            "dts.aliyuncs.com",
            "dts-role-guard plan",
        ),
        Case::warning(
            "policy",
            Lab::new(Some(Role::dts().detach(DTS_POLICY))),
            "policies",
            DTS_POLICY,
            "dts-role-guard plan",
        ),
    ])
    .await;
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn a_directory_that_cannot_be_asked_and_members_that_cannot_be_entered() {
    let denied = |operation: &'static str| move |cloud: &Emulator| cloud.fault(Rule::on(operation).every().deny());
    let with = |member: Member| Lab::organization(|directory| directory.member(member));
    let claims = Lab::organization(|directory| directory.member(Member::new(MEMBER)).claims_total(2));
    let delegated = || {
        let world = World::new().key(key()).account(ACCOUNT, |account| account.role(Role::dts()));
        let manager = "9234567890123456";
        Lab::of(world.account(manager, |account| account).directory(manager, |directory| {
            let own = Member::new(ACCOUNT).role(Role::dts());
            directory.member(own).member(Member::new(MEMBER)).delegated_administrator(ACCOUNT)
        }))
        .set("DTS_GUARD_SCOPE", "organization")
    };
    all(vec![
        Case::failed(
            "GetAccount",
            organization(),
            "directory",
            "resourcemanager:GetAccount",
            "`resourcemanager:GetAccount`",
        )
        .with(denied("GetAccount")),
        Case::failed("ListAccounts", organization(), "members", "resourcemanager:ListAccounts", "see `directory`")
            .with(denied("ListAccounts")),
        Case::failed("TotalCount", claims, "members", "2 members", "not looked at"),
        Case::warning(
            "no members",
            Lab::organization(|directory| directory),
            "members",
            "no members",
            "DTS_GUARD_SCOPE=account",
        ),
        Case::failed(
            "folder",
            organization().set("DTS_GUARD_EXCLUDE_FOLDERS", "fd-nosuch"),
            "folders",
            "`fd-nosuch`",
            "DTS_GUARD_EXCLUDE_FOLDERS",
        ),
        Case::failed(
            "no role",
            with(Member::new(MEMBER).without_access_role()),
            "member-2234567890123456",
            MEMBER,
            "create it",
        ),
        Case::failed(
            "suspended",
            with(Member::new(MEMBER).suspended()),
            "member-2234567890123456",
            "suspended",
            "Inactive",
        ),
        Case::failed(
            "AssumeRole",
            organization(),
            "member-2234567890123456",
            "sts:AssumeRole",
            "lacks `sts:AssumeRole`",
        )
        .with(denied("AssumeRole")),
        Case::failed("delegated", delegated(), "member-2234567890123456", MEMBER, "DTS_GUARD_MEMBER_ROLE"),
        Case::failed(
            "member's role",
            organization(),
            "member-2234567890123456",
            "cannot be read",
            "policies/verify.json",
        )
        .with(|cloud| cloud.fault(Rule::on("GetRole").account(MEMBER).every().deny())),
    ])
    .await;
}

#[tokio::test]
async fn a_journal_folder_that_cannot_be_used() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let absent = place.path().join("absent");
    let at = |path: &std::path::Path| healthy().set(JOURNAL_DIR, path.to_str().unwrap());
    all(vec![
        Case::failed("absent", at(&absent), "journal-folder", "No such file", "make the folder, or mount it"),
        Case::failed("a file", at(&file), "journal-folder", "is no folder", "name a folder"),
        Case::failed("not writable", at("/proc".as_ref()), "journal-write", "os error", "until then no repair begins"),
    ])
    .await;
}

#[tokio::test]
async fn a_repair_that_would_be_refused() {
    let denied = |operation: &'static str| move |cloud: &Emulator| cloud.fault(Rule::on(operation).every().deny());
    let remediate = "policies/remediate.json";
    let privileged = Lab::new(Some(Role::dts().attach_system("AdministratorAccess")));
    all(vec![
        Case::failed("CreateRole", healthy(), "rehearsal-create", "`ram:CreateRole`", remediate)
            .with(denied("CreateRole")),
        Case::failed("AttachPolicyToRole", healthy(), "rehearsal-attach", "`ram:AttachPolicyToRole`", remediate)
            .with(denied("AttachPolicyToRole")),
        Case::failed("TagResources", healthy(), "rehearsal-tag", "`ram:TagResources`", remediate)
            .with(denied("TagResources")),
        Case::failed("control policy", healthy(), "rehearsal-create", "a control policy", "control policies")
            .with(|cloud| cloud.fault(Rule::on("CreateRole").every().deny_by_control_policy())),
        Case::failed("not answered", healthy(), "rehearsal-create", "was not answered", "run the doctor again")
            .with(|cloud| cloud.fault(Rule::on("CreateRole").every().unavailable())),
        Case::warning("privileged", privileged, "rehearsal-attach", "AdministratorAccess", "detach it by hand"),
    ])
    .await;
}

/// The own keys work in their own account, and one of the members does not let them in.
#[tokio::test]
async fn of_many_members_five_are_entered_and_each_is_named() {
    let ids: Vec<_> = member_ids(12).collect();
    let barred = ids[3].clone();
    let lab = Lab::organization(|directory| {
        directory.members(ids, |index, member| if index == 3 { member.without_access_role() } else { member })
    });
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), [format!("member-{barred}")], "{report:#?}");
    assert_eq!(report.checks.iter().filter(|check| check.id.starts_with("member-")).count(), 5);
    assert!(check(&report, "members").message.starts_with("12 members"));
}

#[tokio::test]
async fn root_keys_cannot_enter_a_member() {
    let key = session_key().of_root(ACCOUNT);
    let lab = Lab::organization_with_key(key, |directory| directory.member(Member::new(MEMBER)));
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), ["caller", "member-2234567890123456"], "{report:#?}");
    assert!(check(&report, "caller").message.contains("cannot assume a role"));
}

#[tokio::test]
async fn an_account_without_a_directory_is_told_so() {
    let report = healthy().set("DTS_GUARD_SCOPE", "organization").doctor().await;
    assert_eq!(troubles(&report), ["directory", "members"], "{report:#?}");
    assert!(check(&report, "directory").next.as_deref().unwrap().contains("management account"), "{report:#?}");
}

#[tokio::test]
async fn a_cloud_that_serves_nobody_is_said_to_be_unavailable() {
    let lab = healthy();
    let _down = lab.emulator.fault(Rule::any().every().unavailable());
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), ["caller", "role", "policies", "tags"], "{report:#?}");
    assert!(check(&report, "role").message.contains("ServiceUnavailable"));
    assert_eq!(check(&report, "rehearsal-create").status, Status::Skipped);
    assert_eq!(report.exit_code(), 3);
}

/// The one moment in which a rehearsal can have an effect is told, and what was taken away by somebody stays away.
#[tokio::test]
async fn somebody_who_works_on_the_role_at_that_moment_is_noticed() {
    let lab = Lab::new(Some(Role::dts().attach_custom("TeamExtra")));
    let rule = Rule::on("AttachPolicyToRole").param("PolicyName", "TeamExtra").nth(1);
    let _person = lab.emulator.on_call(rule, |world| {
        world.detach(ACCOUNT, DTS_ROLE, "TeamExtra");
    });
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), ["rehearsal-attach"], "{report:#?}");
    assert!(check(&report, "rehearsal-attach").message.contains("took it off again"), "{report:#?}");
    assert_eq!(lab.role().unwrap().policy_names(), [DTS_POLICY]);
}

/// Between the first look and the rehearsal much can happen: nothing is set back, and what is broken by then is left to a run.
#[tokio::test]
async fn what_somebody_changed_since_the_first_look_stays_as_it_is_now() {
    let lab = healthy();
    let _person = lab.emulator.on_call(Rule::on("ListTagResources").nth(2), |world| {
        world.set_tag(ACCOUNT, DTS_ROLE, "team", "logs");
    });
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), [""; 0], "{report:#?}");
    assert_eq!(check(&report, "rehearsal-tag").status, Status::Ok);
    assert_eq!(lab.role().unwrap().tags["team"], "logs");

    let lab = healthy();
    let _person = lab.emulator.on_call(Rule::on("ListPoliciesForRole").nth(2), |world| {
        world.detach(ACCOUNT, DTS_ROLE, DTS_POLICY);
    });
    let report = lab.doctor().await;
    assert!(check(&report, "rehearsal-create").message.contains("somebody has changed the role"), "{report:#?}");
    assert_eq!(lab.writes(), [""; 0]);
}
