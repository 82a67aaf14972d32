//! The lines of one transcript, in bounded memory.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;

use super::account::{Stretch, finder, is_account};
use super::before::Before;
use super::discover::TranscriptFile;
use super::error::LineError;
use super::lenient::Text;
use super::line::{Around, read_line};
use super::naming::Naming;
use super::slim::Slim;
use crate::base::ids::Interner;
use crate::record::{self, Draft, State};

/// The longest line that is held in memory, in bytes. Of a longer one only what is no conversation
/// text is.
const LONG_LINE: usize = 4 << 20;

/// So much is read at once: it stays in the processor's cache until its lines are read.
const CHUNK: usize = 256 << 10;

/// How many bytes before the cursor are remembered, to notice a file that was written anew.
pub(super) const TAIL: usize = 512;

/// How many skipped lines are described one by one.
pub(super) const MOST_BAD: usize = 100;

/// A line that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// The path of the transcript.
    pub(crate) path: PathBuf,
    /// The line's number, from 1.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) error: LineError,
}

/// Reads the lines of one file.
pub(super) struct Reader<'f, K> {
    file: &'f TranscriptFile,
    stem: &'f str,
    around: Around<'f>,
    naming: &'f Naming,
    usage: Finder<'static>,
    account: Finder<'static>,
    names: &'f mut Interner,
    /// Takes each row with its line's number.
    keep: K,
    pub(super) bad: Vec<BadLine>,
    pub(super) bad_total: u64,
    pub(super) lines: u64,
    pub(super) stretch: Stretch,
    pub(super) states: Vec<State>,
    /// The hash of the bytes before the last line break, where they were read together.
    pub(super) tail: Option<u64>,
}

/// A hash of the last bytes before a cursor.
pub(super) fn tail_hash(bytes: &[u8]) -> u64 {
    // Any hash will do: where another version of the tool has another, the file is read from the
    // start.
    let mut hash = std::hash::DefaultHasher::new();
    hash.write(bytes);
    hash.finish()
}

impl<'f, K: FnMut(u64, &Draft)> Reader<'f, K> {
    /// A reader of a file from its start.
    pub(super) fn new(
        file: &'f TranscriptFile,
        naming: &'f Naming,
        names: &'f mut Interner,
        keep: K,
    ) -> Self {
        let stem = file.path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.unwrap_or("unknown");
        Self {
            file,
            stem,
            around: around(file, stem),
            naming,
            usage: Finder::new("\"usage\""),
            account: finder(),
            names,
            keep,
            bad: Vec::new(),
            bad_total: 0,
            lines: 0,
            stretch: Stretch::default(),
            states: Vec::new(),
            tail: None,
        }
    }

    /// Reads to the end and returns the offset behind the last line break.
    pub(super) fn run(
        &mut self,
        input: &mut File,
        mut offset: u64,
        buffer: &mut Vec<u8>,
    ) -> io::Result<u64> {
        // How much of the buffer is a line whose end is not read yet.
        let mut filled = 0;
        // A line that is longer than the buffer, without its text, and how many of its bytes left
        // the buffer.
        let mut long: Option<(Slim, u64)> = None;
        let mut size = offset;
        loop {
            buffer.resize(buffer.len().max(filled + CHUNK), 0);
            let got = read(input, &mut buffer[filled..])?;
            let (searched, end) = (filled, filled + got);
            if let Some(last) = memchr::memrchr(b'\n', &buffer[searched..end]) {
                let lines = &buffer[..=searched + last];
                offset += self.lines_of(lines, &mut long);
                self.tail = tail_of(lines, offset);
                filled = end - lines.len();
                buffer.copy_within(end - filled..end, 0);
            } else if long.is_some() || end > LONG_LINE {
                let (slim, gone) = long.get_or_insert_default();
                slim.push(&buffer[..end]);
                *gone += end as u64;
                filled = 0;
            } else {
                filled = end;
            }
            size += got as u64;
            // Where the file is as long as it was when it was listed, nothing follows.
            if got == 0 || size == self.file.size && end < buffer.len() {
                break;
            }
        }
        self.unfinished(&buffer[..filled], long);
        Ok(offset)
    }

    /// Reads complete lines and returns their length, with what had left the buffer of the first.
    fn lines_of(&mut self, bytes: &[u8], long: &mut Option<(Slim, u64)>) -> u64 {
        let (mut start, mut earlier) = (0, 0);
        for end in memchr::memchr_iter(b'\n', bytes) {
            self.lines += 1;
            if let Some((mut slim, gone)) = long.take() {
                slim.push(&bytes[start..end]);
                earlier = gone;
                match slim.finish() {
                    Some(line) => self.line(&line),
                    None => self.reject(LineError::TooLong),
                }
            } else {
                self.line(&bytes[start..end]);
            }
            start = end + 1;
        }
        earlier + start as u64
    }

    /// Reads a last line without its line break. It may still be growing: it counts if it can be
    /// read, and the next run reads it again.
    fn unfinished(&mut self, bytes: &[u8], long: Option<(Slim, u64)>) {
        let stretch = self.stretch.clone();
        self.lines += 1;
        if let Some((mut slim, _)) = long {
            slim.push(bytes);
            let _ = slim.finish().map(|line| self.parse(&line));
        } else if !bytes.is_empty() {
            let _ = self.parse(bytes);
        }
        self.stretch = stretch;
        self.lines -= 1;
    }

    fn line(&mut self, line: &[u8]) {
        if let Err(error) = self.parse(line) {
            self.reject(error);
        }
    }

    fn parse(&mut self, line: &[u8]) -> Result<(), LineError> {
        // Editors and copies between systems leave byte order marks, at the beginning of a file or
        // where files were put together.
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
            |request, copied| {
                // What `/branch` copied is the original's.
                if !copied {
                    stretch.see(request);
                }
                keep(number, request);
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
        if self.bad.len() < MOST_BAD {
            self.bad.push(BadLine {
                path: self.file.path.clone(),
                line: self.lines,
                error,
            });
        }
    }
}

fn read(input: &mut File, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The hash of the bytes before an offset, from the lines that end there.
fn tail_of(lines: &[u8], offset: u64) -> Option<u64> {
    let whole = lines.len() >= TAIL || lines.len() as u64 == offset;
    whole.then(|| tail_hash(&lines[lines.len().saturating_sub(TAIL)..]))
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
        before: Before::default(),
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
