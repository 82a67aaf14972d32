//! Usage records of Claude Code, synchronised between machines through git.
//!
//! What flows: lines of local transcripts become [`record::Record`]s, one per request; records become day files, a sync file
//! and a manifest ([`mod@format`]); these are blobs in a git repository ([`git`]), which [`merge`] joins with what other machines
//! wrote; [`fleet`] counts all of it, and [`cache`] makes the same result without reading all; [`sync`] is one run of all that, and [`report`] folds the result into tables. `ARCHITECTURE.md` draws the flow.
//!
//! The library returns values. It prints nothing and reads neither the environment nor the home directory; `cli` does.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "most items are private to the crate; read with `cargo doc --document-private-items`"
)]

pub mod auto;
pub mod base;
pub mod cache;
pub mod charts;
pub mod cli;
pub mod fleet;
pub mod format;
pub mod front;
pub mod git;
pub mod merge;
pub mod prices;
pub mod record;
pub mod report;
pub mod store;
pub mod sync;
pub mod transcripts;
