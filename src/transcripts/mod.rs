//! Claude Code's transcripts: where they lie, and the usage rows in them.
//!
//! Conversation text never leaves the read buffer: lines are read typed and borrowed, and only accounting fields are looked at.

mod discover;
mod lenient;
mod line;
mod read;

pub use discover::{Discovery, TranscriptFile, discover};
pub use line::{LineError, Privacy};
pub use read::{BadLine, Cursor, FileRead, MAX_LINE, read_file};

use std::collections::BTreeMap;
use std::path::PathBuf;

use rayon::prelude::*;

use crate::records::{Record, RecordSet};

/// How far each transcript was read.
pub type Cursors = BTreeMap<PathBuf, Cursor>;

/// What reading a set of transcripts gave.
#[derive(Debug, Default)]
pub struct Reading {
    /// Each request once.
    pub records: RecordSet,
    /// Lines that were skipped, at most [`Reading::MOST_BAD`]; all are counted.
    pub bad: Vec<BadLine>,
    /// How many lines were skipped.
    pub bad_total: u64,
    /// Files and folders that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// How far each file was read.
    pub cursors: Vec<(PathBuf, Cursor)>,
    /// Files that were found.
    pub files: usize,
    /// Files that were opened because they are new or have changed.
    pub opened: usize,
}

impl Reading {
    /// How many bad lines are described one by one.
    pub const MOST_BAD: usize = 100;

    fn take(&mut self, file: &TranscriptFile, read: Result<FileRead, std::io::Error>, keep: &mut Vec<Record>) {
        self.opened += 1;
        match read {
            // A transcript that vanishes between listing and opening was deleted by its owner; what it said earlier is kept anyway.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.unreadable.push((file.path.clone(), error.to_string())),
            Ok(read) => {
                keep.extend(read.records);
                self.bad_total = self.bad_total.saturating_add(read.bad_total);
                let room = Self::MOST_BAD.saturating_sub(self.bad.len());
                self.bad.extend(read.bad.into_iter().take(room));
                self.cursors.push((file.path.clone(), read.cursor));
            }
        }
    }
}

/// Reads all transcripts under `roots` (Claude configuration folders), each from its cursor where it has one that still fits.
pub fn read_all(roots: &[PathBuf], cursors: &Cursors, privacy: Privacy) -> Reading {
    let Discovery { files, unreadable } = discover(roots);
    let mut reading = Reading { files: files.len(), unreadable, ..Reading::default() };
    let todo: Vec<_> = files.iter().filter(|file| cursors.get(&file.path).is_none_or(|cursor| !cursor.is_current(file))).collect();
    // Batches bound what is held at once: rows of a batch are joined into the set before the next batch is read.
    for batch in todo.chunks(256) {
        let results: Vec<_> = batch.par_iter().map(|file| (*file, read_file(file, cursors.get(&file.path), privacy))).collect();
        for (file, read) in results {
            let mut records = Vec::new();
            reading.take(file, read, &mut records);
            records.into_iter().for_each(|record| reading.records.add(record));
        }
    }
    reading.bad.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    reading
}
