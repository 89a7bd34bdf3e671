//! What the work on one role needs everywhere.

use aliyun::Session;
use authorization::baseline::Baseline;
use authorization::target::Target;

/// One role: which it is, what it must look like, and the keys of its account.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The keys of the target's account.
    pub session: &'a Session,
    /// The role.
    pub target: &'a Target,
    /// What it must look like.
    pub baseline: &'a Baseline,
}

impl<'a> Case<'a> {
    /// The role's name, as the calls take it.
    pub fn role(self) -> &'a str {
        self.target.role.as_str()
    }
}
