//! A loopback server that behaves like Alibaba Cloud RAM, STS and Resource Manager: it checks signatures, keeps state, enforces policies, and
//! fails on demand.
//!
//! Start at [`Emulator`]. A request goes through the modules in this order:
//!
//! | module | what it does |
//! | --- | --- |
//! | `emulator` | the handle: start, look, change, fail |
//! | `server` | the listener and its thread |
//! | `connections`, `tls` | what connections cost, how many there were, how they end |
//! | `service` | one call from request to ending |
//! | `wire` | parameters from query, form and headers; the reply and the error envelope |
//! | `recorder` | what arrived and what became of it |
//! | `peak` | the most calls in a second, calls at once, and accounts at once |
//! | `trips` | how many trips a client waited for, one after the other |
//! | `auth` | RPC signature 1.0 and ACS3, nonces, clock, tokens |
//! | `fault` | [`Rule`], [`Verdict`], and both in words: [`WrittenFault`] |
//! | `access` | may this caller do this? |
//! | `policy` | policy documents, identity and trust |
//! | `world` | what there is: [`World`], [`Role`], [`AccessKey`], [`Member`], [`WorldState`]; it knows none of the products below |
//! | `ram` | RAM 2015-05-01 |
//! | `sts` | STS 2015-04-01 |
//! | `resource_manager` | Resource Manager 2020-03-31: the resource directory |
//! | `deliver` | endings on the wire, broken ones too |
//! | `clock` | the only reader of the time |
//!
//! It imports nothing from its clients: the two meet on the wire, so a mistake cannot agree with itself. Its own imports run
//! one way, which `tests/imports.rs` keeps. The program is in `src/bin/emulator`.

mod access;
mod auth;
mod clock;
mod connections;
mod deliver;
mod emulator;
mod fault;
mod peak;
mod policy;
mod ram;
mod recorder;
mod resource_manager;
mod server;
mod service;
mod sts;
mod tls;
mod trips;
mod wire;
mod world;

pub use auth::{Scheme, signed_form};
pub use connections::{End, Opening};
pub use deliver::ErrorDate;
pub use emulator::Emulator;
pub use fault::{Fault, FaultGuard, Moment, Rule, Verdict, WrittenFault, WrongFault};
pub use peak::{peak_accounts, peak_in_flight, peak_per_second};
pub use recorder::Call;
pub use trips::{round_trips, round_trips_with};
pub use world::{
    AccessKey, AccountSeed, Attachment as AttachedPolicy, DTS_DESCRIPTION, DTS_POLICY, DTS_ROLE, DTS_TRUST,
    DirectorySeed, JoinMethod, Member, MemberStatus, MemberType, PolicyType, Role, RoleRecord as RoleSnapshot, Seed,
    World, WorldState, member_ids,
};
