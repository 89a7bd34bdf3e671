//! Keys of a terminal: variables, then the profiles of the vendor's CLI.

use std::fs;
use std::path::Path;
use std::process::Command;

use aliyun::clock::Deadline;
use aliyun::credentials::{Error, RawCredentials};
use dts_role_guard::event::decode;
use dts_role_guard::handler::{Abort, RequestContext};
use emulator::{AccessKey, Role, World};
use serde_json::{Value, json};

use testkit::{ACCOUNT, Folder, Guard, KEYS, Lab, key};

use super::outcome;

const HOME_KEY: [&str; 2] = ["LTAI5tHomeExample", "home-secret-0123456789"];
const TEMPORARY: [&str; 3] = ["STS.TemporaryExample", "temporary-secret-01234", "temporary-token-01234"];
const GUARD_ROLE: &str = "guard-on-terminals";

/// A healthy account, a person with two keys, and a role that the person may enter.
fn cloud() -> Lab {
    let entered = Role::named(GUARD_ROLE).trusting_account(ACCOUNT).attach_system("AdministratorAccess");
    let world = World::new()
        .key(key())
        .key(AccessKey::permanent(HOME_KEY[0], HOME_KEY[1]).of_user(ACCOUNT, "alice"))
        .key(AccessKey::session(TEMPORARY[0], TEMPORARY[1], TEMPORARY[2]).of_role(ACCOUNT, "people", "alice"));
    Lab::of(world.account(ACCOUNT, |account| account.role(Role::dts()).role(entered)))
}

fn permanent(name: &str) -> Value {
    json!({"name": name, "mode": "AK", "access_key_id": HOME_KEY[0], "access_key_secret": HOME_KEY[1], "region_id": "cn-hangzhou"})
}

fn profiles() -> Value {
    let temporary = json!({"name": "temporary", "mode": "StsToken", "access_key_id": TEMPORARY[0],
        "access_key_secret": TEMPORARY[1], "sts_token": TEMPORARY[2]});
    let mut role = permanent("role");
    role["mode"] = "RamRoleArn".into();
    role["ram_role_arn"] = format!("acs:ram::{ACCOUNT}:role/{GUARD_ROLE}").into();
    role["ram_session_name"] = "alice@work".into();
    role["expired_seconds"] = 1200.into();
    let mut unknown = permanent("unknown");
    unknown["access_key_id"] = "LTAI5tNobodyHasThis".into();
    let browser = json!({"name": "browser", "mode": "CloudSSO", "cloud_sso_sign_in_url": "https://signin.example"});
    let empty = json!({"name": "empty", "mode": "AK", "access_key_id": "", "access_key_secret": ""});
    json!({"current": "work", "profiles": [permanent("work"), temporary, role, unknown, browser, empty], "meta_path": ""})
}

/// Puts something in a file's place.
type Make<'a> = &'a dyn Fn(&Path);

/// A home whose CLI has these profiles.
fn home(profiles: &str) -> Folder {
    let home = Folder::new();
    fs::create_dir(home.path().join(".aliyun")).unwrap();
    fs::write(file(&home), profiles).unwrap();
    home
}

fn file(home: &Folder) -> std::path::PathBuf {
    home.path().join(".aliyun/config.json")
}

/// A command without keys in its variables.
fn command(lab: &Lab, home: &Path, arguments: &[&str]) -> Command {
    let mut command = super::command(lab, arguments);
    for (name, _) in KEYS {
        command.env_remove(name);
    }
    command.env("HOME", home);
    command
}

fn key_ids(lab: &Lab) -> Vec<String> {
    let mut ids: Vec<_> = lab.emulator.calls().into_iter().filter_map(|call| call.access_key_id).collect();
    ids.dedup();
    ids
}

#[test]
fn the_profile_is_the_argument_then_the_variable_then_the_current_one() {
    let home = home(&profiles().to_string());
    for (arguments, variable, key) in [
        (&["verify"][..], "", HOME_KEY[0]),
        (&["verify"], "temporary", TEMPORARY[0]),
        (&["verify", "--profile", "temporary"], "browser", TEMPORARY[0]),
    ] {
        let lab = cloud();
        let mut command = command(&lab, home.path(), arguments);
        let (code, report, said) = outcome(&command.env("ALIBABA_CLOUD_PROFILE", variable).output().unwrap());
        assert_eq!((code, &report["status"]), (0, &"authorized".into()), "{arguments:?}: {said} {report:#}");
        assert_eq!(key_ids(&lab), [key], "{arguments:?}");
    }
}

