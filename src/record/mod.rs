//! Usage records: one per request, and sums, which stand for requests without records.
//!
//! A [`Record`] is a product of small lattices, so its [join](crate::base::join::Join::join)
//! commutes, associates and is idempotent: the order in which rows, files and machines meet makes
//! no difference. It has one of three levels of detail ([`Level`]); every level keeps id, model and
//! counters, so that totals and deduplication are exact at each level and between them.
//!
//! What Claude Code's own account states beyond request lines is a record too ([`Ledger`]).
//!
//! [`PlanLimits`] are no usage: they are what Claude Code states of a subscription's limits.
//!
//! `client`, `identity`, `plan` → `ledger` → `request` → `state` → `totals` → `sum` → `join` →
//! `draft`, `entry`, `packed` → `set` → `absorb`: a file uses only files to its left.

mod absorb;
mod client;
mod draft;
mod entry;
mod identity;
mod join;
mod ledger;
mod packed;
mod plan;
mod request;
mod set;
mod state;
mod sum;
mod totals;

pub use crate::prices::Counters;
pub use client::Client;
pub(crate) use client::{agent, entrypoint, version};
pub(crate) use draft::Draft;
pub(crate) use entry::Entry;
pub(crate) use identity::{Identity, derived_id, global_id};
pub(crate) use ledger::{Ledger, same_model};
pub(crate) use plan::is_name;
pub(crate) use plan::{PlanLimits, Point, Series, Used, Window};
pub(crate) use request::MAX_COUNTER;
pub use request::{Body, Level, Origin, Record};
pub(crate) use set::RecordSet;
pub(crate) use state::State;
pub(crate) use sum::{Excess, Source, Sum, SumKey};
pub(crate) use totals::Totals;
