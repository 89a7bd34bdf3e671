//! What the work on one role needs everywhere.

use aliyun::Session;
use authorization::baseline::Baseline;
use authorization::target::Target;

/// One role: which it is, what it must look like, and the keys of its account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) session: &'a Session,
    pub(crate) target: &'a Target,
    pub(crate) baseline: &'a Baseline,
}

impl<'a> Case<'a> {
    pub(crate) fn role(self) -> &'a str {
        self.target.role.as_str()
    }
}
