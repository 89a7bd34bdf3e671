//! The reply: an object on success, the error envelope otherwise.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::xml;

pub(crate) type Reply = Result<Value, Failure>;

/// A refusal, as the error envelope tells it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<Value>,
}

impl Failure {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), detail: None }
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::new(
            400,
            "MissingParameter",
            format!("The input parameter {name} that is mandatory for processing this request is not supplied."),
        )
    }

    pub(crate) fn with_detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// `{RequestId, HostId, Code, Message, Recommend, AccessDeniedDetail?}`
pub(crate) fn body_of_failure(failure: &Failure, product: &str, request_id: &str) -> Value {
    let Failure { code, message, .. } = failure;
    let mut body = json!({
        "RequestId": request_id,
        "HostId": format!("{}.aliyuncs.com", product.to_lowercase()),
        "Code": code,
        "Message": message,
        "Recommend": format!("https://api.aliyun.com/troubleshoot?q={code}&product={product}&requestId={request_id}"),
    });
    if let (Some(detail), Some(fields)) = (&failure.detail, body.as_object_mut()) {
        fields.insert("AccessDeniedDetail".to_owned(), detail.clone());
    }
    body
}

/// Puts a body on the wire, in JSON or in a minimal XML whose root element has the given name.
pub(crate) fn render(status: u16, body: &Value, json: bool, root: &str) -> Response<Body> {
    let (kind, text) = if json {
        ("application/json;charset=utf-8", body.to_string())
    } else {
        ("text/xml;charset=utf-8", xml::document(root, body))
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
