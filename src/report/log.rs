//! What the log says of a run: a timer's owner sees nothing else of the report.
//!
//! What a person asks for stands at the top of a line, where the log service can index it; the whole account stands behind
//! it, and its documents last, so that what has to be cut is cut there.

use authorization::role::document_last;
use serde_json::{Map, Value, json};

use super::{Report, Status};

impl Report {
    /// One line for each account that is not authorized.
    pub fn account_lines(&self) -> impl Iterator<Item = Map<String, Value>> {
        let accounts = self.accounts.iter().filter(|account| account.status != Status::Authorized);
        accounts.map(|account| {
            let mut whole = json!(account);
            for name in ["before", "after"] {
                if let Some(fields) = whole.as_object_mut()
                    && let Some(mut role) = fields.shift_remove(name)
                {
                    document_last(&mut role);
                    fields.insert(name.to_owned(), role);
                }
            }
            without_nulls(json!({
                "requestId": self.request_id,
                "accountId": account.account_id,
                "roleName": account.role_name(),
                "status": account.status,
                "durationMs": whole.get("durationMs"),
                "findingIds": account.finding_ids().join(" "),
                "next": account.next,
                "errorOperation": whole.pointer("/error/operation"),
                "errorCode": whole.pointer("/error/code"),
                "account": whole,
            }))
        })
    }

    /// The line that says how the run ended.
    pub fn summary_line(&self) -> Map<String, Value> {
        without_nulls(json!({
            "requestId": self.request_id,
            "status": self.status,
            "trigger": self.trigger,
            "mode": self.mode,
            "durationMs": self.duration_ms,
            "summary": self.summary,
            "errors": self.errors,
            "reason": self.reason,
            "ignored": self.ignored,
        }))
    }
}

fn without_nulls(line: Value) -> Map<String, Value> {
    let Value::Object(line) = line else { return Map::new() };
    line.into_iter().filter(|(_, value)| !value.is_null()).collect()
}
