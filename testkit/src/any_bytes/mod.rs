//! What must hold for any bytes: as an event ([`decision`]), as a file in the journal folder ([`evidence`]), as the cloud's
//! reply ([`replies`]). The property tests and the fuzz targets hold the same promises.

mod bend;
pub mod decision;
pub mod evidence;
pub mod replies;

pub use bend::bend;
