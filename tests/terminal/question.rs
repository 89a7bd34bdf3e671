//! The question before a write: what it says, and what its answer does.

use authorization::settings::Mode;
use emulator::{Role, Rule};
use testkit::{Folder, Hang, JOURNAL_DIR, Lab};

use super::{MEMBERS, answer, answer_with, broken, members, named, run};

#[test]
fn remediate_shows_the_plan_and_asks() {
    let lab = broken();
    for no in ["no\n", "\n", "y\n"] {
        let (code, seen) = answer(&lab, &["remediate"], no);
        assert_eq!(code, 1, "{seen}");
        assert!(seen.contains("DeleteRole") && seen.contains("Nothing was written"), "{seen}");
        assert_eq!(lab.writes(), [""; 0]);
    }
    let (code, seen) = answer(&lab, &["remediate"], "yes\n");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("remediated"), "{seen}");
    assert!(seen.contains("\u{1b}["), "a terminal gets colours: {seen}");
}

#[test]
fn what_was_shown_is_what_is_done_or_nothing_is() {
    let lab = broken();
    let _person = lab.emulator.on_call(Rule::on("GetRole").nth(2), |world| {
        world.set_description(testkit::ACCOUNT, emulator::DTS_ROLE, "changed while the question stood");
    });
    let (code, seen) = answer(&lab, &["remediate"], "yes\n");
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("refused"), "{seen}");
    assert_eq!(lab.writes(), [""; 0]);
}

#[test]
fn of_several_accounts_each_gets_the_plan_that_was_shown_for_it() {
    let lab = members();
    let _person = lab.emulator.on_call(Rule::on("GetRole").account(MEMBERS[1]).nth(2), |world| {
        world.set_description(MEMBERS[1], emulator::DTS_ROLE, "changed while the question stood");
    });
    let (code, seen) = answer(&lab, &named("remediate"), "2\n");
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("remediated") && seen.contains("refused"), "{seen}");
    assert!(lab.emulator.writes().iter().all(|call| call.account.as_deref() == Some(MEMBERS[0])));
}

#[test]
fn the_question_says_what_is_destroyed_and_what_comes_back() {
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs.aliyuncs.com","RAM":"acs:ram::2234567890123456:root"}}]}"#;
    let role = Role::dts().trust(trust).attach_custom("TeamExtra").tag("team", "data").description("ours");
    let lab = Lab::new(Some(role));
    let (code, seen) = answer(&lab, &["remediate"], "no\n");
    assert_eq!(code, 1, "{seen}");
    let (_, question) = seen.split_once("This deletes and recreates 1 role in 1 account").expect(&seen);
    for part in [
        "Lose the role for good: ",
        "ecs.aliyuncs.com",
        "acs:ram::2234567890123456:root",
        "Come back: ",
        "policy Custom/TeamExtra",
        "tag team",
        "description",
    ] {
        assert!(question.contains(part), "{part}: {seen}");
    }
}

/// What the guard does not understand of a trust policy is lost as well.
#[test]
fn the_question_names_everybody_who_loses_the_role() {
    let allow = |principal: &str| format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}"#);
    for (principal, name) in [
        (r#""*""#, "Lose the role for good: *."),
        (r#"{"Service":"*.aliyuncs.com"}"#, "Service *.aliyuncs.com"),
        (r#"{"Unheard":["of"]}"#, "Unheard of"),
    ] {
        let trust = format!(r#"{{"Version":"1","Statement":[{}]}}"#, allow(principal));
        let lab = Lab::new(Some(Role::dts().trust(&trust)));
        let report = run(&lab, &["plan"]).1;
        let next = report["accounts"][0]["next"].as_str().unwrap();
        assert!(report["accounts"][0]["steps"][0].is_object(), "{report:#}");
        let (code, seen) = answer(&lab, &["remediate"], "no\n");
        assert!(code == 1 && seen.contains(name), "{name}: {next}: {seen}");
        assert!(!seen.contains("Nobody else loses the role"), "{seen}");
    }
}

/// Nobody says yes to a number of accounts without having read it.
#[test]
fn of_several_accounts_their_number_is_the_answer() {
    let lab = members();
    for no in ["yes\n", "3\n", "\n"] {
        let (code, seen) = answer(&lab, &["remediate", "--scope", "organization"], no);
        assert_eq!(code, 1, "{seen}");
        assert!(seen.contains("2 accounts") && seen.contains("Nothing was written"), "{seen}");
    }
    assert_eq!(lab.writes(), [""; 0]);
    let looks = |account: &str| {
        let calls = lab.emulator.calls();
        calls.iter().filter(|call| call.operation == "GetRole" && call.account.as_deref() == Some(account)).count()
    };
    let (own, broken) = (looks(testkit::ACCOUNT), looks(MEMBERS[0]));
    let (code, seen) = answer(&lab, &["remediate", "--scope", "organization"], "2\n");
    assert_eq!(code, 0, "{seen}");
    assert_eq!(looks(testkit::ACCOUNT) - own, 1, "what is in order is not looked at again");
    assert!(looks(MEMBERS[0]) - broken > 1, "{seen}");
    assert!(seen.contains("2 of 3 remediated") && seen.contains("1 authorized"), "{seen}");
}

/// The plan says that it would be refused without a person's word; the answer is that word.
#[tokio::test]
async fn what_finishes_an_unfinished_repair_is_asked_about_and_then_done() {
    let folder = Folder::new();
    let lab = broken().set(JOURNAL_DIR, folder.text());
    let hang = Hang::at(&lab.emulator, Rule::on("CreateRole").nth(2), true);
    tokio::select! {
        () = hang.reached() => {}
        _ = lab.run(Mode::Remediate) => panic!("it ended before it was killed"),
    }
    drop(hang);
    let variables = [(JOURNAL_DIR, folder.text()), ("DTS_GUARD_APPROVAL", "required")];
    let writes = lab.writes().len();
    let (code, seen) = answer_with(&lab, &["remediate"], &variables, "no\n");
    assert_eq!((code, lab.writes().len()), (1, writes), "{seen}");
    assert!(seen.contains("with a person's word"), "{seen}");
    let (code, seen) = answer_with(&lab, &["remediate"], &variables, "yes\n");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("1 of 1 remediated") && !seen.contains("1 of 1 refused"), "{seen}");
}
