//! Why a plan must not be carried out as it stands, judged by the role alone. The report has the sentences.

/// Why a plan must not be carried out as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unplannable {
    /// The role belongs to a service.
    ServiceLinked,
    /// The role holds this administrator's policy.
    Privileged(String),
    /// What was detached would not all fit back: it holds this many system policies, the needed one not among them.
    NoRoom(usize),
    /// The trust policy holds what the guard does not understand.
    UnreadableTrust,
    /// The needed policy would be attached to a role that others may assume: these.
    OthersMayAssume(String),
    /// The tags could not be read, and why.
    UnreadableTags(String),
    /// The trust policy cannot be extended, and why.
    InPlace(String),
}

impl Unplannable {
    /// Whether the approval of this very plan lifts it.
    pub fn can_be_approved(&self) -> bool {
        match self {
            Self::UnreadableTrust | Self::OthersMayAssume(_) => true,
            Self::ServiceLinked
            | Self::Privileged(_)
            | Self::NoRoom(_)
            | Self::UnreadableTags(_)
            | Self::InPlace(_) => false,
        }
    }

    /// Whether no approval makes the guard begin: such a plan has no steps to show.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::ServiceLinked | Self::Privileged(_) | Self::NoRoom(_))
    }
}
