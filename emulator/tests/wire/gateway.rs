//! Signatures, tokens, clock, nonces, actions and versions: what is refused before any operation runs.

use emulator::{AccessKey, Emulator, Role, World};

use crate::support::{ACCOUNT, Client, RAM, ROLE, STYLES, Style, healthy};

#[test]
fn a_wrong_secret_is_refused_and_the_message_quotes_the_token() {
    let (emulator, client) = healthy();
    for style in STYLES {
        let wrong = Client { secret: "wrong".to_owned(), ..client.style(style) };
        let answer = wrong.ram("GetRole", &[("RoleName", ROLE)]);
        assert_eq!((answer.status, answer.code().as_str()), (400, "SignatureDoesNotMatch"), "{style:?}");
        let quotes = answer.text.contains("CAIS%252Btok%252Fen%253D%253D");
        assert_eq!(quotes, !matches!(style, Style::Acs3Form | Style::Acs3Query), "{style:?}");
    }
    assert!(emulator.calls().iter().all(|call| call.account.is_none() && !call.effect));
}

fn keys() -> (Emulator, Client) {
    let world = World::new()
        .account(ACCOUNT, |account| account.role(Role::dts()))
        .key(AccessKey::permanent("LTAI", "secret").of_user(ACCOUNT, "alice"))
        .key(AccessKey::permanent("OFF", "secret").inactive())
        .key(AccessKey::session("STS.A", "secret", "token-a").of_role(ACCOUNT, "guard", "a"))
        .key(AccessKey::session("STS.B", "secret", "token-b").of_role(ACCOUNT, "guard", "b").expired());
    let emulator = Emulator::start(world).unwrap();
    let client = Client::new(&emulator, "LTAI", "secret", None);
    (emulator, client)
}

fn code(client: &Client, id: &str, token: Option<&str>) -> (u16, String) {
    let client = Client { id: id.to_owned(), token: token.map(str::to_owned), ..client.clone() };
    let answer = client.ram("GetRole", &[("RoleName", ROLE)]);
    (answer.status, answer.code())
}

#[test]
fn keys_and_tokens() {
    let (_emulator, client) = keys();
    let cases = [
        ("LTAI", None, 200, "none"),
        ("STS.A", Some("token-a"), 200, "none"),
        ("NOBODY", None, 404, "InvalidAccessKeyId.NotFound"),
        ("OFF", None, 400, "InvalidAccessKeyId.Inactive"),
        ("STS.A", None, 400, "MissingSecurityToken"),
        ("STS.A", Some("rubbish"), 400, "InvalidSecurityToken.Malformed"),
        ("STS.A", Some("token-b"), 400, "InvalidSecurityToken.MismatchWithAccessKey"),
        ("LTAI", Some("token-a"), 400, "InvalidSecurityToken.MismatchWithAccessKey"),
        ("STS.B", Some("token-b"), 403, "InvalidSecurityToken.Expired"),
    ];
    for client in [client.style(Style::RpcPost), client.style(Style::Acs3Query)] {
        for (id, token, status, expected) in cases {
            assert_eq!(code(&client, id, token), (status, expected.to_owned()), "{id} {token:?} {:?}", client.style);
        }
    }
}

#[test]
fn a_nonce_serves_once_for_each_key() {
    let (_emulator, client) = keys();
    for style in [Style::RpcPost, Style::Acs3Query] {
        let client = Client { nonce: Some(format!("once-{style:?}")), ..client.style(style) };
        assert_eq!(code(&client, "LTAI", None).0, 200);
        assert_eq!(code(&client, "LTAI", None), (400, "SignatureNonceUsed".to_owned()));
        assert_eq!(code(&client, "STS.A", Some("token-a")).0, 200);
    }
}

#[test]
fn a_refused_request_does_not_use_up_its_nonce() {
    let (_emulator, client) = keys();
    let client = Client { nonce: Some("once".to_owned()), ..client };
    let wrong = Client { secret: "wrong".to_owned(), ..client.clone() };
    assert_eq!(code(&wrong, "LTAI", None).1, "SignatureDoesNotMatch");
    assert_eq!(code(&client, "LTAI", None).0, 200);
}

#[test]
fn the_clock_may_differ_by_a_quarter_of_an_hour() {
    let (emulator, client) = keys();
    let expired = (400, "InvalidTimeStamp.Expired".to_owned());
    for (shift, fits) in [(840, true), (-840, true), (960, false), (-960, false)] {
        emulator.shift_clock(shift);
        assert_eq!(code(&client, "LTAI", None) != expired, fits, "{shift}");
    }
    emulator.shift_clock(0);
    let client = Client { timestamp: Some("yesterday".to_owned()), ..client };
    assert_eq!(code(&client, "LTAI", None), (400, "InvalidTimeStamp.Format".to_owned()));
}

#[test]
fn the_date_header_tells_the_servers_clock() {
    let (emulator, client) = keys();
    emulator.shift_clock(-40 * 366 * 86400);
    let answer = client.ram("GetRole", &[("RoleName", ROLE)]);
    assert_eq!(answer.code(), "InvalidTimeStamp.Expired");
    let date = answer.head.lines().find(|line| line.starts_with("date: ")).unwrap();
    assert!(date.contains(" 198") && date.ends_with(" GMT"), "{date}");
    assert_eq!(answer.head.matches("date: ").count(), 1);
}

#[test]
fn actions_and_versions() {
    let (_emulator, client) = healthy();
    for style in STYLES {
        let client = client.style(style);
        let code =
            |version, action| (client.call(version, action, &[]).status, client.call(version, action, &[]).code());
        assert_eq!(code(RAM, "FlyToTheMoon"), (404, "InvalidAction.NotFound".to_owned()));
        assert_eq!(code("2015-04-01", "GetRole"), (404, "InvalidAction.NotFound".to_owned()));
        assert_eq!(code("1999-01-01", "GetRole"), (400, "InvalidVersion".to_owned()));
    }
}

#[test]
fn a_request_without_a_signature_is_refused() {
    let (_emulator, client) = healthy();
    let bare = |target: &str| {
        crate::support::parse(&client.send(&format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")))
    };
    assert!(bare("/").text.contains("<Code>MissingParameter</Code>"));
    assert_eq!(bare("/?Format=json&AccessKeyId=LTAI").code(), "MissingParameter");
    assert!(bare("/?Format=json&AccessKeyId=LTAI").text.contains("parameter Signature"));
}

#[test]
fn the_format_is_compared_without_case_and_is_xml_otherwise() {
    let (_emulator, client) = healthy();
    let told = |format| Client { format, ..client.clone() }.ram("GetRole", &[("RoleName", ROLE)]).text;
    assert!(told("json").starts_with('{') && told("JSON").starts_with('{'));
    let xml = told("XML");
    assert!(xml.contains("<GetRoleResponse>") && xml.contains("<RoleName>AliyunDTSDefaultRole</RoleName>"), "{xml}");
    let missing = Client { format: "", ..client }.ram("GetRole", &[("RoleName", "Nobody")]).text;
    assert!(missing.contains("<Error>") && missing.contains("<Code>EntityNotExist.Role</Code>"), "{missing}");
}
