//! The question before anything is made.

use conformance::{Caller, Names};

use crate::say;

/// Says what will be made and removed; only `yes` is taken.
pub(crate) fn asked(caller: &Caller, names: &Names) -> bool {
    let account = authorization::text::sanitized(&caller.account_id);
    let arn = authorization::text::sanitized(&caller.arn);
    say(&format!(
        "In account {account}, with the keys of {arn}, this makes\n\
         \x20 the role    {}, which trusts dts.aliyuncs.com alone and, for some\n\
         \x20             seconds, holds AliyunDTSRolePolicy and up to 20 policies that permit to read only\n\
         \x20 the role    {}, which you alone may assume\n\
         \x20 the policy  {}, attached to the second role, which permits it\n\
         \x20             to read and tag the first one and to attach system policies to it\n\
         and removes them at the end, whatever happens. About 220 calls, about a minute. No other role is written to; the\n\
         resource directory is read.\n\
         Type `yes` to go on: ",
        names.role(),
        names.session_role(),
        names.policy(),
    ));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
