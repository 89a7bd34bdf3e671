//! Event patterns of Alibaba Cloud EventBridge, as its page "Event patterns" documents them.
//!
//! What that page does not say is refused rather than guessed, and so is `cidr`, which no rule of ours uses. A pattern that
//! is read here is one that the vendor documents.

use serde_json::{Map, Value};

/// The most values of one field, from the reference of `CreateRule`. It may mean operators only; counting all is safe.
const VALUES_LIMIT: usize = 5;

/// What an event, or a part of it, must look like.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Every field must match. Other fields do not matter.
    AllOf(Vec<(String, Pattern)>),
    /// One condition is enough.
    AnyOf(Vec<Condition>),
}

/// What one value must be.
#[derive(Debug)]
pub(crate) enum Condition {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    Contains(String),
    NoneOf(Vec<Condition>),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
}

#[derive(Debug)]
pub(crate) enum Comparison {
    Equal,
    Greater,
    Less,
    LessOrEqual,
}

impl Pattern {
    /// Reads the text of a rule.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Self::of_fields(&fields),
            Ok(other) => Err(format!("a pattern is an object, not {other}")),
            Err(error) => Err(format!("no JSON: {error}")),
        }
    }

    /// Whether the rule lets the event through.
    pub(crate) fn matches(&self, event: &Value) -> bool {
        self.accepts(Some(event))
    }

    fn of_fields(fields: &Map<String, Value>) -> Result<Self, String> {
        let fields = fields.iter().map(|(key, value)| Ok((key.clone(), Self::of_field(key, value)?)));
        fields.collect::<Result<_, String>>().map(Self::AllOf)
    }

    fn of_field(key: &str, value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(fields) => Self::of_fields(fields),
            Value::Array(values) if (1..=VALUES_LIMIT).contains(&values.len()) => {
                values.iter().map(Condition::parse).collect::<Result<_, _>>().map(Self::AnyOf)
            }
            Value::Array(values) => Err(format!("`{key}` has {} values, not 1 to {VALUES_LIMIT}", values.len())),
            other => Err(format!("`{key}` must be an array, not {other}")),
        }
    }

    fn accepts(&self, value: Option<&Value>) -> bool {
        match self {
            Self::AllOf(fields) => {
                fields.iter().all(|(key, pattern)| pattern.accepts(value.and_then(|value| value.get(key))))
            }
            Self::AnyOf(conditions) => conditions.iter().any(|condition| condition.accepts(value)),
        }
    }
}

impl Condition {
    fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(operators) => match operators.iter().next() {
                Some((name, operand)) if operators.len() == 1 => Self::of_operator(name, operand),
                _ => Err(format!("not one operator: {value}")),
            },
            Value::Array(_) => Err(format!("an array in an array: {value}")),
            scalar => Ok(Self::Equals(scalar.clone())),
        }
    }

    fn of_operator(name: &str, operand: &Value) -> Result<Self, String> {
        match (name, operand) {
            ("prefix", Value::String(text)) => Ok(Self::Prefix(text.clone())),
            ("suffix", Value::String(text)) => Ok(Self::Suffix(text.clone())),
            ("contains", Value::String(text)) => Ok(Self::Contains(text.clone())),
            ("exists", Value::Bool(wanted)) => Ok(Self::Exists(*wanted)),
            ("numeric", Value::Array(parts)) => comparisons(parts).map(Self::Numeric),
            ("anything-but", excluded) => exclusions(excluded).map(Self::NoneOf),
            _ => Err(format!("unknown operator: `{name}` with {operand}")),
        }
    }

    /// Of an array in the event, one element is enough.
    fn accepts(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(wanted), value) => value.is_some() == *wanted,
            (_, None) => false,
            (_, Some(Value::Array(elements))) => elements.iter().any(|element| self.holds(element)),
            (_, Some(value)) => self.holds(value),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        let is_text = |test: &dyn Fn(&str) -> bool| value.as_str().is_some_and(test);
        match self {
            Self::Equals(wanted) => value == wanted,
            Self::Prefix(start) => is_text(&|text| text.starts_with(start)),
            Self::Suffix(end) => is_text(&|text| text.ends_with(end)),
            Self::Contains(part) => is_text(&|text| text.contains(part)),
            Self::NoneOf(excluded) => !excluded.iter().any(|condition| condition.holds(value)),
            Self::Numeric(bounds) => value
                .as_f64()
                .is_some_and(|number| bounds.iter().all(|(comparison, bound)| comparison.holds(number, *bound))),
            Self::Exists(wanted) => *wanted,
        }
    }
}

/// Takes a text, a number, an array of them, or a prefix.
fn exclusions(operand: &Value) -> Result<Vec<Condition>, String> {
    match operand {
        Value::Array(values) => values.iter().map(exclusion).collect(),
        Value::Object(operators) if operators.keys().eq(["prefix"]) => Ok(vec![Condition::parse(operand)?]),
        single => Ok(vec![exclusion(single)?]),
    }
}

fn exclusion(value: &Value) -> Result<Condition, String> {
    match value {
        Value::String(_) | Value::Number(_) => Ok(Condition::Equals(value.clone())),
        other => Err(format!("`anything-but` does not take {other}")),
    }
}

/// Takes `[">", 0, "<=", 5]`.
fn comparisons(parts: &[Value]) -> Result<Vec<(Comparison, f64)>, String> {
    let pairs = parts.chunks(2).map(|pair| match pair {
        [Value::String(sign), Value::Number(bound)] => Comparison::parse(sign).zip(bound.as_f64()),
        _ => None,
    });
    let pairs = pairs.collect::<Option<Vec<_>>>().filter(|pairs| !pairs.is_empty());
    pairs.ok_or_else(|| format!("`numeric` takes signs and numbers in turn, not {parts:?}"))
}

