//! Puts an ending on the wire, broken endings included.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::http_date;
use crate::fault::Rewrite;
use crate::wire::{Failure, Reply, body_of_failure, render};

/// How a call ends.
pub(crate) enum Ending {
    Reply(Reply),
    Html(u16),
    Half(Reply),
    Hang,
    Lost,
}

/// Which `Date` a reply with an error carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ErrorDate {
    /// The server's own.
    #[default]
    Right,
    /// This text, whatever it means.
    Says(String),
    /// None.
    Absent,
}

/// What every reply needs to know about its request.
pub(crate) struct Address<'a> {
    pub(crate) product: &'static str,
    pub(crate) operation: &'a str,
    pub(crate) index: usize,
    pub(crate) json: bool,
    pub(crate) params: &'a BTreeMap<String, String>,
    pub(crate) rewrites: &'a [Rewrite],
}

impl Ending {
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Reply(Ok(_)) | Self::Half(Ok(_)) => Some(200),
            Self::Reply(Err(failure)) | Self::Half(Err(failure)) => Some(failure.status),
            Self::Html(status) => Some(*status),
            Self::Hang | Self::Lost => None,
        }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Reply(Err(failure)) | Self::Half(Err(failure)) => Some(&failure.code),
            _ => None,
        }
    }
}

pub(crate) fn response(ending: Ending, to: &Address, now: Timestamp, on_error: &ErrorDate) -> Response<Body> {
    let date = match (ending.code(), on_error) {
        (Some(_), ErrorDate::Says(date)) => Some(date.clone()),
        (Some(_), ErrorDate::Absent) => None,
        _ => Some(http_date(now)),
    };
    let mut response = match ending {
        Ending::Reply(reply) => whole(reply, to),
        Ending::Half(reply) => half(&whole_text(reply, to)),
        Ending::Html(status) => html(status),
        Ending::Hang | Ending::Lost => Response::new(Body::new(Broken::default())),
    };
    if let Some(Ok(date)) = date.map(HeaderValue::try_from) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// What a request for nothing gets.
pub(crate) fn empty(now: Timestamp) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    if let Ok(date) = HeaderValue::try_from(http_date(now)) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

pub(crate) fn failure_without_request(failure: &Failure) -> Response<Body> {
    render(failure.status, &body_of_failure(failure, "Ram", "0C0FFEE0-0000-4000-8000-000000000000"), true, "Error")
}

pub(crate) fn made_up_failure(status: u16, code: &str) -> Failure {
    let message = match code {
        "Throttling.User" => "Request was denied due to user flow control.",
        "Throttling.Api" => "Request was denied due to api flow control.",
        "ServiceUnavailable" => "The request has failed due to a temporary failure of the server.",
        "InternalError" => "An internal error occurred.",
        "InvalidSecurityToken.Expired" => "Specified SecurityToken is expired.",
        _ => "The request was refused by a fault rule.",
    };
    Failure::new(status, code, message)
}

/// Takes the last item of every list.
pub(crate) fn without_last_items(mut reply: Value) -> Value {
    for value in reply.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
        if let Some(items) = value.as_array_mut() {
            items.pop();
        }
        *value = without_last_items(value.take());
    }
    reply
}

fn whole(reply: Reply, to: &Address) -> Response<Body> {
    let (status, body, root) = told(reply, to);
    render(status, &body, to.json, &root)
}

fn whole_text(reply: Reply, to: &Address) -> String {
    told(reply, to).1.to_string()
}

/// Status, body with its `RequestId`, and the root element.
fn told(reply: Reply, to: &Address) -> (u16, Value, String) {
    let request_id = request_id(to.index);
    let (status, mut body, root) = match reply {
        Ok(mut body) => {
            if let Some(fields) = body.as_object_mut() {
                fields.insert("RequestId".to_owned(), json!(request_id));
            }
            (200, body, format!("{}Response", to.operation))
        }
        Err(failure) => (failure.status, body_of_failure(&failure, to.product, &request_id), "Error".to_owned()),
    };
    for rewrite in to.rewrites {
        let mut rewrite = rewrite.lock().unwrap_or_else(PoisonError::into_inner);
        rewrite(&mut body, to.params);
    }
    (status, body, root)
}

pub(crate) fn request_id(index: usize) -> String {
    format!("0C0FFEE0-0000-4000-8000-{:012X}", index + 1)
}

fn html(status: u16) -> Response<Body> {
    let page = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body><center><h1>{status}</h1></center></body>\r\n</html>\r\n"
    );
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

fn half(text: &str) -> Response<Body> {
    let half = text.as_bytes().iter().take(text.len() / 2).copied().collect::<Bytes>();
    let mut response = Response::new(Body::new(Broken { first: Some(half), flushing: false }));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    response
}

/// A body that fails, upon which the server closes the socket.
///
/// Without a first part it fails before the head of the response is flushed, so the client gets no byte at all.
#[derive(Default)]
struct Broken {
    first: Option<Bytes>,
    flushing: bool,
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(first) = self.first.take() {
            self.flushing = true;
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        // One pause, in which the server flushes the first part.
        if std::mem::take(&mut self.flushing) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("the connection is to break off here"))))
    }
}
