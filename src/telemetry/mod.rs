//! What the program says about itself: the log.

mod cut;
mod lines;
mod log;
mod queue;

pub use log::{Log, Markers};
