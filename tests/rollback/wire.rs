//! Reads what the guard sends, and makes up replies.

use std::collections::BTreeMap;

use aliyun::{Reply, SignedRequest};
use serde_json::Value;

/// The parameters of a request.
pub(crate) fn params(request: &SignedRequest) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect()
}

/// Whether an operation changes something.
pub(crate) fn writes(operation: &str) -> bool {
    !operation.starts_with("Get") && !operation.starts_with("List")
}

/// A reply that nobody sent.
pub(crate) fn success(mut body: Value) -> Reply {
    body["RequestId"] = "MADE-UP".into();
    Reply {
        status: 200,
        content_type: "application/json".to_owned(),
        date: None,
        body: body.to_string().into_bytes().into(),
    }
}
