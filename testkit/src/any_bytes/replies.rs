//! What must hold for any reply of the cloud to any operation; the property tests and the fuzz target share it.
#![expect(clippy::disallowed_methods, reason = "one write, held against one reply")]

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};

use aliyun::{
    Api, AssumeRole, BoxFuture, CallerIdentity, Endpoint, Endpoints, Error, Kind, Page, Reply, RoleFacts, Session,
    SignedRequest, Transport, TransportError,
};
use authorization::role::{NewRole, RoleChange};
use authorization::target::{AccountId, PolicyRef, PolicyType};
use authorization::text::chain;
use jiff::Timestamp;
use serde_json::Value;

use crate::{ACCOUNT, MEMBERS, StillClock, by_hand};

/// Every operation of the client.
pub const OPERATIONS: [&str; 14] = [
    "GetRole",
    "ListPoliciesForRole",
    "ListTagResources",
    "CreateRole",
    "UpdateRole",
    "DeleteRole",
    "AttachPolicyToRole",
    "DetachPolicyFromRole",
    "TagResources",
    "GetCallerIdentity",
    "AssumeRole",
    "ListAccounts",
    "GetFolder",
    "GetAccount",
];

/// Every kind of error that a reply can cause. The other two are about requests that were never sent.
pub const KINDS: [&str; 12] = [
    "conflict",
    "denied",
    "expired",
    "invalid",
    "no reply",
    "not found",
    "other account",
    "throttled",
    "unavailable",
    "unknown",
    "unrelated",
    "wrong time",
];

const ROLE: &str = "AliyunDTSDefaultRole";
const MEMBER: &str = MEMBERS[0];
const ACCESS_ROLE: &str = "ResourceDirectoryAccountAccessRole";
const FOLDER: &str = "fd-u8B321****";
/// In requests and in URLs they look otherwise.
const SECRET: [&str; 3] = ["kEySeCrEt+0/1==", "kEySeCrEt%2B0%2F1%3D%3D", "kEySeCrEt%2b0%2f1%3d%3d"];
const TOKEN: [&str; 3] = ["CAIStOkEn+2/3==", "CAIStOkEn%2B2%2F3%3D%3D", "CAIStOkEn%2b2%2f3%3d%3d"];
/// Longer no error is: whatever it quotes of a reply is cut.
const LONGEST: usize = 4_000;
/// A request is sent twice where the cloud takes its time for wrong, and repeated once here.
const SENT: usize = 4;

static ENDPOINTS: LazyLock<Endpoints> = LazyLock::new(|| {
    let endpoint = |api, host: &str| Endpoint::parse(api, &format!("https://{host}.aliyuncs.com")).unwrap();
    let resource_manager = endpoint(Api::ResourceManager, "resourcemanager");
    Endpoints { ram: endpoint(Api::Ram, "ram"), sts: endpoint(Api::Sts, "sts"), resource_manager }
});

/// What the cloud answers to one operation.
#[derive(Debug, Clone)]
pub struct Answer {
    pub operation: &'static str,
    pub status: u16,
    pub date: Option<Timestamp>,
    pub content_type: String,
    /// One after the other; the last again and again. `$SECRET`, `$TOKEN`, `$SIGNATURE` and `$FORM` are those of the request.
    pub bodies: Vec<Vec<u8>>,
}

impl Answer {
    /// Reads `operation status date content type`, a line break, and the bodies with an empty line between them. Any bytes
    /// are some answer.
    pub fn read(bytes: &[u8]) -> Self {
        let (line, mut rest) = cut(bytes, b"\n").unwrap_or((bytes, b""));
        let line = String::from_utf8_lossy(line);
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let sum = |text: &str| text.bytes().map(usize::from).sum::<usize>();
        let (operation, status, date, content_type) = (word(), word(), word(), word());
        let known = OPERATIONS.iter().find(|known| **known == operation);
        let mut bodies = Vec::new();
        while let Some((body, others)) = cut(rest, b"\n\n") {
            bodies.push(body.to_vec());
            rest = others;
        }
        bodies.push(rest.to_vec());
        Self {
            operation: known.unwrap_or(&OPERATIONS[sum(operation) % OPERATIONS.len()]),
            status: status.parse().unwrap_or(if sum(status) % 2 == 0 { 200 } else { 400 }),
            date: date.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()),
            content_type: content_type.to_owned(),
            bodies,
        }
    }
}

fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

/// Holds what is made of these bytes against the promises; tells what it was.
pub fn check(bytes: &[u8]) -> &'static str {
    hold(Answer::read(bytes))
}

/// The same for an answer.
pub fn hold(answer: Answer) -> &'static str {
    let operation = answer.operation;
    let cloud = Arc::new(Cloud { answer, calls: AtomicUsize::new(0), served: Mutex::default() });
    let keys = ["STS.NExampleKeyId", SECRET[0], TOKEN[0]];
    let session = by_hand::session(cloud.clone(), ENDPOINTS.clone(), keys, Arc::new(StillClock::default()), Some(1));
    let asked = pin!(ask(&session, operation));
    let Poll::Ready(told) = asked.poll(&mut Context::from_waker(Waker::noop())) else { panic!("it waits for ever") };
    let served = cloud.served.lock().unwrap();
    match told {
        Ok(told) => {
            believable(&told, operation, cloud.answer.status, &served.body);
            operation
        }
        Err(error) => {
            sayable(&error, &served.signature);
            kind(error.kind)
        }
    }
}

struct Cloud {
    answer: Answer,
    calls: AtomicUsize,
    served: Mutex<Served>,
}

/// The last.
#[derive(Default)]
struct Served {
    body: Vec<u8>,
    signature: String,
    /// The first signature and form: a marker that quoted the last request would be a new one on each page.
    first: Option<(String, String)>,
}

impl Transport for Cloud {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        let Answer { status, date, content_type, bodies, .. } = &self.answer;
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        assert!(call < SENT * (bodies.len() + 1), "it asks without end: {:?}", self.answer);
        let signature = request.body.split('&').find_map(|field| field.strip_prefix("Signature=")).unwrap();
        let mut served = self.served.lock().unwrap();
        signature.clone_into(&mut served.signature);
        let (first, form) = served.first.get_or_insert_with(|| (signature.to_owned(), request.body.to_string()));
        let body = quoting(&bodies[call.min(bodies.len() - 1)], first, form);
        let content_type = String::from_utf8(quoting(content_type.as_bytes(), first, form)).unwrap();
        served.body.clone_from(&body);
        let reply = Reply { status: *status, content_type, date: *date, body: body.into() };
        Box::pin(std::future::ready(Ok(reply)))
    }
}

/// A gateway quotes the request in its reply.
fn quoting(text: &[u8], signature: &str, form: &str) -> Vec<u8> {
    if !text.contains(&b'$') {
        return text.to_vec();
    }
    let text = String::from_utf8_lossy(text).replace("$SECRET", SECRET[0]).replace("$TOKEN", TOKEN[0]);
    text.replace("$SIGNATURE", signature).replace("$FORM", form).into_bytes()
}

/// What was believed.
enum Told {
    Role(RoleFacts),
    Policies(Vec<PolicyRef>),
    Tags(BTreeMap<String, String>),
    Caller(CallerIdentity),
    Members(Page),
    Nothing,
}

