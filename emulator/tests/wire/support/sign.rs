//! The signer: plain loops over bytes, nothing shared with the server.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Client, Style};

#[expect(clippy::disallowed_methods, reason = "a client reads its own clock")]
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn nonce() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("nonce-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
    }
    out
}

fn join(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}

fn owned(params: &[(&str, &str)]) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn request(client: &Client, version: &str, action: &str, params: &[(&str, &str)]) -> String {
    match client.style {
        Style::RpcPost | Style::RpcGet | Style::RpcPostInQuery => rpc(client, version, action, params),
        Style::Acs3Query | Style::Acs3Form => acs3(client, version, action, params),
    }
}

fn rpc(client: &Client, version: &str, action: &str, params: &[(&str, &str)]) -> String {
    let verb = if client.style == Style::RpcGet { "GET" } else { "POST" };
    let mut all = owned(params);
    let nonce = client.nonce.clone().unwrap_or_else(nonce);
    let timestamp = client.timestamp.clone().unwrap_or_else(now);
    let common = [
        ("Action", action),
        ("Version", version),
        ("Format", client.format),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureType", ""),
        ("SignatureNonce", &nonce),
        ("Timestamp", &timestamp),
        ("AccessKeyId", &client.id),
    ];
    all.extend(owned(&common));
    all.extend(client.token.iter().map(|token| ("SecurityToken".to_owned(), token.clone())));
    let signed = join(all);
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(format!("{}&", client.secret).as_bytes()).unwrap();
    mac.update(format!("{verb}&%2F&{}", escape(&signed)).as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let all = format!("{signed}&Signature={}", escape(&signature));
    let host = &client.host;
    if client.style == Style::RpcPost {
        return http("POST", "/", host, &["content-type: application/x-www-form-urlencoded".to_owned()], &all);
    }
    http(verb, &format!("/?{all}"), host, &[], "")
}

fn acs3(client: &Client, version: &str, action: &str, params: &[(&str, &str)]) -> String {
    let params = join(owned(params));
    let (query, body) = if client.style == Style::Acs3Form { (String::new(), params) } else { (params, String::new()) };
    let hash = hex(&Sha256::digest(&body));
    let nonce = client.nonce.clone().unwrap_or_else(nonce);
    let timestamp = client.timestamp.clone().unwrap_or_else(now);
    let mut headers = vec![
        ("host", client.host.as_str()),
        ("x-acs-action", action),
        ("x-acs-content-sha256", &hash),
        ("x-acs-date", &timestamp),
        ("x-acs-signature-nonce", &nonce),
        ("x-acs-version", version),
    ];
    if let Some(token) = &client.token {
        headers.push(("x-acs-security-token", token));
    }
    if client.style == Style::Acs3Form {
        headers.push(("content-type", "application/x-www-form-urlencoded"));
    }
    headers.sort_unstable();
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}:{value}
"
            )
        })
        .collect();
    let lines = lines.concat();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let canonical = format!("POST\n/\n{query}\n{lines}\n{names}\n{hash}");
    let mut mac = Hmac::<Sha256>::new_from_slice(client.secret.as_bytes()).unwrap();
    mac.update(format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(canonical))).as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let authorization =
        format!("Authorization: ACS3-HMAC-SHA256 Credential={},SignedHeaders={names},Signature={signature}", client.id);
    let mut sent: Vec<String> =
        headers.iter().filter(|(name, _)| *name != "host").map(|(name, value)| format!("{name}: {value}")).collect();
    sent.push(authorization);
    http("POST", &format!("/?{query}"), &client.host, &sent, &body)
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        write!(out, "{byte:02x}").unwrap();
    }
    out
}

fn http(verb: &str, target: &str, host: &str, headers: &[String], body: &str) -> String {
    let headers: Vec<String> = headers
        .iter()
        .map(|line| {
            format!(
                "{line}
"
            )
        })
        .collect();
    let headers = headers.concat();
    format!(
        "{verb} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nuser-agent: hand-made\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}