#[test]
fn a_profile_with_a_role_enters_it_first_and_does_everything_else_in_it() {
    let (lab, home) = (cloud(), home(&profiles().to_string()));
    let (code, report, said) = outcome(&command(&lab, home.path(), &["verify", "--profile", "role"]).output().unwrap());
    assert_eq!((code, &report["status"]), (0, &"authorized".into()), "{said} {report:#}");
    let calls = lab.emulator.calls();
    let (entered, rest) = calls.split_first().unwrap();
    let param = |name: &str| entered.params[name].as_str();
    assert_eq!((&*entered.operation, entered.access_key_id.as_deref()), ("AssumeRole", Some(HOME_KEY[0])));
    assert_eq!((param("RoleSessionName"), param("DurationSeconds")), ("alice@work", "1200"));
    assert_eq!(param("RoleArn"), format!("acs:ram::{ACCOUNT}:role/{GUARD_ROLE}"));
    assert!(!entered.params.contains_key("Policy") && !entered.params.contains_key("ExternalId"), "{entered:?}");
    assert!(!rest.is_empty() && rest.iter().all(|call| call.access_key_id.as_deref() != Some(HOME_KEY[0])), "{rest:?}");
}

/// A session in a member account lasts as long as the run can: here no longer than the keys that enter it.
#[test]
fn a_run_ends_before_the_keys_of_its_role() {
    let member = "2234567890123456".to_owned();
    let entered = Role::named(GUARD_ROLE).trusting_account(ACCOUNT).attach_system("AdministratorAccess");
    let world = World::new()
        .key(AccessKey::permanent(HOME_KEY[0], HOME_KEY[1]).of_user(ACCOUNT, "alice"))
        .account(ACCOUNT, |account| account.role(Role::dts()).role(entered))
        .directory(ACCOUNT, |directory| directory.members([member], |_, member| member.role(Role::dts())));
    let (lab, home) = (Lab::of(world), home(&profiles().to_string()));
    let durations = |profile: &str| {
        let arguments = ["verify", "--scope", "organization", "--profile", profile];
        let before = lab.emulator.calls().len();
        let (code, report, said) = outcome(&command(&lab, home.path(), &arguments).output().unwrap());
        assert_eq!(code, 0, "{said} {report:#}");
        let calls = lab.emulator.calls().split_off(before);
        let entries = calls.into_iter().filter(|call| call.operation == "AssumeRole");
        entries.map(|call| call.params["DurationSeconds"].parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(durations("work"), [3600]);
    let [own, member] = durations("role")[..] else { panic!("two roles are entered") };
    assert_eq!(own, 1200);
    assert!((1100..=1140).contains(&member), "{member}");
}

#[test]
fn variables_come_first_and_a_part_of_them_is_never_completed() {
    let home = home(&profiles().to_string());
    let lab = cloud();
    let mut with_both = super::command(&lab, &["verify", "--profile", "work"]);
    let (code, _, said) = outcome(&with_both.env("HOME", home.path()).output().unwrap());
    assert_eq!((code, key_ids(&lab)), (0, vec![KEYS[0].1.to_owned()]), "{said}");
    assert!(said.contains("`--profile` is not looked at"), "{said}");
    for (name, value) in KEYS {
        let lab = cloud();
        let (code, _, said) = outcome(&command(&lab, home.path(), &["verify"]).env(name, value).output().unwrap());
        assert_eq!((code, lab.emulator.calls().len()), (3, 0), "{name}: {said}");
        assert!(said.contains("incomplete credentials in the environment") && !said.contains("profile"), "{said}");
    }
}

#[test]
fn what_is_wrong_with_a_profile_is_said_in_the_words_of_a_terminal() {
    let home = home(&profiles().to_string());
    for (name, words) in [
        ("browser", "the mode `CloudSSO`, and only `AK`, `StsToken` and `RamRoleArn`"),
        ("empty", "the profile `empty` without `access_key_id` and `access_key_secret`"),
        ("absent", "no profile `absent`, which `--profile` names; it has `work`, `temporary`, `role`"),
    ] {
        let lab = cloud();
        let (code, report, said) =
            outcome(&command(&lab, home.path(), &["verify", "--profile", name]).output().unwrap());
        assert_eq!((code, report, lab.emulator.calls().len()), (3, Value::Null, 0), "{said}");
        for part in [words, "no credentials", "ALIBABA_CLOUD_ACCESS_KEY_ID", file(&home).to_str().unwrap()] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("header") && !said.contains("x-fc") && !said.contains(HOME_KEY[1]), "{said}");
    }
    let lab = cloud();
    let (code, _, said) = outcome(&command(&lab, home.path(), &["verify", "--profile", ""]).output().unwrap());
    assert_eq!(code, 2, "{said}");
}

#[test]
fn a_file_that_is_none_ends_at_once_and_is_named() {
    let make: [(&str, Make<'_>, &str); 7] = [
        ("absent", &|path| fs::remove_file(path).unwrap(), "does not exist"),
        ("text", &|path| fs::write(path, "home-secret-0123456789").unwrap(), "is not JSON (line 1, column 1)"),
        ("list", &|path| fs::write(path, "[]").unwrap(), "is not as the CLI writes it"),
        ("huge", &|path| fs::File::create(path).unwrap().set_len(1 << 32).unwrap(), "larger than 4194304 bytes"),
        (
            "folder",
            &|path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            },
            "no plain file",
        ),
        (
            "pipe",
            &|path| {
                fs::remove_file(path).unwrap();
                assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            },
            "no plain file",
        ),
        (
            "device",
            &|path| {
                fs::remove_file(path).unwrap();
                std::os::unix::fs::symlink("/dev/zero", path).unwrap();
            },
            "no plain file",
        ),
    ];
    for (what, make, words) in make {
        let (lab, home) = (cloud(), home("{}"));
        make(&file(&home));
        let (code, _, said) = outcome(&command(&lab, home.path(), &["verify"]).output().unwrap());
        assert_eq!((code, lab.emulator.calls().len()), (3, 0), "{what}: {said}");
        assert!(said.contains(words) && said.contains(file(&home).to_str().unwrap()), "{what}: {said}");
        assert!(!said.contains(HOME_KEY[1]), "{what}: {said}");
    }
}

#[test]
fn without_a_home_no_profile_is_guessed() {
    let (lab, here) = (cloud(), home(&profiles().to_string()));
    for value in [None, Some(""), Some("."), Some("~")] {
        let mut command = command(&lab, here.path(), &["verify"]);
        command.current_dir(here.path()).env_remove("HOME").envs(value.map(|value| ("HOME", value)));
        let (code, _, said) = outcome(&command.output().unwrap());
        assert_eq!((code, lab.emulator.calls().len()), (3, 0), "{value:?}: {said}");
        assert!(said.contains("`HOME` names no folder") && said.contains("ALIBABA_CLOUD_SECURITY_TOKEN"), "{said}");
    }
}

#[test]
fn an_unknown_key_is_called_unknown_wherever_it_comes_from() {
    let home = home(&profiles().to_string());
    let lab = cloud();
    let arguments = ["verify", "--profile", "unknown"];
    let (code, report, _) = outcome(&command(&lab, home.path(), &arguments).output().unwrap());
    let error = &report["accounts"][0]["error"];
    assert_eq!((code, &error["code"]), (3, &"InvalidAccessKeyId.NotFound".into()), "{report:#}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("the access key id `LTAI5tNo…` from the profile `unknown` is unknown"), "{message}");
    let mut command = command(&lab, home.path(), &["verify"]);
    command.env(KEYS[0].0, "LTAI5tNobodyHasThis").env(KEYS[1].0, "x");
    let (code, report, _) = outcome(&command.output().unwrap());
    let message = report["accounts"][0]["error"]["message"].as_str().unwrap();
    assert!(code == 3 && message.contains("`LTAI5tNo…` from the environment is unknown"), "{report:#}");
}

#[test]
fn a_role_that_may_not_be_entered_is_a_report() {
    let home = home(&profiles().to_string().replace(GUARD_ROLE, "NoSuchRole"));
    let lab = cloud();
    let (code, report, _) = outcome(&command(&lab, home.path(), &["verify", "--profile", "role"]).output().unwrap());
    assert_eq!((code, &report["status"]), (3, &"failed".into()), "{report:#}");
    let message = report["accounts"][0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("AssumeRole"), "{message}");
    assert_eq!(lab.emulator.operations(), ["AssumeRole"]);
}

/// The doctor's check of this id.
fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("{report:#}"))
}

