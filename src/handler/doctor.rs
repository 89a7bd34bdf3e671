//! The doctor instead of a run.

use std::sync::Arc;

use aliyun::Transport;
use aliyun::clock::Deadline;
use aliyun::credentials::{Error, ProfileKeys, RawCredentials};
use authorization::target::AccountId;
use authorization::text::chain;
use fc_runtime::{Context, Diagnostic};
use serde_json::{Value, json};
use tracing::Instrument as _;

use super::{Abort, App, abort, found};
use crate::doctor::{self, CheckStatus, Deployment, DoctorReport};
use crate::report::{Trigger, TriggerKind};

/// Who asks for the doctor, whatever way.
#[derive(Debug)]
pub struct DoctorRequest {
    /// Names it in the log.
    pub request_id: String,
    /// Keys that came with it.
    pub keys: RawCredentials,
    /// The own account, where it is known.
    pub account: Option<AccountId>,
    /// When the answer must be ready.
    pub deadline: Deadline,
}

impl App {
    /// Looks whether the deployment would work, and changes nothing.
    ///
    /// # Errors
    /// When TLS cannot be set up. Everything else is in the report.
    pub async fn doctor(&self, request: DoctorRequest) -> Result<DoctorReport, Abort> {
        let span = tracing::error_span!("doctor", request_id = request.request_id);
        let DoctorRequest { request_id, keys, account, deadline } = request;
        let http = self.http().map_err(Abort::Tls)?;
        let transport: Arc<dyn Transport> = match &self.wiring.transport {
            Some(transport) => transport.clone(),
            None => http.clone(),
        };
        let credentials = match (self.keys(keys), self.config()) {
            (Ok(ProfileKeys { credentials, role: Some(role) }), Ok(config)) => {
                let session = self.session_over(transport.clone(), config, credentials, None, deadline);
                session.assume_role(&role).await.map_err(|error| Error::NotEntered(chain(&error)))
            }
            (keys, _) => keys.map(|keys| keys.credentials),
        };
        let deployment = Deployment {
            config: self.config(),
            credentials,
            host: self.wiring.host,
            account: account.clone(),
            request_id: &request_id,
            clock: self.clock.clone(),
            deadline,
            transport,
            http,
            repairs: &self.repairs,
            notices: self.hooks.len(),
        };
        let session = |config: &_, credentials, transport| {
            self.session_over(transport, config, credentials, account.as_ref(), deadline)
        };
        Ok(doctor::examine(deployment, session).instrument(span).await)
    }

    /// Answers an invocation that asks for the doctor.
    ///
    /// # Errors
    /// A check that failed: a timer drops the answer, and nobody would notice otherwise.
    pub(super) async fn invoke_doctor(&self, trigger: Trigger, context: &Context) -> Result<String, Diagnostic> {
        tracing::info!(trigger = trigger.name.as_deref(), decision = "doctor", "invoked");
        let request = DoctorRequest {
            request_id: context.request_id.as_str().to_owned(),
            keys: context.credentials.clone().map(found).unwrap_or_default(),
            account: context.account_id.as_deref().and_then(|id| id.parse().ok()),
            deadline: self.deadline(context),
        };
        let report = self.doctor(request).await.map_err(|why| abort(&why))?;
        self.tell_of(&report);
        let Some(check) = report.checks.iter().find(|check| check.status == CheckStatus::Failed) else {
            let is_by_hand = trigger.kind == TriggerKind::Manual;
            return Ok(if is_by_hand { report.to_json() } else { report.to_line() });
        };
        let error_type = match check.id.as_str() {
            "settings" => "InvalidSettings",
            "credentials" => "NoCredentials",
            _ => "DoctorFailed",
        };
        let message = format!("{}; {}: {}", report.counts(), check.id, check.message);
        Err(Diagnostic::new(error_type, message).with_report(json!(report)))
    }

    /// Into the log: a line for whatever is not in order, and one for the whole.
    fn tell_of(&self, report: &DoctorReport) {
        let bad = report.checks.iter().filter(|check| check.status >= CheckStatus::Warning);
        let contradicted = report.facts.iter().filter(|fact| !fact.agrees);
        let lines = bad.map(|check| json!({"doctor": "check", "check": check}));
        let lines = lines.chain(contradicted.map(|fact| json!({"doctor": "fact", "fact": fact})));
        let (status, facts) = (report.status.as_str(), report.facts.len());
        for line in lines.chain([json!({"doctor": status, "checks": report.counts(), "facts": facts})]) {
            if let Value::Object(fields) = line {
                self.log.line(self.clock.now(), fields);
            }
        }
    }
}
