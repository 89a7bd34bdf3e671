//! Makes trust policies: understood, almost understood, and not at all.

use authorization::policy::ASSUME_ROLE;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use crate::DTS;

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

pub(crate) const OTHER_SERVICES: [&str; 4] =
    ["ecs.aliyuncs.com", "1234567890123456@dts.aliyuncs.com", "dts2.aliyuncs.com", "dts.aliyuncs.com.example"];

fn services() -> impl Strategy<Value = Value> {
    let mut names = vec![DTS, DTS];
    names.extend(OTHER_SERVICES);
    subsequence(names, 0..=3).prop_flat_map(one_or_many)
}

/// The name in another case, with blanks around it, a dot behind it, or something in it that does not show.
pub(crate) fn near_misses() -> impl Strategy<Value = String> {
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
pub(crate) fn understood() -> impl Strategy<Value = Value> {
    statement_of(select(vec!["Allow", "Allow", "Allow", "Deny"]), principal_of(services()))
}

/// Statements that are understood and do not speak of DTS.
pub(crate) fn about_others() -> impl Strategy<Value = Value> {
    let names = subsequence(&OTHER_SERVICES[..], 0..=3).prop_flat_map(one_or_many);
    statement_of(select(vec!["Allow", "Deny"]), principal_of(names))
}

/// Statements that are not understood as a whole, each for another reason.
pub(crate) fn odd() -> impl Strategy<Value = Value> {
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

pub(crate) fn statements() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop_oneof![6 => understood(), 1 => odd()], 0..6)
}

/// JSON of any kind with the words of policies in it.
pub(crate) fn near_json() -> impl Strategy<Value = Value> {
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
