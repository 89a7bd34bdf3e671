//! A notice that cannot be delivered changes nothing but one line of the log, and costs at most five seconds.

use jiff::Timestamp;
use serde_json::Value;
use testkit::{Answer, Chat, Guard, broken_cloud, says};

use crate::{invoke, warnings};

use crate::shapes::fine;

struct Case {
    name: &'static str,
    prefix: &'static str,
    answers: Vec<Answer>,
    /// How often it is tried.
    tries: usize,
    /// What the log says, if anything.
    warning: Option<&'static str>,
}

fn case(
    name: &'static str,
    prefix: &'static str,
    answers: Vec<Answer>,
    tries: usize,
    warning: Option<&'static str>,
) -> Case {
    Case { name, prefix, answers, tries, warning }
}

fn later(seconds: u32) -> Answer {
    let header = if seconds == 1 { "retry-after: 1" } else { "retry-after: 60" };
    Answer::Says(429, header, "slow down".to_owned())
}

fn cases() -> Vec<Case> {
    let ok = || says(200, r#"{"errcode":0,"code":0}"#);
    let elsewhere = Answer::Says(302, "location: http://127.0.0.1:9/", String::new());
    vec![
        case(
            "wrong signature",
            "dingtalk+",
            vec![says(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#)],
            1,
            Some("310000: sign not match"),
        ),
        case("busy, then taken", "dingtalk+", vec![says(200, r#"{"errcode":-1,"errmsg":"busy"}"#), ok()], 2, None),
        case(
            "risk control",
            "dingtalk+",
            vec![says(200, r#"{"status":1111,"wait":5,"punish":"deny"}"#)],
            1,
            Some("without an errcode"),
        ),
        case(
            "quotes the token",
            "dingtalk+",
            vec![says(200, r#"{"errcode":1,"errmsg":"token hunter2token"}"#)],
            1,
            Some("quotes the URL"),
        ),
        case(
            "an error inside",
            "feishu+",
            vec![says(200, r#"{"StatusCode":0,"code":19021,"msg":"sign"}"#)],
            1,
            Some("19021"),
        ),
        case("no JSON", "feishu+", vec![says(200, "<html>")], 1, Some("without a code")),
        case(
            "rate limit",
            "wecom+",
            vec![says(200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#)],
            1,
            Some("45009"),
        ),
        case("gone", "slack+", vec![says(404, "no_service")], 1, Some("HTTP 404: no_service")),
        case("not ok", "slack+", vec![says(200, "okay")], 1, Some("instead of")),
        case("soon", "slack+", vec![later(1), says(200, "ok")], 2, None),
        case("later", "slack+", vec![later(60)], 1, Some("HTTP 429")),
        case("broken, then taken", "", vec![says(503, "no"), says(204, "")], 2, None),
        case("broken twice", "", vec![says(500, "no")], 2, Some("HTTP 500: no (second try)")),
        case("elsewhere", "", vec![elsewhere], 1, Some("HTTP 302")),
        case("closed", "", vec![Answer::Closes], 1, Some("may have been delivered")),
    ]
}

#[test]
fn an_answer_that_is_no_success_is_one_line_of_the_log_and_tried_twice_where_that_helps() {
    for Case { name, prefix, answers, tries, warning } in cases() {
        let chat = Chat::answering(answers);
        let url = format!("{} hunter2secret", chat.url(prefix, "/x?token=hunter2token"));
        let (reply, lines) = invoke(&broken_cloud(), &[("DTS_GUARD_NOTIFY", &url), ("DTS_GUARD_LOG", "trace")], "");
        assert_eq!(reply.report()["status"], "drifted", "{name}");
        assert_eq!(chat.got().len(), tries, "{name}");
        let warnings = warnings(&lines);
        assert_eq!(warnings.len(), usize::from(warning.is_some()), "{name}: {warnings:#?}");
        if let Some(expected) = warning {
            assert!(warnings[0].contains(expected) && warnings[0].contains("\"requestId\""), "{name}: {}", warnings[0]);
        }
        assert!(!lines.join("\n").contains("hunter2"), "{name}: {lines:#?}");
    }
}

#[test]
fn where_nobody_listens_it_is_tried_twice() {
    let (reply, lines) = invoke(&broken_cloud(), &[("DTS_GUARD_NOTIFY", "http://127.0.0.1:9/hunter2")], "");
    assert_eq!(reply.report()["status"], "drifted");
    let warnings = warnings(&lines);
    assert!(warnings.len() == 1 && warnings[0].contains("no connection (second try)"), "{warnings:#?}");
    assert!(!lines.join("\n").contains("hunter2"), "{lines:#?}");
}

#[test]
fn a_service_that_hangs_costs_five_seconds_at_most_and_keeps_no_other_from_hearing() {
    let (hangs, hears) = (Chat::answering(vec![Answer::Hangs]), Chat::answering(fine()));
    let urls = format!("{},{}", hangs.url("", "/x"), hears.url("dingtalk+", "/y"));
    for (timeout, limit) in [("60", 5_200), ("3", 2_900)] {
        let emulator = broken_cloud();
        let guard = Guard::start(&emulator, &[("DTS_GUARD_NOTIFY", &urls)]);
        let reply = guard.invoke_with("", &[("x-fc-function-timeout", timeout)]);
        assert_eq!(reply.report()["status"], "drifted");
        let lines = guard.stop().1;
        assert_eq!(warnings(&lines).len(), 1);
        // From the report to the last word about notices; or from the begin, where the time is short.
        let begin = if timeout == "60" { "\"summary\"" } else { "\"invoked\"" };
        let took = at(&lines, "\"WARN\"").duration_since(at(&lines, begin));
        assert!(took.as_millis() < limit, "{took:?}");
    }
    assert_eq!((hangs.got().len(), hears.got().len()), (2, 2));
}

/// When the first line with this text was written.
fn at(lines: &[String], text: &str) -> Timestamp {
    let line: Value = serde_json::from_str(lines.iter().find(|line| line.contains(text)).unwrap()).unwrap();
    line["timestamp"].as_str().unwrap().parse().unwrap()
}
