//! Properties of the evaluation of trust policies, and a naive evaluator that must agree with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use authorization::policy::{
    ASSUME_ROLE, CannotExtend, Effect, PolicyDocument, Principal, decide, other_principals, same_document, with_service,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

const DTS: &str = "dts.aliyuncs.com";

fn dts() -> Principal {
    Principal::service(DTS)
}

fn effect(text: &str) -> Effect {
    decide(&PolicyDocument::parse(text, DTS), ASSUME_ROLE, &dts()).effect
}

fn grants(effect: Effect) -> bool {
    matches!(effect, Effect::Allowed | Effect::AllowedConditionally)
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "1", "Statement": statements}).to_string()
}

/// One text or a list of texts: the format allows both.
fn one_or_many(texts: Vec<&'static str>) -> impl Strategy<Value = Value> {
    any::<bool>().prop_map(move |bare| match texts.as_slice() {
        [text] if bare => json!(text),
        texts => json!(texts),
    })
}

fn actions() -> impl Strategy<Value = Value> {
    const ACTIONS: [&str; 8] =
        ["sts:AssumeRole", "STS:assumerole", "sts:*", "*", "sts:Assume????", "sts:AssumeRoleWithSAML", "ram:*", ""];
    subsequence(&ACTIONS[..], 0..=3).prop_flat_map(one_or_many)
}

const OTHER_SERVICES: [&str; 4] =
    ["ecs.aliyuncs.com", "1234567890123456@dts.aliyuncs.com", "dts2.aliyuncs.com", "dts.aliyuncs.com.example"];

fn services() -> impl Strategy<Value = Value> {
    let mut names = vec![DTS, DTS];
    names.extend(OTHER_SERVICES);
    subsequence(names, 0..=3).prop_flat_map(one_or_many)
}

/// The name in another case, with blanks around it, a dot behind it, or something in it that does not show.
fn near_misses() -> impl Strategy<Value = String> {
    let hidden = select(vec!["\u{ad}", "\u{200b}", "\u{202e}", "\u{fe0f}", "\u{e0041}", "\u{feff}"]);
    let place = any::<prop::sample::Index>();
    let cased = any::<[bool; DTS.len()]>().prop_map(|upper| {
        let letters = DTS.chars().zip(upper);
        letters.map(|(letter, upper)| if upper { letter.to_ascii_uppercase() } else { letter }).collect::<String>()
    });
    let around = select(vec![("", ""), (" ", ""), ("", "\t"), ("", "."), ("\n", ". ")]);
    (cased, around, prop::option::of((hidden, place))).prop_filter_map(
        "the name itself",
        |(mut name, around, hidden)| {
            if let Some((hidden, place)) = hidden {
                name.insert_str(place.index(name.len() + 1), hidden);
            }
            Some(format!("{}{name}{}", around.0, around.1)).filter(|name| name != DTS)
        },
    )
}

fn principal_of(services: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let others = select(vec![
        json!({}),
        json!({"RAM": "acs:ram::1234567890123456:root"}),
        // A name that only a service may have here.
        json!({"RAM": [DTS], "Federated": "acs:ram::1234567890123456:saml-provider/x"}),
    ]);
    (others, services, any::<bool>()).prop_map(|(mut principal, services, with)| {
        if with {
            principal["Service"] = services;
        }
        principal
    })
}

fn condition() -> impl Strategy<Value = Option<Value>> {
    select(vec![
        None,
        None,
        None,
        Some(json!({})),
        Some(json!({"StringEquals": {}})),
        Some(json!({"StringEquals": {"sts:ExternalId": "x"}})),
        Some(json!({"Bool": {"acs:SecureTransport": true}})),
        Some(json!({"Invented": {"a": ["b", "c"]}})),
    ])
}

fn statement_of(
    effect: impl Strategy<Value = &'static str>,
    principal: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    (effect, actions(), principal, condition()).prop_map(|(effect, action, principal, condition)| {
        let mut statement = json!({"Effect": effect, "Action": action, "Principal": principal});
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    })
}

/// Statements about DTS, about others, and about both; more that grant than that forbid.
fn understood() -> impl Strategy<Value = Value> {
    statement_of(select(vec!["Allow", "Allow", "Allow", "Deny"]), principal_of(services()))
}

