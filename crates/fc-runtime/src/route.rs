//! What a request asks for.
//!
//! An HTTP trigger passes foreign requests through, with any path. The control path is the platform's own word, which no
//! client can send, so where it is present it alone decides.

use http::{HeaderMap, Method, StatusCode, request::Parts};

use super::{
    Diagnostic,
    address::Site,
    answer::{self, Answer, Failure},
    headers,
    markers::Phase,
    web_page,
};

pub(super) enum Route {
    Health,
    Hook(Phase),
    Invoke,
    Refused(Answer),
}

impl Route {
    pub(super) fn of(request: &Parts, site: Site) -> Self {
        if let (Site::Workstation, Some(reason)) = (site, web_page::reason(request)) {
            return Self::Refused(forbidden(reason));
        }
        let wanted = match control_path(&request.headers) {
            Ok(Some(control_path)) => Self::by_control_path(control_path),
            Ok(None) => Self::by_path(request, site),
            Err(diagnostic) => Self::Refused(forbidden(diagnostic)),
        };
        match wanted {
            Self::Invoke if request.method != Method::POST => Self::Refused(wrong_method()),
            wanted => wanted,
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

    /// The method of a hook is not looked at: the documents of the platform differ, and a failed hook would cost the instance.
    fn hook(path: &str) -> Option<Self> {
        let phase = match path {
            "/initialize" => Phase::Initialize,
            "/pre-freeze" => Phase::PreFreeze,
            "/pre-stop" => Phase::PreStop,
            _ => return None,
        };
        Some(Self::Hook(phase))
    }
}

/// The one control path of a request. Two that differ are no choice to make here: one of them may be a client's.
fn control_path(headers: &HeaderMap) -> Result<Option<&str>, Diagnostic> {
    let mut found = None;
    for value in headers.get_all(headers::CONTROL_PATH) {
        // What is not text is no control path that is known, and must not pass for a missing one.
        let value = value.to_str().unwrap_or("?");
        for control_path in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if found.is_some_and(|found| found != control_path) {
                let why = "the request has two different control paths; nothing ran";
                return Err(Diagnostic::new("TwoControlPaths", why));
            }
            found = Some(control_path);
        }
    }
    Ok(found)
}

fn http_trigger() -> Answer {
    let why =
        "an HTTP trigger runs nothing here: invoke the function through a timer, an event or the InvokeFunction API";
    answer::refusal(StatusCode::FORBIDDEN, &Diagnostic::new("HttpTriggerRefused", why))
}

fn unknown_control_path() -> Answer {
    let why = "the header `x-fc-control-path` is none of `/invoke`, `/initialize`, `/pre-stop`, `/pre-freeze`";
    Failure::from(Diagnostic::new("UnknownControlPath", why)).into_answer()
}

fn unknown_path(site: Site) -> Answer {
    let why = match site {
        Site::Platform => "an invocation needs the header `x-fc-control-path: /invoke`; `GET /health` needs none",
        Site::Workstation => "post the event to `/invoke`, or ask `GET /health`",
    };
    Failure::from(Diagnostic::new("UnknownPath", why)).into_answer()
}

fn wrong_method() -> Answer {
    let why = "an invocation is a `POST` with the event as its body";
    answer::wrong_method("POST", Diagnostic::new("WrongMethod", why))
}

fn forbidden(reason: Diagnostic) -> Answer {
    Failure::new(StatusCode::FORBIDDEN, reason).into_answer()
}
