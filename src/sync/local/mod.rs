//! This machine's files: reading them, placing new records, and writing what changed.

mod accounts;
mod change;
mod figures;
mod machine_file;
mod parts;
mod place;
mod request;
mod settle;
mod stored;
mod tree;
mod write;

pub(crate) use figures::Figures;
pub(super) use figures::stated;
pub(crate) use machine_file::Checksums;
pub(crate) use parts::LocalFiles;
pub(crate) use settle::with_increments;
pub(super) use stored::StoredFiles;
pub(crate) use tree::{day_files, day_files_in, month_folders};