impl Comparison {
    fn parse(sign: &str) -> Option<Self> {
        match sign {
            "=" => Some(Self::Equal),
            ">" => Some(Self::Greater),
            "<" => Some(Self::Less),
            "<=" => Some(Self::LessOrEqual),
            _ => None,
        }
    }

    #[allow(clippy::float_cmp, reason = "both are read from the same notation")]
    fn holds(&self, number: f64, bound: f64) -> bool {
        match self {
            Self::Equal => number == bound,
            Self::Greater => number > bound,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
        }
    }
}

/// Each rule of the page, with events that it lets through and events that it keeps back.
#[test]
fn documented_rules_hold() {
    let rules = [
        (
            "a value",
            r#"["a", "b"]"#,
            &["\"a\"", "\"b\"", r#"["x", "b"]"#][..],
            &["\"A\"", "\"ab\"", r#"["x"]"#, "[]"][..],
        ),
        ("keywords", "[true, null]", &["true", "null"], &["false", "\"true\"", "\"\""]),
        ("an empty text", r#"[""]"#, &["\"\""], &["null", "\"a\""]),
        ("prefix", r#"[{"prefix": "acs."}]"#, &["\"acs.ram\""], &["\"my.acs.ram\"", "\"ACS.ram\"", "7"]),
        ("suffix", r#"[{"suffix": ".jpg"}]"#, &["\"1.jpg\""], &["\"1.jpg.txt\"", "\"1.JPG\"", "null"]),
        ("prefix or suffix", r#"[{"prefix": "a"}, {"suffix": "z"}]"#, &["\"ab\"", "\"yz\""], &["\"ba\""]),
        ("contains", r#"[{"contains": "Normal"}]"#, &["\"UserNormalEvent\""], &["\"UserErrorEvent\""]),
        ("not a text", r#"[{"anything-but": "init"}]"#, &["\"initializing\"", "\"\""], &["\"init\""]),
        ("not a number", r#"[{"anything-but": 123}]"#, &["124", "\"123\""], &["123"]),
        ("none of", r#"[{"anything-but": ["a", "b"]}]"#, &["\"c\""], &["\"a\"", "\"b\""]),
        ("none of the numbers", r#"[{"anything-but": [100, 200]}]"#, &["300"], &["100", "200"]),
        ("not the prefix", r#"[{"anything-but": {"prefix": "init"}}]"#, &["\"pending\""], &["\"initializing\""]),
        ("a range", r#"[{"numeric": [">", 0, "<=", 5]}]"#, &["0.5", "5"], &["0", "5.1", "\"3\""]),
        ("less", r#"[{"numeric": ["<", 10]}]"#, &["9"], &["10"]),
        ("equal", r#"[{"numeric": ["=", 301.8]}]"#, &["301.8"], &["301"]),
        ("exists", r#"[{"exists": true}]"#, &["0", "null", "{}", "[]"], &[]),
        ("does not exist", r#"[{"exists": false}]"#, &[], &["0", "null"]),
    ];
    for (name, rule, right, wrong) in rules {
        let pattern = Pattern::parse(&format!(r#"{{"data": {{"state": {rule}}}}}"#)).unwrap();
        let matches = |value: &&str| {
            pattern.matches(&serde_json::from_str(&format!(r#"{{"data": {{"state": {value}, "other": 1}}}}"#)).unwrap())
        };
        assert_eq!(right.iter().find(|value| !matches(value)), None, "{name}: must match");
        assert_eq!(wrong.iter().find(|value| matches(value)), None, "{name}: must not match");
    }
}

#[test]
fn all_fields_must_match_and_be_there() {
    let pattern = Pattern::parse(r#"{"source": ["a"], "data": {"state": [{"anything-but": "x"}]}}"#).unwrap();
    let matches = |event: Value| pattern.matches(&event);
    assert!(matches(serde_json::json!({"source": "a", "data": {"state": "y"}})));
    assert!(!matches(serde_json::json!({"source": "b", "data": {"state": "y"}})));
    assert!(!matches(serde_json::json!({"source": "a", "data": {"state": "x"}})));
    assert!(!matches(serde_json::json!({"source": "a", "data": {}})), "also for `anything-but`");
    assert!(!matches(serde_json::json!({"source": "a", "state": "y"})), "at another depth");
    let absent = Pattern::parse(r#"{"data": {"state": [{"exists": false}]}}"#).unwrap();
    assert!(absent.matches(&serde_json::json!({"data": {}})));
    let present = Pattern::parse(r#"{"data": {"state": [{"exists": true}]}}"#).unwrap();
    assert!(!present.matches(&serde_json::json!({"data": {}})));
}

#[test]
fn what_is_not_documented_is_refused() {
    let wrong = [
        "[]",
        "{",
        r#"{"source": "acs.ram"}"#,
        r#"{"source": []}"#,
        r#"{"source": [["a"]]}"#,
        r#"{"source": [1, 2, 3, 4, 5, 6]}"#,
        r#"{"source": [{"prefx": "a"}]}"#,
        r#"{"source": [{"prefix": 1}]}"#,
        r#"{"source": [{}]}"#,
        r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#,
        r#"{"source": [{"anything-but": {"suffix": "a"}}]}"#,
        r#"{"source": [{"anything-but": null}]}"#,
        r#"{"source": [{"numeric": [">=", 1]}]}"#,
        r#"{"source": [{"numeric": [">"]}]}"#,
        r#"{"source": [{"numeric": []}]}"#,
        r#"{"source": [{"exists": "true"}]}"#,
        r#"{"source": [{"cidr": "10.0.0.0/24"}]}"#,
        r#"{"source": [{"equals-ignore-case": "a"}]}"#,
    ];
    for text in wrong {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}
