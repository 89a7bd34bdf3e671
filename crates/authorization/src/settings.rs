//! The settings that are one word of a closed list.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a run may do; each includes the ones before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Look and judge.
    #[default]
    Verify,
    /// Also say what a repair would do.
    Plan,
    /// Also repair.
    Remediate,
}

/// How a role that exists is repaired. A missing role is created either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Delete it and create it again, as the vendor advises.
    #[default]
    Recreate,
    /// Attach what is missing and add the DTS statement; never delete.
    InPlace,
    /// The smallest repair that will do: in place where that is enough, else recreate it.
    Least,
}

/// Which accounts a run is about; each includes the ones before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The function's own account.
    #[default]
    Account,
    /// Every active member of the resource directory too.
    Organization,
}

/// Whether a repair needs a person's approval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Approval {
    /// No.
    #[default]
    None,
    /// A repair runs only with the `planId` of a plan that was shown.
    Required,
}

/// A closed list of values, each with its name.
pub trait NamedVariants: Copy + PartialEq + 'static {
    /// Each value with its name.
    const ALL: &'static [(&'static str, Self)];

    /// The value's name.
    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
    }

    /// The value of this name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

impl NamedVariants for Mode {
    const ALL: &'static [(&'static str, Self)] =
        &[("verify", Self::Verify), ("plan", Self::Plan), ("remediate", Self::Remediate)];
}

impl NamedVariants for Strategy {
    const ALL: &'static [(&'static str, Self)] =
        &[("recreate", Self::Recreate), ("in-place", Self::InPlace), ("least", Self::Least)];
}

impl NamedVariants for Approval {
    const ALL: &'static [(&'static str, Self)] = &[("none", Self::None), ("required", Self::Required)];
}

impl NamedVariants for Scope {
    const ALL: &'static [(&'static str, Self)] = &[("account", Self::Account), ("organization", Self::Organization)];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Mode {
    /// Whether the mode allows a write.
    pub fn writes(self) -> bool {
        self == Self::Remediate
    }
}
