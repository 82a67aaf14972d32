//! Reading one transcript, from where the last run stopped.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::account::Stretch;
use super::discover::TranscriptFile;
use super::line::{Around, read_line};
use super::naming::Naming;
use super::reader::{BadLine, Reader};
use crate::base::ids::Interner;
use crate::base::time::Timestamp;
use crate::record::{Record, RecordSet, State};

/// How many bytes before the cursor are remembered, to notice a file that was written anew.
const TAIL: u64 = 512;

/// How far a file has been read, and what it looked like then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Device and inode.
    pub(crate) identity: (u64, u64),
    /// Its length when it was read.
    pub(crate) size: u64,
    /// Its time of change when it was read.
    pub(crate) modified: i64,
    /// Just behind the last complete line that was read.
    pub(crate) offset: u64,
    /// How many lines end before `offset`.
    pub(crate) lines: u64,
    /// A hash of the bytes before `offset`.
    pub(crate) tail: u64,
    /// What its account has stated so far.
    pub(crate) stretch: Stretch,
}

impl Cursor {
    /// Whether the file is as it was when it was read.
    pub(crate) fn is_current(&self, file: &TranscriptFile) -> bool {
        (self.identity, self.size, self.modified) == (file.identity, file.size, file.modified)
    }

    /// Whether the file still has what was read of it, as far as its last bytes show.
    fn continues(&self, file: &TranscriptFile, input: &mut File) -> io::Result<bool> {
        Ok(self.offset <= file.size && tail(input, self.offset)? == self.tail)
    }
}

/// What one file gave.
#[derive(Debug)]
pub struct FileRead {
    /// Each request once.
    pub records: RecordSet,
    /// The states of its account.
    pub(crate) states: Vec<State>,
    /// The first lines that were skipped.
    pub(crate) bad: Vec<BadLine>,
    /// How many lines were skipped.
    pub bad_total: u64,
    /// Where the next run goes on.
    pub(crate) cursor: Cursor,
}

/// Reads a transcript from its cursor, or from the start where there is none or the file was
/// written anew.
pub fn read_file(
    file: &TranscriptFile,
    cursor: Option<&Cursor>,
    naming: &Naming,
    scratch: &mut Scratch,
) -> io::Result<FileRead> {
    let mut input = File::open(&file.path)?;
    let known = match cursor {
        // Else the file was written anew.
        Some(cursor) if cursor.continues(file, &mut input)? => Some(cursor),
        _ => None,
    };
    let offset = known.map_or(0, |cursor| cursor.offset);
    input.seek(SeekFrom::Start(offset))?;
    let mut records = RecordSet::default();
    let keep = |_, record| records.add(record);
    let mut reader = Reader::new(file, naming, &mut scratch.names, keep);
    if let Some(cursor) = known {
        (reader.lines, reader.stretch) = (cursor.lines, cursor.stretch.clone());
    }
    let offset = reader.run(&mut input, offset, &mut scratch.buffer)?;
    let tail = tail(&mut input, offset)?;
    let (lines, stretch) = (reader.lines, reader.stretch);
    let (states, bad, bad_total) = (reader.states, reader.bad, reader.bad_total);
    Ok(FileRead {
        records,
        states,
        bad,
        bad_total,
        cursor: Cursor {
            identity: file.identity,
            size: file.size,
            modified: file.modified,
            offset,
            lines,
            tail,
            stretch,
        },
    })
}

/// Gives each row of a transcript to `keep`, with its line's number.
pub fn read_rows(
    file: &TranscriptFile,
    naming: &Naming,
    scratch: &mut Scratch,
    keep: impl FnMut(u64, Record),
) -> io::Result<()> {
    let mut input = File::open(&file.path)?;
    let mut reader = Reader::new(file, naming, &mut scratch.names, keep);
    reader.run(&mut input, 0, &mut scratch.buffer).map(drop)
}

/// What a thread uses again for each file.
#[derive(Debug, Default)]
pub struct Scratch {
    buffer: Vec<u8>,
    names: Interner,
}

/// A hash of up to [`TAIL`] bytes before `offset`.
fn tail(input: &mut File, offset: u64) -> io::Result<u64> {
    let start = offset.saturating_sub(TAIL);
    input.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    input.take(offset - start).read_to_end(&mut bytes)?;
    // Any hash will do: where another version of the tool has another, the file is read from the
    // start.
    let mut hash = std::hash::DefaultHasher::new();
    hash.write(&bytes);
    Ok(hash.finish())
}

/// So much of a file's end is looked at for its last request.
const END: u64 = 256 << 10;

/// The time of the last request in the end of a transcript.
pub(super) fn last_usage(path: &Path) -> Option<Timestamp> {
    let mut input = File::open(path).ok()?;
    let size = input.metadata().ok()?.len();
    input.seek(SeekFrom::Start(size.saturating_sub(END))).ok()?;
    let mut bytes = Vec::new();
    input.take(END).read_to_end(&mut bytes).ok()?;
    let (mut last, mut names, mut around) = (None, Interner::default(), Around::default());
    for line in bytes.split(|byte| *byte == b'\n') {
        // The first line is cut off, mostly; what cannot be read has no time.
        let _ = read_line(
            line.trim_ascii(),
            &mut around,
            &Naming::default(),
            &mut names,
            |record, _| {
                last = last.max(Some(record.origin.timestamp));
            },
        );
    }
    last
}
