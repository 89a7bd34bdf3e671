//! What can go wrong with a call to the cloud, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use authorization::text::sanitized;
use serde::Deserialize;

use super::reply;
use crate::credentials::Source;

/// A cloud call that did not succeed.
///
/// It never holds the cloud's `Message`: that text may quote the string to sign, with the security token in it.
#[derive(Debug)]
pub struct Error {
    /// The operation, e.g. `GetRole`.
    pub operation: &'static str,
    /// What went wrong.
    pub kind: Kind,
    /// The cloud's `Code`, where it gave one.
    pub code: Option<String>,
    /// The cloud's id of the request, where it gave one.
    pub request_id: Option<String>,
    /// Which policy denied it, where the cloud said so.
    pub denial: Option<Box<Denial>>,
    pub(super) call: Option<Box<CallContext>>,
    /// What is below, where something is.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
    pub(super) writes: bool,
    /// Whether the connection had been kept, and may have been dead all along.
    pub(super) was_kept: bool,
}

/// What went wrong, by what a caller does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The cloud's state forbids it: it exists already, policies are attached, a limit is reached. Look again.
    Conflict,
    /// The keys may not do this, or are not accepted. A person must grant the permission.
    Denied,
    /// The temporary keys are no longer valid, or unknown. The next invocation brings fresh ones.
    Expired,
    /// The cloud did not accept the request's form: a mistake of this program.
    Invalid,
    /// The request was sent, but no readable reply came: a closed connection, half a body, a page of HTML.
    NoReply,
    /// What the call names does not exist.
    NotFound,
    /// The reply is about another account: the keys are not those of the one that was meant.
    OtherAccount,
    /// The deadline is too near: the request was never sent.
    DeadlineExceeded,
    /// Too many requests. It had no effect.
    Throttled,
    /// The cloud cannot serve right now. A write may have had its effect.
    Unavailable,
    /// A code that we do not know.
    Unknown,
    /// The reply is about something else than was asked for, and says nothing about what was.
    Unrelated,
    /// No connection could be made: the request was never sent.
    Unreachable,
    /// The cloud takes the request's time for wrong. It had no effect.
    WrongTime,
}

/// Whether to call again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after a pause of at least this long.
    After(Duration),
    /// No: the answer would be the same.
    Never,
    /// A write whose reply was lost: look before calling again.
    ObserveFirst,
}

/// The shortest pause before the same call.
const PAUSE: Duration = Duration::from_millis(200);

impl Kind {
    /// Reads the cloud's `Code`; the HTTP status and the message decide nothing.
    pub fn of_code(code: &str) -> Self {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
        match code {
            "InvalidSecurityToken.Expired" => Self::Expired,
            "SignatureNonceUsed" => Self::NoReply,
            _ if starts(&["InvalidTimeStamp", "InvalidTimestamp"]) => Self::WrongTime,
            _ if code.contains("Throttling") => Self::Throttled,
            "ResourceDirectoryNotInUse" => Self::NotFound,
            _ if starts(&["EntityNotExist"]) => Self::NotFound,
            _ if starts(&["EntityAlreadyExists", "DeleteConflict", "LimitExceeded"]) => Self::Conflict,
            _ if starts(&["ServiceUnavailable", "InternalError"]) => Self::Unavailable,
            _ if starts(&["NoPermission", "Forbidden", "NotAuthorized", "Inactive", "SignatureDoesNotMatch"]) => {
                Self::Denied
            }
            _ if starts(&["InvalidAccessKeyId", "InvalidSecurityToken", "MissingSecurityToken"]) => Self::Denied,
            _ if starts(&["Invalid", "Malformed", "Missing"]) => Self::Invalid,
            _ => Self::Unknown,
        }
    }

    /// Whether the same call may succeed a little later, without anybody doing anything.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Expired
            | Self::NoReply
            | Self::DeadlineExceeded
            | Self::Throttled
            | Self::Unavailable
            | Self::Unknown
            | Self::Unreachable
            | Self::Unrelated
            | Self::WrongTime => true,
            Self::Conflict | Self::Denied | Self::Invalid | Self::NotFound | Self::OtherAccount => false,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Conflict => "conflicts with the cloud's state",
            Self::Denied => "was denied",
            Self::Expired => "was refused",
            Self::Invalid => "was not accepted",
            Self::NoReply => "got no readable reply",
            Self::NotFound => "found nothing of that name",
            Self::OtherAccount => "was answered for another account",
            Self::DeadlineExceeded => "was not made: too little time is left",
            Self::Throttled => "was throttled",
            Self::Unavailable => "failed: the service is unavailable",
            Self::Unknown => "failed",
            Self::Unrelated => "was answered with something else than was asked for",
            Self::Unreachable => "could not reach the cloud",
            Self::WrongTime => "was refused: the cloud takes its time for wrong",
        }
    }
}

impl Error {
    pub(super) fn new(operation: &'static str, kind: Kind, writes: bool) -> Self {
        let (code, request_id, denial, call, source) = (None, None, None, None, None);
        Self { operation, kind, code, request_id, denial, call, source, writes, was_kept: false }
    }

    /// Replies to reads that make no sense together.
    pub fn unreadable(operation: &'static str, why: &'static str) -> Self {
        Self { source: Some(why.into()), ..Self::new(operation, Kind::NoReply, false) }
    }

    /// A call that the cloud refused with this code, as its reply tells it.
    pub fn denied(operation: &'static str, code: &str, denial: Option<Denial>) -> Self {
        let error = Self::new(operation, Kind::of_code(code), false);
        Self { code: Some(code.to_owned()), denial: denial.map(Box::new), ..error }
    }

