//! What all files together contain: aliases, copies, sums, rows, decisions, forgetting, retention,
//! and the manifest as a function of that.
//!
//! Counting is one pass ([`Fleet::count`]): map aliases, join copies by id, take the most detailed,
//! add sums. Nothing here knows of caches; the room `cache` makes the same result from digests.
//!
//! A file uses only files to its left:
//!
//! ```text
//! error, view, limits → read → decisions → authority, epoch → subject → rules → judge → apply → enforce
//! rules → read_rules; decisions → book; read, view → claims, compared → sums
//! rules, book, sums → count → manifest, settle
//! ```

mod apply;
pub(crate) mod authority;
pub(crate) mod book;
mod claims;
mod compared;
pub(crate) mod count;
pub(crate) mod decisions;
pub(crate) mod enforce;
pub(crate) mod epoch;
mod error;
mod judge;
pub(crate) mod limits;
pub(crate) mod manifest;
pub(crate) mod read;
mod read_rules;
pub(crate) mod rules;
pub(crate) mod settle;
mod subject;
mod sums;
mod tombstone;
pub(crate) mod view;

pub(crate) use error::DataError;
pub(crate) use view::Tag;
pub(crate) use view::{Fleet, MachineIndex, MachineView, Row, RowSource, Rows, SessionView};