#[test]
fn the_doctor_uses_the_profile_and_says_what_is_wrong_with_it() {
    let home = home(&profiles().to_string());
    for (profile, key) in [("work", HOME_KEY[0]), ("role", "STS.")] {
        let lab = cloud();
        let (_, report, said) =
            outcome(&command(&lab, home.path(), &["doctor", "--profile", profile]).output().unwrap());
        for id in ["credentials", "caller"] {
            assert_ne!(check(&report, id)["status"], "failed", "{profile}: {said} {report:#}");
        }
        let calls = lab.emulator.calls();
        let caller = calls.iter().find(|call| call.operation == "GetCallerIdentity").unwrap();
        assert!(caller.access_key_id.as_deref().unwrap().starts_with(key), "{caller:?}");
    }
    let (lab, missing) = (cloud(), self::home(&profiles().to_string().replace(GUARD_ROLE, "NoSuchRole")));
    for (home, profile, words) in [
        (&home, "browser", "`CloudSSO`"),
        (&home, "absent", "no profile `absent`"),
        (&missing, "role", "cannot be assumed"),
    ] {
        let (code, report, said) =
            outcome(&command(&lab, home.path(), &["doctor", "--profile", profile]).output().unwrap());
        let check = check(&report, "credentials");
        assert_eq!((code, &check["status"]), (3, &"failed".into()), "{profile}: {said} {report:#}");
        assert!(check["message"].as_str().unwrap().contains(words), "{check:#}");
    }
    let mut function = command(&lab, home.path(), &["doctor", "--profile", "work"]);
    assert_eq!(outcome(&function.env("FC_REGION", "x").output().unwrap()).0, 2);
}