    /// Whether to call again.
    pub fn retry(&self) -> Retry {
        match self.kind {
            Kind::Conflict | Kind::Denied | Kind::Expired | Kind::Invalid | Kind::NotFound | Kind::OtherAccount => {
                Retry::Never
            }
            Kind::NoReply | Kind::Unavailable | Kind::Unknown | Kind::Unrelated if self.writes => Retry::ObserveFirst,
            Kind::NoReply
            | Kind::DeadlineExceeded
            | Kind::Unavailable
            | Kind::Unknown
            | Kind::Throttled
            | Kind::Unreachable
            | Kind::Unrelated
            | Kind::WrongTime => Retry::After(PAUSE),
        }
    }

    /// Whether the cloud says that the role does not exist. Nothing else may be taken for that answer.
    pub fn is_role_missing(&self) -> bool {
        self.is("EntityNotExist.Role")
    }

    /// Whether the cloud gave this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.operation, self.kind.text())?;
        let address = self.call.as_deref().map(|asked| &asked.address);
        match (self.kind, self.cause(), address) {
            (Kind::Unreachable, _, Some(address)) => write!(f, " at `{address}`")?,
            (Kind::NoReply, _, Some(address)) => write!(f, " from `{address}`")?,
            (_, Some(cause), _) => write!(f, ": {cause}")?,
            _ => {}
        }
        if let Some(code) = &self.code {
            write!(f, ", code `{}`", sanitized(code))?;
        }
        match &self.request_id {
            Some(id) => write!(f, ", request id `{}`", sanitized(id)),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What was asked for, of whom, and with which key.
#[derive(Debug)]
pub(super) struct CallContext {
    /// As a policy names it, e.g. `ram:GetRole`.
    pub(super) permission: String,
    /// What a policy has to allow it on; two for a policy that is attached or detached.
    pub(super) resources: Vec<String>,
    /// Host and port.
    pub(super) address: String,
    /// The beginning of the access key id.
    pub(super) key: String,
    pub(super) source: Source,
    pub(super) is_temporary: bool,
}

/// The cloud's `AccessDeniedDetail`, as far as it helps to find the policy to change. All of it may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Denial {
    /// What asked: `Account` for an account's root, `SubUser`, `AssumedRoleUser`.
    #[serde(deserialize_with = "reply::text")]
    pub auth_principal_type: Option<String>,
    /// The caller: a user's name, or `role:session`.
    #[serde(deserialize_with = "reply::text")]
    pub auth_principal_display_name: Option<String>,
    /// The caller's account.
    #[serde(deserialize_with = "reply::text")]
    pub auth_principal_owner_id: Option<String>,
    /// The permission, e.g. `ram:GetRole`.
    #[serde(deserialize_with = "reply::text")]
    pub auth_action: Option<String>,
    /// What denied: `AccountLevelIdentityBasedPolicy`, `ControlPolicy` and others.
    #[serde(deserialize_with = "reply::text")]
    pub policy_type: Option<String>,
    /// `ImplicitDeny` where nothing allows it, `ExplicitDeny` where something forbids it.
    #[serde(deserialize_with = "reply::text")]
    pub no_permission_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_the_vendor_documents_them() {
        for (code, kind) in [
            ("EntityNotExist.Role", Kind::NotFound),
            ("EntityNotExists.Account", Kind::NotFound),
            ("ResourceDirectoryNotInUse", Kind::NotFound),
            ("EntityAlreadyExists.Role.Policy", Kind::Conflict),
            ("DeleteConflict.Role.Policy", Kind::Conflict),
            ("LimitExceeded.Role", Kind::Conflict),
            ("NoPermission", Kind::Denied),
            ("Forbidden.RAM", Kind::Denied),
            ("InvalidAccessKeyId.NotFound", Kind::Denied),
            ("InvalidSecurityToken.Malformed", Kind::Denied),
            ("InvalidSecurityToken.Expired", Kind::Expired),
            ("MalformedPolicyDocument", Kind::Invalid),
            ("InvalidParameter.RoleName.Length", Kind::Invalid),
            ("MissingParameter", Kind::Invalid),
            ("Throttling", Kind::Throttled),
            ("Throttling.User", Kind::Throttled),
            ("Rejected.Throttling", Kind::Throttled),
            ("ServiceUnavailable", Kind::Unavailable),
            ("InternalError", Kind::Unavailable),
            ("InvalidTimeStamp.Expired", Kind::WrongTime),
            ("InvalidTimeStamp.Format", Kind::WrongTime),
            ("SomethingNew", Kind::Unknown),
        ] {
            assert_eq!(Kind::of_code(code), kind, "{code}");
        }
    }

    #[test]
    fn a_write_without_a_reply_is_looked_at_first() {
        let error = |kind, writes| Error::new("X", kind, writes);
        assert_eq!(error(Kind::NoReply, true).retry(), Retry::ObserveFirst);
        assert_eq!(error(Kind::Unavailable, true).retry(), Retry::ObserveFirst);
        assert_eq!(error(Kind::Unrelated, true).retry(), Retry::ObserveFirst);
        assert_eq!(error(Kind::NoReply, false).retry(), Retry::After(PAUSE));
        assert_eq!(error(Kind::Throttled, true).retry(), Retry::After(PAUSE));
        assert_eq!(error(Kind::WrongTime, true).retry(), Retry::After(PAUSE));
        assert_eq!(error(Kind::Denied, true).retry(), Retry::Never);
    }
}