async fn ask(session: &Session, operation: &str) -> Result<Told, Error> {
    let policy = PolicyRef { kind: PolicyType::Custom, name: "TeamExtra".to_owned() };
    let member: AccountId = MEMBER.parse().unwrap();
    let nothing = |_| Told::Nothing;
    match operation {
        "GetRole" => session.get_role(ROLE).await.map(Told::Role),
        "ListPoliciesForRole" => session.list_policies_for_role(ROLE).await.map(Told::Policies),
        "ListTagResources" => session.list_role_tags(ROLE).await.map(Told::Tags),
        "CreateRole" => session.writer().create_role(ROLE, &new_role()).await.map(|(role, _)| Told::Role(role)),
        "UpdateRole" => session.writer().update_role(ROLE, &RoleChange { trust: "{}".to_owned() }).await.map(nothing),
        "DeleteRole" => session.writer().delete_role(ROLE).await.map(nothing),
        "AttachPolicyToRole" => session.writer().attach_policy_to_role(ROLE, &policy).await.map(nothing),
        "DetachPolicyFromRole" => session.writer().detach_policy_from_role(ROLE, &policy).await.map(nothing),
        "TagResources" => {
            session.writer().tag_role(ROLE, &BTreeMap::from([("a".to_owned(), "b".to_owned())])).await.map(nothing)
        }
        "GetCallerIdentity" => session.get_caller_identity().await.map(Told::Caller),
        "AssumeRole" => session.assume_role(&access()).await.map(|_| Told::Nothing),
        "ListAccounts" => session.list_accounts(1).await.map(Told::Members),
        "GetFolder" => session.get_folder(FOLDER).await.map(|_| Told::Nothing),
        "GetAccount" => session.get_account(&member).await.map(|_| Told::Nothing),
        _ => unreachable!(),
    }
}

fn new_role() -> NewRole {
    let (trust, description) = ("{}".to_owned(), "ours".to_owned());
    NewRole { trust, description, max_session_duration: Some(3600), allow_console_login: None }
}

fn access() -> AssumeRole {
    AssumeRole {
        role_arn: format!("acs:ram::{MEMBER}:role/{ACCESS_ROLE}"),
        session_name: "dts-role-guard-1".to_owned(),
        duration_seconds: 900,
        policy: None,
        external_id: None,
    }
}

/// A reply that is believed is a success, about that role in that account.
fn believable(told: &Told, operation: &str, status: u16, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    assert!((200..300).contains(&status), "HTTP {status}: {text}");
    // The parser of the product passes over what it does not need; that of the test may stumble there.
    let Ok(reply) = serde_json::from_slice::<Value>(body) else { return };
    assert!(reply.is_object(), "{text}");
    let code = &reply["Code"];
    assert!(!code.is_number() && code.as_str().is_none_or(str::is_empty), "a success has no code: {text}");
    match told {
        Told::Role(role) => {
            about_the_role(&reply["Role"]);
            assert!(!role.role_id.trim().is_empty(), "{text}");
        }
        Told::Policies(policies) => {
            let last = reply["Policies"]["Policy"].as_array().map_or(0, Vec::len);
            assert!(policies.len() >= last, "{text}");
            is_the_last_page(&reply, "Marker");
        }
        Told::Tags(tags) => {
            for tag in reply["TagResources"].as_array().into_iter().flatten().filter(|tag| tag.is_object()) {
                assert!(tag["ResourceName"].as_str().is_none_or(|name| name.eq_ignore_ascii_case(ROLE)), "{text}");
                assert!(tags.contains_key(tag["TagKey"].as_str().unwrap()), "{text}");
            }
            is_the_last_page(&reply, "NextToken");
        }
        Told::Caller(caller) => {
            assert_eq!(caller.arn.split(':').nth(3), Some(caller.account_id.as_str()), "{text}");
            assert!(!caller.account_id.is_empty(), "{text}");
        }
        Told::Members(page) => {
            assert!(reply["PageNumber"].as_u64().is_none_or(|page| page == 1), "{text}");
            for bad in page.members.iter().filter_map(|member| member.account.as_ref().err()) {
                harmless(&bad.to_string());
                no_key_in(&bad.to_string());
            }
        }
        Told::Nothing => about_what_was_named(operation, &reply),
    }
}

