//! One thing is broken at a time: the doctor names that thing, nothing else, and says what to do.

use aliyun::credentials::RawCredentials;
use dts_role_guard::doctor::CheckStatus;
use emulator::{AccessKey, DTS_POLICY, DTS_ROLE, Emulator, Role, Rule, World};
use testkit::{ACCOUNT, ENDPOINTS, JOURNAL_DIR, KEY_ID, KEY_SECRET, Lab, TOKEN, key, session_key};

use super::case::{Case, MEMBER, all, healthy};
use super::{check, troubles};

fn with_key(key: AccessKey) -> Lab {
    Lab::with_key(Some(Role::dts()), key)
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

#[tokio::test]
async fn a_journal_folder_that_cannot_be_used() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let absent = place.path().join("absent");
    let at = |path: &std::path::Path| healthy().set(JOURNAL_DIR, path.to_str().unwrap());
    all(vec![
        Case::failed("absent", at(&absent), "journal-folder", "No such file", "make the folder, or mount it"),
        Case::failed("a file", at(&file), "journal-folder", "is not a folder", "name a folder"),
        Case::failed("not writable", at("/proc".as_ref()), "journal-write", "os error", "until then no repair begins"),
    ])
    .await;
}

#[tokio::test]
async fn a_cloud_that_serves_nobody_is_said_to_be_unavailable() {
    let lab = healthy();
    let _down = lab.emulator.fault(Rule::any().every().unavailable());
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), ["caller", "role", "policies", "tags"], "{report:#?}");
    assert!(check(&report, "role").message.contains("ServiceUnavailable"));
    assert_eq!(check(&report, "rehearsal-create").status, CheckStatus::Skipped);
    assert_eq!(report.exit_code(), 3);
}
