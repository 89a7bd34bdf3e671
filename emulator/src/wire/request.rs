//! One request, with its parameters gathered from query, form and headers.

use std::collections::BTreeMap;

use axum::body::{Bytes, to_bytes};
use axum::http::request::Parts;

use super::encoding;
use super::reply::Failure;

const BODY_LIMIT: usize = 1 << 20;

/// Parameters that belong to the protocol, not to an operation.
const COMMON: [&str; 12] = [
    "Action",
    "Version",
    "Format",
    "AccessKeyId",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "SignatureType",
    "Signature",
    "Timestamp",
    "SecurityToken",
    "RegionId",
];

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) form: BTreeMap<String, String>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

impl Request {
    /// Reads the whole request; a body that never ends is cut off.
    pub(crate) async fn read(request: axum::extract::Request) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT)
            .await
            .map_err(|_| Failure::new(413, "RequestTooLarge", "The body is too large."))?;
        Ok(Self::from_parts(&parts, body))
    }

    fn from_parts(parts: &Parts, body: Bytes) -> Self {
        let headers = headers(parts);
        let form = if is_form(&headers) { encoding::parse(&String::from_utf8_lossy(&body)) } else { BTreeMap::new() };
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: encoding::parse(parts.uri.query().unwrap_or_default()),
            form,
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.form.get(name).or_else(|| self.query.get(name)).map(String::as_str)
    }

    /// The operation that is asked for, wherever the request names it.
    pub(crate) fn action(&self) -> Option<&str> {
        self.header("x-acs-action").or_else(|| self.parameter("Action"))
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.header("x-acs-version").or_else(|| self.parameter("Version"))
    }

    /// ACS3 clients get JSON always; RPC 1.0 clients get XML unless they say otherwise.
    pub(crate) fn wants_json(&self) -> bool {
        self.header("x-acs-action").is_some()
            || self.parameter("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"))
    }

    /// Query and form together: both are signed by RPC 1.0.
    pub(crate) fn all_parameters(&self) -> BTreeMap<String, String> {
        let mut all = self.query.clone();
        all.extend(self.form.clone());
        all
    }

    /// The operation's own parameters.
    pub(crate) fn params(&self) -> Params {
        let mut own = self.all_parameters();
        own.retain(|name, _| !COMMON.contains(&name.as_str()));
        Params(own)
    }
}

fn headers(parts: &Parts) -> BTreeMap<String, String> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
    parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn is_form(headers: &BTreeMap<String, String>) -> bool {
    headers.get("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// The parameters of one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(pub(crate) BTreeMap<String, String>);

impl Params {
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// # Errors
    /// `MissingParameter` if it is absent or empty.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.optional(name).filter(|value| !value.is_empty()).ok_or_else(|| Failure::missing_parameter(name))
    }

    /// A whole number within a range, or the default.
    pub(crate) fn number(
        &self,
        name: &str,
        default: u32,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, Failure> {
        let Some(text) = self.optional(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            Failure::new(400, format!("InvalidParameter.{name}"), format!("The parameter {name} is out of range."))
        })
    }

    /// # Errors
    /// `InvalidParameter.…` for anything but `true` and `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        let Some(text) = self.optional(name) else {
            return Ok(None);
        };
        let flag = text.to_ascii_lowercase().parse().ok();
        flag.map(Some).ok_or_else(|| {
            Failure::new(400, format!("InvalidParameter.{name}"), format!("The parameter {name} is no boolean."))
        })
    }
}
