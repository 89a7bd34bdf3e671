//! Properties of the evaluation of trust policies, and a naive evaluator that must agree with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod generator;
mod naive;

use authorization::policy::{
    ASSUME_ROLE, Access, CannotExtend, PolicyDocument, Principal, evaluate, other_principals, same_document,
    with_service,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use generator::{OTHER_SERVICES, about_others, near_json, near_misses, odd, statements, understood};

const DTS: &str = "dts.aliyuncs.com";

fn dts() -> Principal {
    Principal::service(DTS)
}

fn access(text: &str) -> Access {
    evaluate(&PolicyDocument::parse(text, DTS), ASSUME_ROLE, &dts()).access
}

fn grants(access: Access) -> bool {
    matches!(access, Access::Allowed | Access::AllowedConditionally)
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "1", "Statement": statements}).to_string()
}

/// Reads, decides and extends, and holds what is true of any text.
fn check_any_text(text: &str) -> Result<(), TestCaseError> {
    let parsed = PolicyDocument::parse(text, DTS);
    let evaluation = evaluate(&parsed, ASSUME_ROLE, &dts());
    prop_assert!(evaluation.because.iter().all(|place| parsed.statements.iter().any(|(index, _)| index == place)));
    prop_assert_eq!(evaluation.because.is_empty(), evaluation.access == Access::NotAllowed);
    prop_assert!(!other_principals(&parsed, &dts()).contains(&dts()));
    prop_assert!(same_document(text, text));
    if let Ok(extended) = with_service(text, DTS) {
        prop_assert!(grants(access(&extended)), "{}", extended);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_a_panic(text: String) {
        check_any_text(&text)?;
    }

    #[test]
    fn any_json_with_the_words_of_policies_is_read_without_a_panic(value in near_json()) {
        check_any_text(&value.to_string())?;
        check_any_text(&json!({"Version": "1", "Statement": [value.clone()]}).to_string())?;
        check_any_text(&json!({"Version": "1", "Statement": value}).to_string())?;
    }

    #[test]
    fn a_document_that_is_cut_anywhere_grants_nothing(statements in statements(), cut in any::<prop::sample::Index>()) {
        let text = document(&statements);
        let part = &text[..cut.index(text.len())];
        check_any_text(part)?;
        prop_assert_eq!(access(part), Access::NotAllowed);
    }

    #[test]
    fn a_naive_evaluator_agrees(statements in statements()) {
        prop_assert_eq!(access(&document(&statements)), naive::access(&statements));
    }

    #[test]
    fn an_unconditional_deny_wins_wherever_it_stands(
        mut statements in statements(),
        place in any::<prop::sample::Index>(),
        action in select(vec!["sts:AssumeRole", "sts:*", "*", "STS:ASSUMEROLE"]),
        others in subsequence(&OTHER_SERVICES[..], 0..3),
    ) {
        let mut names = others;
        names.push(DTS);
        let deny = json!({"Effect": "Deny", "Action": [action], "Principal": {"Service": names}});
        let place = place.index(statements.len() + 1);
        statements.insert(place, deny);
        let text = document(&statements);
        let evaluation = evaluate(&PolicyDocument::parse(&text, DTS), ASSUME_ROLE, &dts());
        prop_assert_eq!(evaluation.access, Access::Denied);
        prop_assert!(evaluation.because.contains(&place));
        prop_assert_eq!(with_service(&text, DTS), Err(CannotExtend::Denied));
    }

    #[test]
    fn a_conditional_deny_never_leaves_an_unconditional_yes(mut statements in statements()) {
        let condition = json!({"StringEquals": {"sts:ExternalId": "x"}});
        let principal = json!({"Service": DTS});
        statements.push(json!({"Effect": "Deny", "Action": "*", "Principal": principal, "Condition": condition}));
        prop_assert_ne!(access(&document(&statements)), Access::Allowed);
    }

    #[test]
    fn statements_about_others_do_not_change_the_answer(
        statements in statements(), others in prop::collection::vec(about_others(), 1..4),
    ) {
        let before = access(&document(&statements));
        prop_assert_eq!(access(&document(&[statements.clone(), others.clone()].concat())), before);
        prop_assert_eq!(access(&document(&[others, statements].concat())), before);
    }

    #[test]
    fn statements_that_are_not_understood_do_not_change_the_answer_and_are_reported(
        statements in prop::collection::vec(understood(), 0..4), odd in odd(),
    ) {
        let (before, with) = (document(&statements), document(&[statements.clone(), vec![odd]].concat()));
        prop_assert_eq!(access(&with), access(&before));
        prop_assert_eq!(PolicyDocument::parse(&before, DTS).unreadable, []);
        let unreadable = PolicyDocument::parse(&with, DTS).unreadable;
        prop_assert_eq!(unreadable.len(), 1);
        let place = format!("Statement[{}]", statements.len());
        prop_assert!(unreadable[0].path.starts_with(&place), "{}", unreadable[0].path);
    }

    #[test]
    fn names_that_are_ours_but_for_case_or_what_does_not_show_do_not_change_the_answer_and_are_reported(
        statements in prop::collection::vec(understood(), 0..4), near in near_misses(), allow: bool,
    ) {
        let effect_of_it = if allow { "Allow" } else { "Deny" };
        let odd = json!({"Effect": effect_of_it, "Action": ASSUME_ROLE, "Principal": {"Service": [near]}});
        let (before, with) = (document(&statements), document(&[statements.clone(), vec![odd]].concat()));
        prop_assert_eq!(access(&with), access(&before));
        let unreadable = PolicyDocument::parse(&with, DTS).unreadable;
        prop_assert_eq!(unreadable.len(), 1);
        prop_assert_eq!(&unreadable[0].path, &format!("Statement[{}].Principal", statements.len()));
    }

    #[test]
    fn form_encoding_does_not_change_anything(statements in statements()) {
        let text = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&document(&statements)).unwrap()).unwrap();
        let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string().replace("%20", "+");
        prop_assert_eq!(PolicyDocument::parse(&encoded, DTS), PolicyDocument::parse(&text, DTS));
        prop_assert_eq!(with_service(&encoded, DTS), with_service(&text, DTS));
        prop_assert!(same_document(&encoded, &text));
    }

    #[test]
    fn the_order_of_statements_does_not_matter(
        (statements, shuffled) in statements().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(access(&document(&shuffled)), access(&document(&statements)));
    }

    #[test]
    fn percent_encoding_does_not_change_anything(statements in statements()) {
        let text = document(&statements);
        let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
        prop_assert_eq!(PolicyDocument::parse(&encoded, DTS), PolicyDocument::parse(&text, DTS));
        prop_assert_eq!(access(&encoded), access(&text));
        prop_assert_eq!(with_service(&encoded, DTS), with_service(&text, DTS));
        prop_assert!(same_document(&encoded, &text));
    }

    #[test]
    fn white_space_does_not_change_anything(statements in statements()) {
        let text = document(&statements);
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&text).unwrap()).unwrap();
        prop_assert_eq!(PolicyDocument::parse(&format!("\n {pretty}\n"), DTS), PolicyDocument::parse(&text, DTS));
        prop_assert!(same_document(&pretty, &text));
    }

    #[test]
    fn extending_lets_dts_in_and_keeps_every_other_statement(statements in statements()) {
        let text = document(&statements);
        match with_service(&text, DTS) {
            Ok(extended) => {
                prop_assert!(grants(access(&extended)), "{}", extended);
                let mut extended: Value = serde_json::from_str(&extended).unwrap();
                let added = extended["Statement"].as_array_mut().unwrap().pop().unwrap();
                prop_assert_eq!(extended, serde_json::from_str::<Value>(&text).unwrap());
                prop_assert_eq!(access(&document(&[added])), Access::Allowed);
            }
            Err(why) => {
                prop_assert_eq!(why, CannotExtend::Denied);
                prop_assert_eq!(access(&text), Access::Denied);
            }
        }
    }

    #[test]
    fn extending_lets_nobody_else_in(statements in statements()) {
        let text = document(&statements);
        if let Ok(extended) = with_service(&text, DTS) {
            let others = |text: &str| other_principals(&PolicyDocument::parse(text, DTS), &dts());
            prop_assert_eq!(others(&extended), others(&text));
        }
    }
}

/// The properties above prove nothing if the generator makes one kind of document only.
#[test]
fn the_generator_makes_documents_with_every_answer() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = Vec::new();
    for _ in 0..1000 {
        let access = access(&document(&statements().new_tree(&mut runner).unwrap().current()));
        if !seen.contains(&access) {
            seen.push(access);
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}
