//! Laws of what is private to the crate, and what the fleet model shares with the tests that run the programs.

#![allow(
    clippy::too_many_lines,
    reason = "a test or a benchmark is one story, from set-up to result"
)]
#![allow(
    unreachable_pub,
    reason = "helpers are those of tests that run the programs, where all is private"
)]

#[allow(dead_code, reason = "tests of the programs use the rest of it")]
#[path = "../cli/attacker.rs"]
pub mod attacker;
#[path = "../cli/dice.rs"]
pub mod dice;
#[allow(dead_code, reason = "tests of the programs use the rest of it")]
#[path = "../cli/http.rs"]
pub mod http;
#[path = "../cli/peers.rs"]
pub mod peers;
#[path = "../cli/scale.rs"]
pub mod scale;
#[allow(
    dead_code,
    unused_imports,
    reason = "tests of the programs use the rest of it"
)]
#[path = "../cli/world/mod.rs"]
pub mod world;

mod digests;
mod driver;
mod format;
mod fuzz;
mod git;
mod join;
mod made;
mod merges;
mod migrate;
mod mixed;
mod rotate;
mod sealed_format;
mod settings;
mod transcripts;
mod trees;
mod visibility;