/// Statements that are understood and do not speak of DTS.
fn about_others() -> impl Strategy<Value = Value> {
    let names = subsequence(&OTHER_SERVICES[..], 0..=3).prop_flat_map(one_or_many);
    statement_of(select(vec!["Allow", "Deny"]), principal_of(names))
}

/// Statements that are not understood as a whole, each for another reason.
fn odd() -> impl Strategy<Value = Value> {
    let service = json!({"Service": [DTS]});
    select(vec![
        json!({"Effect": "Allow", "Action": ASSUME_ROLE, "Principal": "*"}),
        json!({"Effect": "Deny", "Action": ASSUME_ROLE, "Principal": "*"}),
        json!({"Effect": "Allow", "Action": ASSUME_ROLE, "Principal": {"Service": "*.aliyuncs.com"}}),
        json!({"Effect": "allow", "Action": ASSUME_ROLE, "Principal": service}),
        json!({"Effect": "Allow", "NotAction": "x", "Principal": service}),
        json!({"Effect": "Allow", "Action": ASSUME_ROLE, "Principal": service, "Resource": "*"}),
        json!({"Effect": "Allow", "Action": [1.50, null], "Principal": service}),
        json!({"Effect": "Allow", "Action": ASSUME_ROLE}),
        json!({"Effect": "Allow", "Action": ASSUME_ROLE, "Principal": {"Anybody": [DTS]}}),
        json!({"Effect": "Allow", "Action": ASSUME_ROLE, "Principal": service, "Condition": "x"}),
        json!("text"),
        json!(null),
    ])
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop_oneof![6 => understood(), 1 => odd()], 0..6)
}