/// Somebody's home may be in the package's image, and an instance is no place for a person's keys.
#[test]
fn where_a_function_runs_no_profile_is_looked_for() {
    let (lab, home) = (cloud(), home(&profiles().to_string()));
    for (arguments, code, words) in [
        (&["verify"][..], 3, "no credentials: set `ALIBABA_CLOUD_ACCESS_KEY_ID`"),
        (&["verify", "--profile", "work"], 2, "`--profile` is for a terminal"),
    ] {
        let mut command = command(&lab, home.path(), arguments);
        command.env("ALIBABA_CLOUD_PROFILE", "work").env("FC_REGION", "cn-hangzhou");
        let (found, _, said) = outcome(&command.output().unwrap());
        assert_eq!((found, lab.emulator.calls().len()), (code, 0), "{said}");
        assert!(said.contains(words) && !said.contains("config.json"), "{said}");
    }
    let settings = [("HOME", home.text()), ("ALIBABA_CLOUD_PROFILE", "work")];
    let guard = Guard::start(&lab.emulator, &settings);
    let none = [("x-fc-access-key-id", ""), ("x-fc-access-key-secret", ""), ("x-fc-security-token", "")];
    let failure = guard.invoke_with("verify", &none).failure();
    assert_eq!(failure["errorType"], "NoCredentials", "{failure:#}");
    assert_eq!(lab.emulator.calls().len(), 0);
}

/// On a workstation too: what serves is the same program with the same promises.
#[tokio::test]
async fn what_serves_knows_no_profile() {
    let home = home(&profiles().to_string());
    let lab = cloud().set("HOME", home.text()).set("ALIBABA_CLOUD_PROFILE", "work");
    let event = decode(b"verify", lab.app().config().unwrap().allowed());
    let context = RequestContext {
        request_id: "served".to_owned(),
        keys: RawCredentials::default(),
        account: None,
        deadline: Deadline::NONE,
    };
    let why = lab.app().run(event, context).await.unwrap_err();
    assert!(matches!(why, Abort::Credentials(Error::Missing)), "{why}");
    assert_eq!(lab.emulator.calls().len(), 0);
}
