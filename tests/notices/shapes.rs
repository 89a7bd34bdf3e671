//! What each service gets, and when nobody gets anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulator::{DTS_POLICY, Member, Role, Rule};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use testkit::{ACCOUNT, Answer, Chat, Guard, MEMBERS, REQUEST_ID, broken_cloud, command, healthy_cloud, members, says};

use crate::{invoke, warnings};

const FINE: &str = r#"{"errcode":0,"errmsg":"ok","code":0,"msg":"success"}"#;

pub(crate) fn fine() -> Vec<Answer> {
    vec![says(200, FINE)]
}

fn hmac(key: &str, text: &str) -> Vec<u8> {
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[test]
fn each_service_is_told_in_its_own_way_and_all_of_them_in_one_run() {
    let chats: Vec<Chat> =
        (0..5).map(|index| Chat::answering(if index == 3 { vec![says(200, "ok")] } else { fine() })).collect();
    let urls = [
        chats[0].url("dingtalk+", "/robot/send?access_token=token0 SECsecret0"),
        chats[1].url("feishu+", "/open-apis/bot/v2/hook/token1 secret1"),
        chats[2].url("wecom+", "/cgi-bin/webhook/send?key=token2"),
        chats[3].url("slack+", "/services/T/B/token3"),
        chats[4].url("", "/hook/token4 secret4"),
    ];
    let (reply, lines) = invoke(&broken_cloud(), &[("DTS_GUARD_NOTIFY", &urls.join(", "))], "");
    assert_eq!(reply.report()["status"], "drifted");
    assert_eq!(warnings(&lines), Vec::<&String>::new());
    let got: Vec<_> = chats.iter().map(Chat::got).collect();
    assert!(got.iter().all(|requests| requests.len() == 1), "{got:#?}");
    let bodies: Vec<Value> = got.iter().map(|requests| requests[0].json()).collect();

    let text = bodies[0]["text"]["content"].as_str().unwrap();
    assert_eq!(bodies[0]["msgtype"], "text");
    let query = got[0][0].path.strip_prefix("/robot/send?access_token=token0&timestamp=").unwrap();
    let (milliseconds, sign) = query.split_once("&sign=").unwrap();
    let expected = STANDARD.encode(hmac("SECsecret0", &format!("{milliseconds}\nSECsecret0")));
    assert_eq!(sign.replace("%2B", "+").replace("%2F", "/").replace("%3D", "="), expected);

    let seconds = bodies[1]["timestamp"].as_str().unwrap();
    assert_eq!(bodies[1]["sign"], STANDARD.encode(hmac(&format!("{seconds}\nsecret1"), "")));
    assert_eq!(bodies[1]["card"]["body"]["elements"][0]["text"]["content"], text);
    assert_eq!(bodies[1]["card"]["header"]["title"]["content"], text.lines().next().unwrap());

    assert_eq!((&bodies[2]["msgtype"], &bodies[2]["text"]["content"]), (&"text".into(), &text.into()));
    assert_eq!(bodies[3]["blocks"][0]["text"]["text"], text);

    let signature = format!("sha256={}", hex::encode(hmac("secret4", &got[4][0].body)));
    assert_eq!(got[4][0].header("x-dts-role-guard-signature"), Some(signature.as_str()));
    assert_eq!((&bodies[4]["schema"], &bodies[4]["status"]), (&"dts-role-guard/report/v1".into(), &"drifted".into()));
    for part in ["dts-role-guard: 1 drifted of 1 account", ACCOUNT, "policy-missing", REQUEST_ID] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let log = lines.join("\n");
    assert!(!log.contains("token") && !log.contains("secret"), "{log}");
}

#[test]
fn every_number_of_the_title_is_in_the_summary_and_the_most_urgent_comes_first() {
    let emulator = members(MEMBERS.map(str::to_owned), |index, member: Member| match index {
        0 => member.role(Role::dts().detach(DTS_POLICY)),
        1 => member.without_access_role(),
        _ => member.role(Role::dts()),
    });
    let chat = Chat::answering(fine());
    let settings = [("DTS_GUARD_NOTIFY", &*chat.url("wecom+", "/x")), ("DTS_GUARD_SCOPE", "organization")];
    let (_, lines) = invoke(&emulator, &settings, "");
    let summary = lines.iter().find(|line| line.contains("\"summary\"")).unwrap();
    assert!(summary.contains(r#""drifted":1"#) && summary.contains(r#""failed":1"#), "{summary}");
    let body = chat.got()[0].json();
    let text: Vec<_> = body["text"]["content"].as_str().unwrap().lines().collect();
    assert_eq!(text[0], "dts-role-guard: 1 failed, 1 drifted of 4 accounts");
    assert!(text[1].starts_with(&format!("{} failed", MEMBERS[1])), "{text:?}");
    assert!(text[2].starts_with(&format!("{} drifted: policy-missing", MEMBERS[0])), "{text:?}");
}

#[test]
fn nobody_is_told_what_is_in_order_or_none_of_our_business() {
    let chat = Chat::answering(fine());
    let url = chat.url("", "/x");
    let settings = [("DTS_GUARD_NOTIFY", &*url)];
    invoke(&healthy_cloud(), &settings, "").0.report();
    invoke(&broken_cloud(), &settings, "nonsense").0.report();
    invoke(&broken_cloud(), &settings, r#"{"source":"acs.oss","type":"oss:x","data":{}}"#).0.report();
    assert_eq!(chat.got().len(), 0);
}

#[test]
fn a_run_that_could_not_begin_is_told() {
    let chat = Chat::answering(fine());
    let url = chat.url("", "/x");
    let emulator = broken_cloud();
    let guard = Guard::start(&emulator, &[("DTS_GUARD_NOTIFY", &url)]);
    guard.invoke_with("", &[("x-fc-security-token", "")]).failure();
    let (reply, _) = invoke(&broken_cloud(), &[("DTS_GUARD_NOTIFY", &url), ("DTS_GUARD_MODE", "repair")], "");
    assert_eq!(reply.failure()["errorType"], "InvalidSettings");
    let types: Vec<_> = chat.got().iter().map(|request| request.json()["errorType"].clone()).collect();
    assert_eq!(types, ["NoCredentials", "InvalidSettings"]);
}

#[test]
fn a_terminal_tells_nobody() {
    let chat = Chat::answering(fine());
    let emulator = broken_cloud();
    let mut command = command(&emulator, &["verify"]);
    command.env("DTS_GUARD_NOTIFY", chat.url("", "/x"));
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    assert_eq!(chat.got().len(), 0);
}

/// Text of others: a description that a person could put there, in the commands of a role that is stuck.
#[test]
fn foreign_text_neither_mentions_anybody_nor_makes_a_link() {
    let emulator = broken_cloud();
    let _denied = emulator.fault(Rule::on("GetRole").every().error(400, "<!channel>@all[x](https://evil.example)"));
    let chats: Vec<_> = (0..4).map(|_| Chat::answering(fine())).collect();
    let prefixes = ["dingtalk+", "feishu+", "wecom+", "slack+"];
    let urls: Vec<_> = chats.iter().zip(prefixes).map(|(chat, prefix)| chat.url(prefix, "/x")).collect();
    let (_, _) = invoke(&emulator, &[("DTS_GUARD_NOTIFY", &urls.join(","))], "");
    for chat in &chats {
        let body = &chat.got()[0].body;
        assert!(body.contains("channel") && body.contains("failed"), "{body}");
        for evil in ["<!", "@", "](", "://", "evil.example"] {
            assert!(!body.contains(evil), "{evil}: {body}");
        }
    }
}
