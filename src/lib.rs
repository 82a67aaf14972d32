//! Usage records of Claude Code, synchronised between machines through git.
//!
//! What flows: lines of local transcripts become [`record::Record`]s, one per request; records
//! become day files, a sync file and a manifest ([`mod@format`]); these are blobs in a git
//! repository ([`git`]), which [`merge`] joins with what other machines wrote; [`fleet`] counts all
//! of it, and [`cache`] makes the same result without reading all; [`sync`] is one run of all that,
//! and [`report`] folds the result into tables. `ARCHITECTURE.md` draws the flow.
//!
//! The library returns values. It prints nothing and reads neither the environment nor the home
//! directory; `cli` does.
//!
//! Other crates use [`cli::run`], which is what the programs do, and [`mod@bench`]. All else is
//! private to the crate.

#![warn(
    unreachable_pub,
    reason = "what no other crate can use is `pub(crate)`"
)]
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "most items are private to the crate; read with `cargo doc --document-private-items`"
)]

mod auto;
mod base;
pub mod bench;
mod cache;
mod charts;
pub mod cli;
mod fleet;
mod format;
mod front;
mod git;
mod merge;
mod prices;
mod record;
mod report;
mod store;
mod sync;
mod transcripts;

// Tests of what is private to the crate are part of it. They are outside of `src`, which the
// package holds.
#[cfg(test)]
extern crate self as claude_sync;
#[cfg(test)]
#[path = "../tests/laws/mod.rs"]
mod laws;
#[cfg(test)]
#[path = "../tests/model/mod.rs"]
mod model;
