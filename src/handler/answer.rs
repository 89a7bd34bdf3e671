//! What the platform, or a person, is told in the end.

use aliyun::{BadNetwork, credentials};
use fc_runtime::Diagnostic;
use serde_json::Value;

use crate::config::InvalidSettings;
use crate::report::{Json, Render as _, Report, message_for_queues};

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Abort {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// There are no usable keys.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A terminal's proxy or roots cannot be used.
    #[error(transparent)]
    Network(#[from] BadNetwork),
}

impl Abort {
    fn error_type(&self) -> &'static str {
        match self {
            Self::Settings(_) => "InvalidSettings",
            Self::Credentials(_) => "NoCredentials",
            Self::Tls(_) => "NoTls",
            Self::Network(_) => "NoNetwork",
        }
    }
}

pub(super) fn abort(why: &Abort) -> Diagnostic {
    let text = authorization::text::chain(why);
    tracing::error!(reason = text, "the run could not begin");
    Diagnostic::new(why.error_type(), text)
}

/// A person gets the whole report; what triggers start gets what a queue takes.
pub(super) fn answer(report: &Report) -> Result<String, Diagnostic> {
    let for_queues = report.is_for_queues();
    let Some(failure) = report.failure() else {
        return Ok(if for_queues { report.compact("").to_string() } else { Json.render(report) });
    };
    if !for_queues {
        let whole = serde_json::to_value(report).unwrap_or_default();
        return Err(Diagnostic::new(failure.error_type, failure.error_message.clone()).with_report(whole));
    }
    let diagnostic = Diagnostic::new(failure.error_type, message_for_queues(&failure.error_message));
    let around = diagnostic.clone().with_report(Value::Null).to_json().to_string();
    Err(diagnostic.with_report(report.compact(&around)))
}