/// JSON of any kind with the words of policies in it.
fn near_json() -> impl Strategy<Value = Value> {
    let words = || {
        select(vec![
            "Version",
            "1",
            "Statement",
            "Effect",
            "Allow",
            "Deny",
            "Action",
            "*",
            "Principal",
            "Service",
            DTS,
            ASSUME_ROLE,
            "Condition",
            "Bool",
            "%7B",
            "",
        ])
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        words().prop_map(|word| json!(word)),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((words(), inner), 0..6).prop_map(|entries| {
                Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

/// Reads, decides and extends, and holds what is true of any text.
fn check_any_text(text: &str) -> Result<(), TestCaseError> {
    let parsed = PolicyDocument::parse(text, DTS);
    let decision = decide(&parsed, ASSUME_ROLE, &dts());
    prop_assert!(decision.because.iter().all(|place| parsed.statements.iter().any(|(index, _)| index == place)));
    prop_assert_eq!(decision.because.is_empty(), decision.effect == Effect::NotAllowed);
    prop_assert!(!other_principals(&parsed, &dts()).contains(&dts()));
    prop_assert!(same_document(text, text));
    if let Ok(extended) = with_service(text, DTS) {
        prop_assert!(grants(effect(&extended)), "{}", extended);
    }
    Ok(())
}

/// The semantics in the plainest words, over JSON and not over the program's own types.
mod naive {
    use super::{DTS, Effect, Value};

    pub(crate) fn effect(statements: &[Value]) -> Effect {
        let about_us: Vec<_> =
            statements.iter().filter(|one| is_understood(one) && names_us(one) && covers(one)).collect();
        let any = |word: &str, conditional: bool| {
            about_us.iter().any(|one| one["Effect"] == word && has_condition(one) == conditional)
        };
        if any("Deny", false) {
            Effect::Denied
        } else if !any("Allow", false) && !any("Allow", true) {
            Effect::NotAllowed
        } else if any("Allow", false) && !any("Deny", true) {
            Effect::Allowed
        } else {
            Effect::AllowedConditionally
        }
    }

    /// The generator's odd statements lack one of these or hold something beside them.
    fn is_understood(statement: &Value) -> bool {
        let Some(fields) = statement.as_object() else { return false };
        let known = |key: &String| ["Effect", "Action", "Principal", "Condition"].contains(&key.as_str());
        let kinds = ["RAM", "Service", "Federated"];
        let principal = statement["Principal"].as_object();
        fields.keys().all(known)
            && (statement["Effect"] == "Allow" || statement["Effect"] == "Deny")
            && all_texts(&statement["Action"])
            && principal.is_some_and(|all| all.keys().all(|kind| kinds.contains(&kind.as_str())))
            && texts(&statement["Principal"]["Service"]).iter().all(|name| !name.contains('*'))
            && fields.get("Condition").is_none_or(Value::is_object)
    }

    fn all_texts(value: &Value) -> bool {
        value.is_string() || value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
    }

    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn names_us(statement: &Value) -> bool {
        texts(&statement["Principal"]["Service"]).contains(&DTS)
    }

    fn covers(statement: &Value) -> bool {
        texts(&statement["Action"]).iter().any(|pattern| glob(&pattern.to_lowercase(), "sts:assumerole"))
    }

    /// By trying everything.
    fn glob(pattern: &str, text: &str) -> bool {
        let (Some(first), mut rest) = (pattern.chars().next(), pattern.chars()) else { return text.is_empty() };
        rest.next();
        let rest = rest.as_str();
        match first {
            '*' => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
            '?' => !text.is_empty() && glob(rest, &text[1..]),
            letter => text.starts_with(letter) && glob(rest, &text[1..]),
        }
    }

    fn has_condition(statement: &Value) -> bool {
        let operators = statement["Condition"].as_object();
        operators.is_some_and(|all| !all.is_empty())
    }
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
        prop_assert_eq!(effect(part), Effect::NotAllowed);
    }

    #[test]
    fn a_naive_evaluator_agrees(statements in statements()) {
        prop_assert_eq!(effect(&document(&statements)), naive::effect(&statements));
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
        let decision = decide(&PolicyDocument::parse(&text, DTS), ASSUME_ROLE, &dts());
        prop_assert_eq!(decision.effect, Effect::Denied);
        prop_assert!(decision.because.contains(&place));
        prop_assert_eq!(with_service(&text, DTS), Err(CannotExtend::Denied));
    }

    #[test]
    fn a_conditional_deny_never_leaves_an_unconditional_yes(mut statements in statements()) {
        let condition = json!({"StringEquals": {"sts:ExternalId": "x"}});
        let principal = json!({"Service": DTS});
        statements.push(json!({"Effect": "Deny", "Action": "*", "Principal": principal, "Condition": condition}));
        prop_assert_ne!(effect(&document(&statements)), Effect::Allowed);
    }

    #[test]
    fn statements_about_others_do_not_change_the_answer(
        statements in statements(), others in prop::collection::vec(about_others(), 1..4),
    ) {
        let before = effect(&document(&statements));
        prop_assert_eq!(effect(&document(&[statements.clone(), others.clone()].concat())), before);
        prop_assert_eq!(effect(&document(&[others, statements].concat())), before);
    }

    #[test]
    fn statements_that_are_not_understood_do_not_change_the_answer_and_are_reported(
        statements in prop::collection::vec(understood(), 0..4), odd in odd(),
    ) {
        let (before, with) = (document(&statements), document(&[statements.clone(), vec![odd]].concat()));
        prop_assert_eq!(effect(&with), effect(&before));
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
        prop_assert_eq!(effect(&with), effect(&before));
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
        prop_assert_eq!(effect(&document(&shuffled)), effect(&document(&statements)));
    }

    #[test]
    fn percent_encoding_does_not_change_anything(statements in statements()) {
        let text = document(&statements);
        let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
        prop_assert_eq!(PolicyDocument::parse(&encoded, DTS), PolicyDocument::parse(&text, DTS));
        prop_assert_eq!(effect(&encoded), effect(&text));
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
                prop_assert!(grants(effect(&extended)), "{}", extended);
                let mut extended: Value = serde_json::from_str(&extended).unwrap();
                let added = extended["Statement"].as_array_mut().unwrap().pop().unwrap();
                prop_assert_eq!(extended, serde_json::from_str::<Value>(&text).unwrap());
                prop_assert_eq!(effect(&document(&[added])), Effect::Allowed);
            }
            Err(why) => {
                prop_assert_eq!(why, CannotExtend::Denied);
                prop_assert_eq!(effect(&text), Effect::Denied);
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
        let effect = effect(&document(&statements().new_tree(&mut runner).unwrap().current()));
        if !seen.contains(&effect) {
            seen.push(effect);
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}
