//! Claude Code's transcripts: where they lie, and the usage rows in them.
//!
//! Conversation text never leaves the read buffer: lines are read typed and borrowed, and only
//! accounting fields are looked at.

mod account;
mod before;
mod desktop;
mod discover;
mod error;
mod fields;
mod folders;
mod lenient;
mod line;
mod naming;
pub(crate) mod pattern;
mod quick;
#[cfg(test)]
mod quick_tests;
mod read;
mod reader;
mod reading;
mod row;
mod scan;
mod slim;

pub(crate) use desktop::data_folders;
pub(crate) use discover::TranscriptFile;
pub(crate) use folders::{Extent, Folder, Folders, Search};
pub(crate) use naming::{Naming, Shown};
pub(crate) use read::Cursor;
#[cfg(test)]
pub(crate) use read::{Scratch, read_file};
pub(crate) use reader::BadLine;
pub(crate) use reading::{
    Cursors, Mark, Reading, Row, is_empty, mark, read_all_watched, read_below, read_recent, rows,
};
