//! Plan limits: how much of a subscription's limit windows was used, and by whom.
//!
//! `limit` → `shares` → `json`, `table` → `bound`: a file uses only files to its left.

mod bound;
mod json;
mod limit;
mod shares;
mod table;

pub(crate) use bound::Bounded;
pub(crate) use json::to_json;
pub(crate) use limit::{Known, Limit};
#[cfg(test)]
pub(crate) use shares::Share;
pub(crate) use shares::{Shares, Usage};
pub(crate) use table::{forecasts, pace, percent, time_left, title, to_table};
