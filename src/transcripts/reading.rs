//! Reading many transcripts at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::discover::{self, Discovery, TranscriptFile};
use super::folders::Folders;
use super::naming::Naming;
use super::read::{Cursor, Scratch, read_into, read_rows};
use super::reader::{BadLine, MOST_BAD};
use crate::base::join::Join as _;
use crate::base::progress::{Step, Watcher};
use crate::base::time::Timestamp;
use crate::record::{Record, RecordSet, State};

/// What stands for a transcript's path where it is remembered: paths have names of people, hosts
/// and projects in them.
pub(crate) type Mark = [u8; 16];

/// A path's mark: the beginning of its SHA-256.
pub(crate) fn mark(path: &Path) -> Mark {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    std::array::from_fn(|at| hash[at])
}

/// How far each transcript was read.
pub(crate) type Cursors = BTreeMap<Mark, Cursor>;

/// What reading a set of transcripts gave.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Each request once.
    pub(crate) records: RecordSet,
    /// The states of Claude Code's own accounts.
    pub(crate) states: Vec<State>,
    /// Lines that were skipped, at most [`Reading::MOST_BAD`]; all are counted.
    pub(crate) bad: Vec<BadLine>,
    /// How many lines were skipped.
    pub(crate) bad_total: u64,
    /// Files and folders that could not be read, with the reason.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// How far each file was read.
    pub(crate) cursors: Vec<(Mark, Cursor)>,
    /// Files that were found.
    pub(crate) files: usize,
    /// Files that were opened because they are new or have changed.
    pub(crate) opened: usize,
}

impl Reading {
    /// How many bad lines are described one by one.
    pub(crate) const MOST_BAD: usize = MOST_BAD;

    fn read(
        &mut self,
        file: &TranscriptFile,
        cursor: Option<&Cursor>,
        naming: &Naming,
        scratch: &mut Scratch,
    ) {
        self.opened += 1;
        match read_into(&mut self.records, file, cursor, naming, scratch) {
            // A transcript that vanishes between listing and opening was deleted by its owner; what
            // was read of it earlier is kept anyway.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.unreadable.push((file.path.clone(), error.to_string())),
            Ok(beside) => {
                self.states.extend(beside.states);
                self.bad_total = self.bad_total.saturating_add(beside.bad_total);
                self.bad.extend(beside.bad);
                self.cursors.push((mark(&file.path), beside.cursor));
            }
        }
    }

    /// What two readings of different files make together. Records join in any order.
    fn join(self, other: Self) -> Self {
        let (mut all, less) = (self, other);
        all.records = all.records.join(less.records);
        all.states.extend(less.states);
        all.bad_total = all.bad_total.saturating_add(less.bad_total);
        all.bad.extend(less.bad);
        all.unreadable.extend(less.unreadable);
        all.cursors.extend(less.cursors);
        all.opened += less.opened;
        all
    }
}

/// A row of a transcript that records a request.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The path of the transcript.
    pub(crate) path: PathBuf,
    /// The line's number, from 1.
    pub(crate) line: u64,
    /// The record that the row makes.
    pub(crate) record: Record,
}

/// The rows of all transcripts in some folders that `wanted` wants, by path and line. What cannot
/// be read is passed over.
pub(crate) fn rows(
    folders: &Folders,
    naming: &Naming,
    wanted: impl Fn(&Record) -> bool + Sync,
) -> Vec<Row> {
    let read = |scratch: &mut Scratch, file: &TranscriptFile| {
        let mut out = Vec::new();
        let _ = read_rows(file, naming, scratch, |line, row| {
            let record = row.record();
            if wanted(&record) {
                out.push(Row {
                    path: file.path.clone(),
                    line,
                    record,
                });
            }
        });
        out
    };
    folders
        .discover()
        .files
        .par_iter()
        .map_init(Scratch::default, read)
        .flatten_iter()
        .collect()
}

