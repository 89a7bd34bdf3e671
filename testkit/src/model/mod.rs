//! The protocol: guards on one role, the orders of their calls, a crash, a stranger. `tests/model` says what is explored, and
//! `benches/protocol.rs` explores more of it.

mod bug;
mod cloud;
mod explore;
mod gate;
mod process;
mod shared;
mod world;

pub use bug::Bug;
pub use cloud::Cloud;
pub use explore::{Explored, Reduction, broken, explore, explore_by};
pub use world::Scenario;
