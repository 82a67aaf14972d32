//! Reading one transcript, from where the last run stopped.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;

use super::account::{Stretch, finder, is_account};
use super::discover::TranscriptFile;
use super::lenient::Text;
use super::line::{Around, LineError, read_line};
use super::naming::Naming;
use super::slim::Slim;
use crate::base::ids::Interner;
use crate::base::time::Timestamp;
use crate::record::{self, Client, Record, RecordSet, State};

/// The longest line that is held in memory, in bytes. Of a longer one only what is no conversation text is.
const LONG_LINE: usize = 4 << 20;

const CHUNK: usize = 1 << 20;

/// How many bytes before the cursor are remembered, to notice a file that was written anew.
const TAIL: u64 = 512;

/// How far a file has been read, and what it looked like then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Device and inode.
    pub identity: (u64, u64),
    /// Its length when it was read.
    pub size: u64,
    /// Its time of change when it was read.
    pub modified: i64,
    /// Just behind the last complete line that was read.
    pub offset: u64,
    /// How many lines end before `offset`.
    pub lines: u64,
    /// A hash of the bytes before `offset`.
    pub tail: u64,
    /// What its account said so far.
    pub stretch: Stretch,
}

impl Cursor {
    /// Whether the file is as it was when it was read.
    pub fn is_current(&self, file: &TranscriptFile) -> bool {
        (self.identity, self.size, self.modified) == (file.identity, file.size, file.modified)
    }
}

/// A line that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The transcript.
    pub path: PathBuf,
    /// The line's number, from 1.
    pub line: u64,
    /// Why.
    pub error: LineError,
}

/// What one file gave.
#[derive(Debug)]
pub struct FileRead {
    /// Each request once.
    pub records: RecordSet,
    /// The states of its account.
    pub states: Vec<State>,
    /// The first lines that were skipped.
    pub bad: Vec<BadLine>,
    /// How many lines were skipped.
    pub bad_total: u64,
    /// Where the next run goes on.
    pub cursor: Cursor,
}

/// Reads a transcript from its cursor, or from the start where there is none or the file was written anew.
pub fn read_file(
    file: &TranscriptFile,
    cursor: Option<&Cursor>,
    naming: &Naming,
    scratch: &mut Scratch,
) -> io::Result<FileRead> {
    let mut input = File::open(&file.path)?;
    let (offset, lines, stretch) = match cursor {
        Some(cursor)
            if cursor.offset <= file.size && tail(&mut input, cursor.offset)? == cursor.tail =>
        {
            (cursor.offset, cursor.lines, cursor.stretch.clone())
        }
        _ => (0, 0, Stretch::default()),
    };
    input.seek(SeekFrom::Start(offset))?;
    let stem = file
        .path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("unknown");
    let mut records = RecordSet::default();
    let mut reader = Reader {
        file,
        stem,
        around: around(file, stem),
        naming,
        usage: Finder::new("\"usage\""),
        account: finder(),
        names: &mut scratch.names,
        keep: |_, record| records.add(record),
        bad: Vec::new(),
        bad_total: 0,
        lines,
        stretch,
        states: Vec::new(),
    };
    let offset = reader.run(&mut input, offset, &mut scratch.buffer)?;
    let tail = tail(&mut input, offset)?;
    let cursor = Cursor {
        identity: file.identity,
        size: file.size,
        modified: file.modified,
        offset,
        lines: reader.lines,
        tail,
        stretch: reader.stretch,
    };
    let (bad, bad_total, states) = (reader.bad, reader.bad_total, reader.states);
    Ok(FileRead {
        records,
        states,
        bad,
        bad_total,
        cursor,
    })
}

/// Gives each row of a transcript to `keep`, with its line's number.
pub fn read_rows(
    file: &TranscriptFile,
    naming: &Naming,
    scratch: &mut Scratch,
    keep: impl FnMut(u64, Record),
) -> io::Result<()> {
    let stem = file
        .path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("unknown");
    let usage = Finder::new("\"usage\"");
    let mut reader = Reader {
        file,
        stem,
        around: around(file, stem),
        naming,
        usage,
        account: finder(),
        names: &mut scratch.names,
        keep,
        bad: Vec::new(),
        bad_total: 0,
        lines: 0,
        stretch: Stretch::default(),
        states: Vec::new(),
    };
    reader
        .run(&mut File::open(&file.path)?, 0, &mut scratch.buffer)
        .map(drop)
}

/// What a file and those beside it state of its lines.
fn around<'f>(file: &'f TranscriptFile, stem: &'f str) -> Around<'f> {
    let agent = if stem.starts_with("agent-") {
        agent_beside(&file.path)
    } else {
        ""
    };
    Around {
        session: stem,
        working: file.working.as_deref(),
        agent,
        client: Client::default(),
    }
}

