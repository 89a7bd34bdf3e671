//! What a request asks for.
//!
//! An HTTP trigger passes foreign requests through, with any path. The control path is the platform's own word, which no
//! client can send, so where it is present it alone decides.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header::ALLOW, request::Parts};

use super::{
    address::Site,
    answer::{Answer, Failure},
    markers::Phase,
    web_page,
};

const CONTROL_PATH: &str = "x-fc-control-path";

pub(super) enum Route {
    Health,
    Hook(Phase),
    Invoke,
    Refused(Answer),
}

impl Route {
    pub(super) fn of(request: &Parts, site: Site) -> Self {
        if let (Site::Workstation, Some(failure)) = (site, web_page::refusal(request)) {
            return Self::Refused(failure.into_answer());
        }
        let route = match control_path(&request.headers) {
            Ok(Some(control_path)) => Self::by_control_path(control_path),
            Ok(None) => Self::by_path(request, site),
            Err(failure) => Self::Refused(failure.into_answer()),
        };
        match route {
            Self::Invoke if request.method != Method::POST => {
                let why = "an invocation is a `POST` with the event as its body";
                let mut answer = Failure::new(StatusCode::METHOD_NOT_ALLOWED, "WrongMethod", why).into_answer();
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                Self::Refused(answer)
            }
            route => route,
        }
    }

    fn by_control_path(control_path: &str) -> Self {
        match control_path {
            "/invoke" => Self::Invoke,
            "/http-invoke" => {
                let why = "an HTTP trigger runs nothing here: invoke the function through a timer, an event or the \
                           InvokeFunction API";
                Self::Refused(Failure::new(StatusCode::FORBIDDEN, "HttpTriggerRefused", why).into_refusal())
            }
            other => Self::hook(other).unwrap_or_else(|| {
                let why =
                    "the header `x-fc-control-path` is none of `/invoke`, `/initialize`, `/pre-stop`, `/pre-freeze`";
                Self::Refused(Failure::new(StatusCode::NOT_FOUND, "UnknownControlPath", why).into_answer())
            }),
        }
    }

    fn by_path(request: &Parts, site: Site) -> Self {
        match (request.uri.path(), site) {
            ("/health", _) if request.method == Method::GET => Self::Health,
            ("/invoke", Site::Workstation) => Self::Invoke,
            (path, site) => Self::hook(path).unwrap_or_else(|| {
                let why = match site {
                    Site::Platform => {
                        "an invocation needs the header `x-fc-control-path: /invoke`; `GET /health` needs none"
                    }
                    Site::Workstation => "post the event to `/invoke`, or ask `GET /health`",
                };
                Self::Refused(Failure::new(StatusCode::NOT_FOUND, "UnknownPath", why).into_answer())
            }),
        }
    }

    /// The method of a hook is not looked at: the documents of the platform differ, and a failed hook would cost the instance.
    fn hook(path: &str) -> Option<Self> {
        match path {
            "/initialize" => Some(Self::Hook(Phase::Initialize)),
            "/pre-freeze" => Some(Self::Hook(Phase::PreFreeze)),
            "/pre-stop" => Some(Self::Hook(Phase::PreStop)),
            _ => None,
        }
    }
}

/// The one control path of a request. Two that differ are no choice to make here: one of them may be a client's.
fn control_path(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut found = None;
    for value in headers.get_all(CONTROL_PATH) {
        // A value that is not text is an unknown control path, and must not pass for a missing one.
        let value = value.to_str().unwrap_or("?");
        for control_path in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if found.is_some_and(|found| found != control_path) {
                let why = "the request has two different control paths; nothing ran";
                return Err(Failure::new(StatusCode::FORBIDDEN, "TwoControlPaths", why));
            }
            found = Some(control_path);
        }
    }
    Ok(found)
}
