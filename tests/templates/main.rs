//! The Terraform module and the ROS template: every argument is one that the provider or the service knows, the values are
//! those of `s.yaml`, and the documents are those of `policies/` and `deploy/sls`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may panic, its helpers too"
)]

mod functions;
mod known;
mod module;
mod ros;
mod shipped;
mod terraform;
