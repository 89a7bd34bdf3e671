//! What the guards share, a cloud and a folder, and what can be asked of it.

use std::collections::BTreeMap;

use super::cloud::{self, Answer, Cloud, Params};

/// What a guard asks of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op {
    Call(Params),
    Generations,
    Read(u64),
    Claim(u64, Vec<u8>),
    Replace(u64, Vec<u8>),
    SetAside(u64),
    ForgetBefore(u64),
}

#[derive(Clone, Debug, Hash)]
pub(super) enum Outcome {
    Answer(Answer),
    Generations(Vec<u64>),
    Bytes(Option<Vec<u8>>),
    Claimed(bool),
    Done,
}

impl Op {
    pub(super) fn is_call(&self) -> bool {
        matches!(self, Self::Call(_))
    }

    pub(super) fn reads_folder(&self) -> bool {
        matches!(self, Self::Generations | Self::Read(_))
    }

    pub(super) fn is_constant(&self) -> bool {
        match self {
            Self::Call(params) => ["GetCallerIdentity", "ListTagResources"].contains(&params["Action"].as_str()),
            Self::ForgetBefore(_) => true,
            Self::Generations | Self::Read(_) | Self::Claim(..) | Self::Replace(..) | Self::SetAside(_) => false,
        }
    }

    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Call(params) => cloud::writes(params),
            Self::Claim(..) | Self::Replace(..) => true,
            Self::Generations | Self::Read(_) | Self::SetAside(_) | Self::ForgetBefore(_) => false,
        }
    }
}

pub(super) type Files = BTreeMap<u64, Vec<u8>>;

/// What the guards share.
#[derive(Clone, Hash)]
pub(super) struct Shared {
    pub(super) cloud: Cloud,
    pub(super) files: Files,
}

impl Shared {
    pub(super) fn perform(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Call(params) => Outcome::Answer(self.cloud.call(params)),
            Op::Generations => Outcome::Generations(self.files.keys().copied().collect()),
            Op::Read(generation) => Outcome::Bytes(self.files.get(generation).cloned()),
            Op::Claim(generation, bytes) => {
                let free = !self.files.contains_key(generation);
                if free {
                    self.files.insert(*generation, bytes.clone());
                }
                Outcome::Claimed(free)
            }
            Op::Replace(generation, bytes) => {
                self.files.insert(*generation, bytes.clone());
                Outcome::Done
            }
            Op::SetAside(generation) => {
                self.files.remove(generation);
                Outcome::Done
            }
            // The newest file counts, so the earlier ones may as well stay.
            Op::ForgetBefore(_) => Outcome::Done,
        }
    }
}