fn about_what_was_named(operation: &str, reply: &Value) {
    match operation {
        "UpdateRole" if !reply["Role"].is_null() => about_the_role(&reply["Role"]),
        "AssumeRole" => {
            let Some(arn) = reply["AssumedRoleUser"]["Arn"].as_str() else { return };
            let arn = arn.to_ascii_lowercase();
            let (_, named) = arn.split_once("role/").unwrap_or_else(|| panic!("{reply}"));
            assert!(arn.contains(&format!(":{MEMBER}:")), "{reply}");
            assert_eq!(named.split('/').next(), Some(ACCESS_ROLE.to_ascii_lowercase().as_str()), "{reply}");
        }
        "GetFolder" if reply["Folder"].is_object() => assert_eq!(reply["Folder"]["FolderId"], FOLDER),
        "GetAccount" if reply["Account"].is_object() => assert_eq!(reply["Account"]["AccountId"], MEMBER),
        _ => {}
    }
}

/// A list in the order of the fields is read like an object with their names; it is held against the question all the same.
fn about_the_role(role: &Value) {
    let Some(fields) = role.as_object() else { return };
    assert!(fields["RoleName"].as_str().unwrap().eq_ignore_ascii_case(ROLE), "{role}");
    let Some(arn) = role["Arn"].as_str() else { return };
    let parts: Vec<_> = arn.splitn(5, ':').collect();
    assert_eq!(parts[3], ACCOUNT, "{role}");
    assert!(parts[4].eq_ignore_ascii_case(&format!("role/{ROLE}")), "{role}");
}

fn is_the_last_page(reply: &Value, marker: &str) {
    let more = reply[marker].as_str().is_some_and(|marker| !marker.is_empty());
    assert!(!more || reply["IsTruncated"] == false, "a part is no list: {reply}");
}

/// What a person may read of an error.
fn sayable(error: &Error, signature: &str) {
    let mut texts = vec![chain(error)];
    texts.extend(error.cause());
    texts.extend(error.code.clone());
    texts.extend(error.request_id.clone());
    if let Some(denial) = error.denial.as_deref().cloned() {
        texts.extend([denial.auth_principal_type, denial.auth_principal_display_name].into_iter().flatten());
        texts.extend([denial.auth_principal_owner_id, denial.auth_action].into_iter().flatten());
        texts.extend([denial.policy_type, denial.no_permission_type].into_iter().flatten());
    }
    for text in texts {
        harmless(&text);
        no_key_in(&text);
        assert!(text.chars().count() <= LONGEST, "{text}");
        // It is good for one request, and that has been made: in a reply about something else nobody looks for it.
        if !matches!(error.kind, Kind::Unrelated | Kind::OtherAccount) {
            assert!(!text.contains(signature), "{text}");
        }
    }
}

fn no_key_in(text: &str) {
    assert!(!SECRET.iter().chain(&TOKEN).any(|secret| text.contains(secret)), "{text}");
}

/// Nothing that a terminal obeys, that turns the direction of text, or that shows nothing.
fn harmless(text: &str) {
    let harm = |character: char| {
        let marks = ['\u{ad}', '\u{61c}', '\u{feff}'];
        let hidden = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        character.is_control()
            || hidden
            || marks.contains(&character)
            || ('\u{e0000}'..='\u{e0fff}').contains(&character)
    };
    assert!(!text.chars().any(harm), "{text:?}");
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Conflict => "conflict",
        Kind::Denied => "denied",
        Kind::Expired => "expired",
        Kind::Invalid => "invalid",
        Kind::NoReply => "no reply",
        Kind::NotFound => "not found",
        Kind::OtherAccount => "other account",
        Kind::Throttled => "throttled",
        Kind::Unavailable => "unavailable",
        Kind::Unknown => "unknown",
        Kind::Unrelated => "unrelated",
        Kind::WrongTime => "wrong time",
        Kind::DeadlineExceeded | Kind::Unreachable => panic!("it was answered: {kind:?}"),
    }
}
