//! What is around the guard, as far as it can be known from inside.

use aliyun::credentials::Host;

use super::checks::Checks;
use super::report::Answer;

pub(super) const IDS: [&str; 2] = ["queue", "log"];

/// The queue of failed runs, the log, and who is told.
pub(super) fn check(checks: &mut Checks, host: Host, notices: usize, request_id: &str) {
    match host {
        Host::Terminal => {
            checks.skip(&IDS[..1], "a terminal has no queue of failed runs");
            checks.skip(&IDS[1..], "a terminal writes its log to standard error");
        }
        Host::Function => {
            let told = if notices == 0 { "nobody in a chat".to_owned() } else { format!("{notices} places in chats") };
            checks.put(
                IDS[0],
                Answer::skipped(format!(
                    "a function cannot read where the platform puts its failed runs; beside that, `DTS_GUARD_NOTIFY` tells {told}"
                ))
                .but("look at `asyncInvokeConfig` of the function: `destinationConfig.onFailure` must name a queue"),
            );
            checks.put(
                IDS[1],
                Answer::skipped("a function cannot read its own log")
                    .but(format!("search the log store for `{request_id}`: the doctor has written a line with it")),
            );
        }
    }
}
