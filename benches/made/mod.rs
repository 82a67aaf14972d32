//! Made-up data of any size: the same bytes for the same numbers, on every machine, with the true totals beside it.

#![allow(dead_code, reason = "each bench uses its part")]

#[path = "../../tests/cli/dice.rs"]
pub mod dice;
pub mod fleet;
pub mod home;
pub mod transcripts;
