//! What a request asks for.
//!
//! An HTTP trigger passes foreign requests through, with any path. The control path is the platform's own word, which no
//! client can send, so where it is present it alone decides.

use axum::{
    http::{Method, StatusCode, header::ORIGIN, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    Diagnostic,
    address::Site,
    answer::{self, Failure},
    headers::{self, text},
    markers::Phase,
};

pub(super) enum Route {
    Health,
    Hook(Phase),
    Invoke,
    Refused(Response),
}

impl Route {
    pub(super) fn of(request: &Parts, site: Site) -> Self {
        let wanted = match text(&request.headers, headers::CONTROL_PATH) {
            Some(control_path) => Self::by_control_path(control_path),
            None => Self::by_path(request, site),
        };
        match wanted {
            Self::Invoke => Self::invoke(request, site),
            other => other,
        }
    }

    fn by_control_path(control_path: &str) -> Self {
        match control_path {
            "/invoke" => Self::Invoke,
            "/http-invoke" => Self::Refused(http_trigger()),
            other => Self::hook(other).unwrap_or_else(|| Self::Refused(unknown_control_path())),
        }
    }

    fn by_path(request: &Parts, site: Site) -> Self {
        match (request.uri.path(), site) {
            ("/health", _) if request.method == Method::GET => Self::Health,
            ("/invoke", Site::Workstation) => Self::Invoke,
            (path, _) => Self::hook(path).unwrap_or_else(|| Self::Refused(unknown_path(site))),
        }
    }

    /// Hooks change nothing here, so their method is not looked at: a failed hook would cost the instance.
    fn hook(path: &str) -> Option<Self> {
        let phase = match path {
            "/initialize" => Phase::Initialize,
            "/pre-freeze" => Phase::PreFreeze,
            "/pre-stop" => Phase::PreStop,
            _ => return None,
        };
        Some(Self::Hook(phase))
    }

    fn invoke(request: &Parts, site: Site) -> Self {
        if request.method != Method::POST {
            return Self::Refused(wrong_method());
        }
        // Any web page can make a browser post to loopback; browsers then name the page here, `curl` does not.
        if site == Site::Workstation && request.headers.contains_key(ORIGIN) {
            return Self::Refused(web_page());
        }
        Self::Invoke
    }
}

fn http_trigger() -> Response {
    let why =
        "an HTTP trigger runs nothing here: invoke the function through a timer, an event or the InvokeFunction API";
    answer::refusal(StatusCode::FORBIDDEN, &Diagnostic::new("HttpTriggerRefused", why))
}

fn unknown_control_path() -> Response {
    let why = "the header `x-fc-control-path` is none of `/invoke`, `/initialize`, `/pre-stop`, `/pre-freeze`";
    Failure::from(Diagnostic::new("UnknownControlPath", why)).into_response()
}

fn unknown_path(site: Site) -> Response {
    let why = match site {
        Site::Platform => "an invocation needs the header `x-fc-control-path: /invoke`; `GET /health` needs none",
        Site::Workstation => "post the event to `/invoke`, or ask `GET /health`",
    };
    Failure::from(Diagnostic::new("UnknownPath", why)).into_response()
}

fn wrong_method() -> Response {
    let why = "an invocation is a `POST` with the event as its body";
    answer::wrong_method("POST", Diagnostic::new("WrongMethod", why))
}

fn web_page() -> Response {
    let why = "a web page may not invoke the function: send the request without the header `origin`";
    Failure::new(StatusCode::FORBIDDEN, Diagnostic::new("WebPageRefused", why)).into_response()
}
