//! The protocol: guards on one role, the orders of their calls, a crash, a stranger. `tests/model` says what is explored, and
//! `benches/protocol.rs` explores more of it.

mod cloud;
mod explore;
mod gate;
mod process;
mod shared;
mod world;

pub use cloud::Cloud;
pub use explore::{Explored, broken, explore};
pub use world::Scenario;