/// Reads all transcripts in some folders, each from its cursor where it has one that still fits.
pub(crate) fn read_all_watched(
    folders: &Folders,
    cursors: &Cursors,
    naming: &Naming,
    watcher: &Watcher,
) -> Reading {
    read_found(folders.discover(), cursors, naming, watcher)
}

/// Reads the transcripts in some folders that were written since a time, from the start.
pub(crate) fn read_recent(folders: &Folders, since: Timestamp, naming: &Naming) -> Reading {
    let mut found = folders.discover();
    found
        .files
        .retain(|file| file.modified / 1_000_000 >= since.millis());
    read_found(found, &Cursors::new(), naming, &Watcher::default())
}

/// Whether there are no transcripts below a folder.
pub(crate) fn is_empty(folder: &Path) -> bool {
    discover::below([(folder.to_owned(), None)])
        .files
        .is_empty()
}

/// Reads all transcripts below a folder, from the start.
pub(crate) fn read_below(folder: &Path, naming: &Naming, watcher: &Watcher) -> Reading {
    read_found(
        discover::below([(folder.to_owned(), None)]),
        &Cursors::new(),
        naming,
        watcher,
    )
}

/// A file that is to be read, and how far it was read before.
type Todo<'f> = (&'f TranscriptFile, Option<&'f Cursor>);

/// A thread takes so many bytes at once: files of one folder have names in common.
const BATCH: u64 = 1 << 20;

/// For fewer files, and less than a batch to read, starting threads takes longer than they save: a
/// status line asks many times a minute.
const MANY: usize = 1000;

/// How many bytes of a file were not read before, if it only grew.
fn unread((file, cursor): &Todo<'_>) -> u64 {
    let read = cursor.map_or(0, |cursor| cursor.offset);
    file.size.saturating_sub(read)
}

/// The next files that a thread reads; none at the end.
fn next<'f>(queue: &Mutex<std::vec::IntoIter<Todo<'f>>>) -> Vec<Todo<'f>> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut batch, mut bytes) = (Vec::new(), 0_u64);
    while bytes < BATCH
        && let Some(todo) = queue.next()
    {
        bytes = bytes.saturating_add(todo.0.size);
        batch.push(todo);
    }
    batch
}

fn read_found(found: Discovery, cursors: &Cursors, naming: &Naming, watcher: &Watcher) -> Reading {
    let Discovery { files, unreadable } = found;
    let known = |file: &TranscriptFile| {
        if cursors.is_empty() {
            None
        } else {
            cursors.get(&mark(&file.path))
        }
    };
    let with_cursor = |file| (file, known(file));
    let is_new = |(file, cursor): &Todo<'_>| cursor.is_none_or(|cursor| !cursor.is_current(file));
    let todo: Vec<Todo<'_>> = if files.len() < MANY {
        files.iter().map(with_cursor).filter(is_new).collect()
    } else {
        files.par_iter().map(with_cursor).filter(is_new).collect()
    };
    let is_little = todo.len() < MANY && todo.iter().map(unread).sum::<u64>() < BATCH;
    let doing = watcher.begin(Step::Transcripts, todo.len() as u64);
    let queue = Mutex::new(todo.into_iter());
    // Each thread joins what it reads into a set of its own; few records are in two of them.
    let read = || {
        let (mut reading, mut scratch) = (Reading::default(), Scratch::default());
        loop {
            let batch = next(&queue);
            if batch.is_empty() {
                return reading;
            }
            for (file, cursor) in batch {
                reading.read(file, cursor, naming, &mut scratch);
                watcher.did(|| format!("read {}", file.path.display()));
                doing.moved(1);
            }
        }
    };
    let mut reading = if is_little {
        read()
    } else {
        let all = rayon::broadcast(|_| read()).into_iter();
        all.reduce(Reading::join).unwrap_or_default()
    };
    reading.files = files.len();
    reading.unreadable.extend(unreadable);
    reading.unreadable.sort();
    reading.cursors.sort_by_key(|a| a.0);
    reading
        .bad
        .sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    reading.bad.truncate(Reading::MOST_BAD);
    reading
}