/// So much of a subagent's `*.meta.json` is read. It also holds what the subagent was asked to do.
const META: u64 = 1 << 20;

/// The kind of subagent, by the `*.meta.json` beside its transcript; empty where there is none.
fn agent_beside(path: &Path) -> &'static str {
    #[derive(serde::Deserialize)]
    struct Meta<'a> {
        #[serde(borrow, rename = "agentType", default)]
        kind: Text<'a>,
    }
    let mut bytes = Vec::new();
    let read = File::open(path.with_extension("meta.json"))
        .and_then(|file| file.take(META).read_to_end(&mut bytes));
    let meta = read
        .ok()
        .and_then(|_| serde_json::from_slice::<Meta>(&bytes).ok());
    meta.as_ref()
        .and_then(|meta| meta.kind.get())
        .map_or("", record::agent)
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
    // Any hash will do: where another version of the tool has another, the file is read from the start.
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

struct Reader<'f, K> {
    file: &'f TranscriptFile,
    stem: &'f str,
    around: Around<'f>,
    naming: &'f Naming,
    usage: Finder<'static>,
    account: Finder<'static>,
    names: &'f mut Interner,
    /// Takes each row with its line's number.
    keep: K,
    bad: Vec<BadLine>,
    bad_total: u64,
    lines: u64,
    stretch: Stretch,
    states: Vec<State>,
}

impl<K: FnMut(u64, Record)> Reader<'_, K> {
    /// Reads to the end and returns the offset behind the last line break.
    fn run(&mut self, input: &mut File, mut offset: u64, buffer: &mut Vec<u8>) -> io::Result<u64> {
        buffer.clear();
        // The part of the buffer known to hold no line break.
        let mut searched = 0;
        // What a line that is longer than the buffer says, and how many of its bytes are gone from there.
        let mut long: Option<(Slim, u64)> = None;
        loop {
            let got = input.by_ref().take(CHUNK as u64).read_to_end(buffer)?;
            if got == 0 {
                break;
            }
            let Some(last) = memchr::memrchr(b'\n', &buffer[searched..]).map(|at| searched + at)
            else {
                searched = buffer.len();
                if long.is_some() || buffer.len() > LONG_LINE {
                    let (slim, gone) = long.get_or_insert_default();
                    slim.push(buffer);
                    *gone += buffer.len() as u64;
                    buffer.clear();
                    searched = 0;
                }
                continue;
            };
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', &buffer[..=last]) {
                self.lines += 1;
                if let Some((mut slim, gone)) = long.take() {
                    slim.push(&buffer[start..end]);
                    offset += gone;
                    match slim.finish() {
                        Some(line) => self.line(&line),
                        None => self.reject(LineError::TooLong),
                    }
                } else {
                    self.line(&buffer[start..end]);
                }
                start = end + 1;
            }
            offset += start as u64;
            buffer.drain(..start);
            searched = buffer.len();
        }
        // A last line without its line break may still be growing: it counts if it reads, and the next run reads it again.
        self.lines += 1;
        let stretch = self.stretch.clone();
        if let Some((mut slim, _)) = long {
            slim.push(buffer);
            let _ = slim.finish().map(|line| self.parse(&line));
        } else if !buffer.is_empty() {
            let _ = self.parse(buffer);
        }
        self.stretch = stretch;
        self.lines -= 1;
        Ok(offset)
    }

    fn line(&mut self, line: &[u8]) {
        if let Err(error) = self.parse(line) {
            self.reject(error);
        }
    }

    fn parse(&mut self, line: &[u8]) -> Result<(), LineError> {
        // Editors and copies between systems leave byte order marks, at the beginning of a file or where files were put together.
        let line = line
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(line)
            .trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        if !(line.starts_with(b"{") && line.ends_with(b"}")) {
            return Err(LineError::NotAnObject);
        }
        if self.usage.find(line).is_none() {
            return if is_account(line, &self.account) {
                self.account(line)
            } else {
                Ok(())
            };
        }
        let (keep, number, stretch) = (&mut self.keep, self.lines, &mut self.stretch);
        read_line(
            line,
            &mut self.around,
            self.naming,
            self.names,
            |record, copied| {
                // What `/branch` copied is the original's.
                if !copied {
                    stretch.see(&record);
                }
                keep(number, record);
            },
        )
    }

    fn account(&mut self, line: &[u8]) -> Result<(), LineError> {
        let written = self.file.modified / 1_000_000;
        let state = self.stretch.read(line, self.stem, written, self.names)?;
        self.states.extend(state);
        Ok(())
    }

    fn reject(&mut self, error: LineError) {
        self.bad_total += 1;
        if self.bad.len() < super::Reading::MOST_BAD {
            self.bad.push(BadLine {
                path: self.file.path.clone(),
                line: self.lines,
                error,
            });
        }
    }
}
