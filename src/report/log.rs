//! What the log says of a run: a timer's owner sees nothing else of the report.

use serde_json::{Map, Value, json};

use super::{Report, Status};

impl Report {
    /// One line for each account that is not authorized, and the summary.
    pub fn log_lines(&self) -> impl Iterator<Item = Map<String, Value>> {
        let accounts = self.accounts.iter().filter(|account| account.status != Status::Authorized);
        let lines =
            accounts.map(|account| fields(&[("requestId", json!(self.request_id)), ("account", json!(account))]));
        lines.chain(std::iter::once_with(|| self.summary_line()))
    }

    fn summary_line(&self) -> Map<String, Value> {
        fields(&[
            ("requestId", json!(self.request_id)),
            ("status", json!(self.status)),
            ("trigger", json!(self.trigger)),
            ("mode", json!(self.mode)),
            ("durationMs", json!(self.duration_ms)),
            ("summary", json!(self.summary)),
            ("errors", json!(self.errors)),
            ("reason", json!(self.reason)),
            ("ignored", json!(self.ignored)),
        ])
    }
}

fn fields(pairs: &[(&str, Value)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
