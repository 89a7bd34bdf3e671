//! The doctor instead of a run.

use aliyun::credentials::{Error, ProfileKeys};
use authorization::text::chain;
use fc_runtime::Diagnostic;
use serde_json::{Value, json};
use tracing::Instrument as _;

use super::{Abort, App, RequestContext, abort};
use crate::doctor::{self, CheckStatus, Deployment, DoctorReport};
use crate::report::{Trigger, TriggerKind};

impl App {
    /// Looks whether the deployment would work, and changes nothing.
    ///
    /// # Errors
    /// When TLS cannot be set up. Everything else is in the report.
    pub async fn doctor(&self, context: RequestContext) -> Result<DoctorReport, Abort> {
        let span = tracing::error_span!("doctor", request_id = context.request_id);
        let (http, transport) = (self.http()?, self.transport()?);
        let credentials = match (self.keys(context.keys.clone()), self.config()) {
            (Ok(ProfileKeys { credentials, role: Some(role) }), Ok(config)) => {
                let session = self.session(transport.clone(), config, credentials, &context);
                session.assume_role(&role).await.map_err(|error| Error::NotEntered(chain(&error)))
            }
            (keys, _) => keys.map(|keys| keys.credentials),
        };
        let deployment = Deployment {
            config: self.config(),
            credentials,
            host: self.wiring.host,
            account: context.account.clone(),
            request_id: &context.request_id,
            clock: self.clock.clone(),
            deadline: context.deadline,
            transport,
            http,
            repairs: &self.repairs,
            notices: self.hooks.len(),
        };
        let session = |config: &_, credentials, transport| self.session(transport, config, credentials, &context);
        Ok(doctor::examine(deployment, session).instrument(span).await)
    }

    /// A check that failed is an error: a timer drops the answer, and nobody would notice otherwise.
    pub(super) async fn invoke_doctor(&self, trigger: Trigger, request: RequestContext) -> Result<String, Diagnostic> {
        tracing::info!(trigger = trigger.name.as_deref(), decision = "doctor", "invoked");
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
