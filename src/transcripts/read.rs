//! Reading one transcript, from where the last run stopped.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::account::Stretch;
use super::discover::TranscriptFile;
use super::line::{Around, read_line};
use super::naming::Naming;
use super::reader::{BadLine, Reader, TAIL, tail_hash};
use crate::base::ids::Interner;
use crate::base::time::Timestamp;
use crate::record::{Draft, RecordSet, State};

/// How far a file has been read, and what it looked like then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
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

/// The requests of one file.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct FileRead {
    /// Each request once.
    pub(crate) records: RecordSet,
    /// How many lines were skipped.
    pub(crate) bad_total: u64,
}

/// What one file gave beside its requests.
#[derive(Debug)]
pub(super) struct Beside {
    /// The states of its account.
    pub(super) states: Vec<State>,
    /// The first lines that were skipped.
    pub(super) bad: Vec<BadLine>,
    /// How many lines were skipped.
    pub(super) bad_total: u64,
    /// Where the next run goes on.
    pub(super) cursor: Cursor,
}

/// Reads a transcript from its start.
#[cfg(test)]
pub(crate) fn read_file(
    file: &TranscriptFile,
    naming: &Naming,
    scratch: &mut Scratch,
) -> io::Result<FileRead> {
    let mut records = RecordSet::default();
    let bad_total = read_into(&mut records, file, None, naming, scratch)?.bad_total;
    Ok(FileRead { records, bad_total })
}

/// Adds the requests of a transcript, from its cursor, or from the start where there is none or the
/// file was written anew. What was read before an error stays: the next run reads it again.
pub(super) fn read_into(
    records: &mut RecordSet,
    file: &TranscriptFile,
    cursor: Option<&Cursor>,
    naming: &Naming,
    scratch: &mut Scratch,
) -> io::Result<Beside> {
    let mut input = File::open(&file.path)?;
    let known = match cursor {
        // Else the file was written anew.
        Some(cursor) if cursor.continues(file, &mut input)? => Some(cursor),
        _ => None,
    };
    let offset = known.map_or(0, |cursor| cursor.offset);
    if cursor.is_some() {
        input.seek(SeekFrom::Start(offset))?;
    }
    let keep = |_, row: &Draft| records.add_row(row);
    let mut reader = Reader::new(file, naming, &mut scratch.names, keep);
    if let Some(cursor) = known {
        (reader.lines, reader.stretch) = (cursor.lines, cursor.stretch.clone());
    }
    let offset = reader.run(&mut input, offset, &mut scratch.buffer)?;
    let tail = match reader.tail {
        Some(tail) => tail,
        None => tail(&mut input, offset)?,
    };
    let cursor = Cursor {
        identity: file.identity,
        size: file.size,
        modified: file.modified,
        offset,
        lines: reader.lines,
        tail,
        stretch: reader.stretch,
    };
    Ok(Beside {
        states: reader.states,
        bad: reader.bad,
        bad_total: reader.bad_total,
        cursor,
    })
}

/// Gives each row of a transcript to `keep`, with its line's number.
pub(crate) fn read_rows(
    file: &TranscriptFile,
    naming: &Naming,
    scratch: &mut Scratch,
    keep: impl FnMut(u64, &Draft),
) -> io::Result<()> {
    let mut input = File::open(&file.path)?;
    let mut reader = Reader::new(file, naming, &mut scratch.names, keep);
    reader.run(&mut input, 0, &mut scratch.buffer).map(drop)
}

/// What a thread uses again for each file.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    buffer: Vec<u8>,
    names: Interner,
}

/// A hash of up to [`TAIL`] bytes before `offset`.
fn tail(input: &mut File, offset: u64) -> io::Result<u64> {
    let start = offset.saturating_sub(TAIL as u64);
    input.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    input.take(offset - start).read_to_end(&mut bytes)?;
    Ok(tail_hash(&bytes))
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
            |request, _| last = last.max(Some(request.at)),
        );
    }
    last
}
