//! Encryption at rest: files below `sync` as sealed lines, so that git's deltas, joins and
//! histories stay what they are.
//!
//! A sealed file is text:
//!
//! ```text
//! claude-sync-sealed 1 MARK PATH
//! BASE64
//! BASE64
//! ```
//!
//! `MARK` is the key's mark, `PATH` the file's path in the repository. Each further line is one
//! line of the file, without its line break, sealed by AES-256-SIV (RFC 5297) under the fleet key's
//! `HMAC-SHA-256(key, "files 1") || HMAC-SHA-256(key, "files 2")`, with `PATH` as the only
//! associated data, in base64 without padding. SIV is deterministic: equal lines of one file are
//! equal bytes, on all machines. A file that is no day file ends in a line `= BASE64`, the
//! HMAC-SHA-256 of all its text under `HMAC-SHA-256(key, "whole")`: its lines mean something by
//! their order, while a day file is a set of lines whose sessions carry checksums.
//!
//! When the key changes, a *statement* at `sync/keys/OLD` informs machines that have the old key,
//! whose mark is `OLD`:
//!
//! ```text
//! claude-sync-key-replaced 1 OLD NEW CODE
//! = BASE64
//! ```
//!
//! `CODE` is the HMAC-SHA-256 of `NEW` under `HMAC-SHA-256(old key, "replaced")`, in base64: only
//! holders of the old key can make it. The second line is the code of the whole under the new key,
//! as of a sealed file that is no set.
//!
//! Lines that git's text merge adds (conflict markers, a second first line) are no part of the
//! file. Where there are markers, each of the two versions that they separate must be authentic by
//! itself.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;

use super::markers::sides;
use super::sealed_head::{MAGIC, VERSION, is_set};
use super::sealing_key::{DAMAGED, Derived, Lines};
use crate::base::key::Key;
use crate::base::text::printable;

pub(crate) use super::sealed_head::{
    Head, head, is_sealed, is_statement_path, mark, statement_path,
};

/// A sealed file cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another key sealed it, or there is none here.
    #[error("it is encrypted with the key {mark}")]
    Key {
        /// That key's mark.
        mark: String,
    },
    /// A later version of the tool sealed it.
    #[error("it is encrypted in a way that this version does not know")]
    Newer,
}

/// Seals files with the fleet's key, and opens them with that or a former one.
#[derive(Clone)]
pub(crate) struct Seal {
    pub(super) present: Derived,
    /// The keys that the present one replaced.
    pub(super) former: Vec<Derived>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({})", self.present.mark)
    }
}

/// A file that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Its text. Lines that are not authentic are ones that nobody can read.
    pub(crate) bytes: Vec<u8>,
    /// All of it is authentic: each line, and in a file whose lines mean something by their order
    /// the whole text.
    pub(crate) sound: bool,
}

/// Opens a file that may be sealed, with a key that may be missing.
pub(crate) fn open(seal: Option<&Seal>, bytes: Vec<u8>) -> Result<Vec<u8>, SealError> {
    match seal {
        _ if !is_sealed(&bytes) => Ok(bytes),
        Some(seal) => seal.open(&bytes),
        None => Err(SealError::Key {
            mark: mark(&bytes).unwrap_or_default(),
        }),
    }
}

impl Seal {
    /// With a fleet's key.
    pub(crate) fn new(key: &Key) -> Self {
        Self {
            present: Derived::of(key),
            former: key.former().map(|key| Derived::of(&key)).collect(),
        }
    }

    /// The mark of the key that files are sealed with.
    pub(crate) fn mark(&self) -> &str {
        &self.present.mark
    }

    /// The marks of all keys, that of the present one first.
    pub(crate) fn marks(&self) -> Vec<&str> {
        let all = std::iter::once(&self.present).chain(&self.former);
        all.map(|key| key.mark.as_str()).collect()
    }

    /// Whether this is the mark of a key that was replaced.
    pub(crate) fn is_former(&self, mark: &str) -> bool {
        self.former.iter().any(|key| key.mark == mark)
    }

    /// Seals the file at `path`. One that is sealed already stays as it is.
    pub(crate) fn seal(&self, path: &str, bytes: &[u8]) -> Vec<u8> {
        if is_sealed(bytes) {
            return bytes.to_vec();
        }
        let mut out = format!("{MAGIC}{VERSION} {} {path}\n", self.present.mark);
        let mut cipher = Aes256Siv::new(&self.present.keys.into());
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            // It fails only for more associated data than there is.
            let Ok(sealed) = cipher.encrypt([path.as_bytes()], line) else {
                continue;
            };
            BASE64.encode_string(sealed, &mut out);
            out.push('\n');
        }
        if !is_set(path) {
            out.push_str(&format!(
                "= {}\n",
                BASE64.encode(self.present.whole(path, bytes))
            ));
        }
        out.into_bytes()
    }

    /// Seals one line of text that belongs to no file.
    pub(crate) fn seal_text(&self, purpose: &str, text: &str) -> String {
        let sealed = Aes256Siv::new(&self.present.keys.into())
            .encrypt([purpose.as_bytes()], text.as_bytes());
        sealed
            .map(|sealed| BASE64.encode(sealed))
            .unwrap_or_default()
    }

    /// Opens what [`Self::seal_text`] made.
    pub(crate) fn open_text(&self, purpose: &str, text: &str) -> Option<String> {
        let bytes = BASE64.decode(text).ok()?;
        let mut keys = std::iter::once(&self.present).chain(&self.former);
        let opened = keys.find_map(|key| {
            Aes256Siv::new(&key.keys.into())
                .decrypt([purpose.as_bytes()], &bytes)
                .ok()
        })?;
        String::from_utf8(opened).ok()
    }

    /// Opens a sealed file. A line that was tampered with becomes one that nobody can read; a file
    /// whose lines mean something by their order becomes unreadable as a whole.
    pub(crate) fn open(&self, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        self.open_checked(bytes).map(|opened| opened.bytes)
    }

    /// As [`Self::open`], with whether all of it is authentic.
    pub(crate) fn open_checked(&self, bytes: &[u8]) -> Result<Opened, SealError> {
        let head = head(bytes).filter(Head::is_known).ok_or(SealError::Newer)?;
        let key = std::iter::once(&self.present)
            .chain(&self.former)
            .find(|key| key.mark == head.mark);
        let key = key.ok_or_else(|| SealError::Key {
            mark: printable(head.mark, 20),
        })?;
        let opened = key.open(head.path, bytes);
        if !opened.marked {
            return Ok(opened.end(head.path, opened.fits));
        }
        // Both versions are looked at then, and the text between the markers is neither.
        let sound = sides(bytes).is_some_and(|(ours, theirs)| {
            [ours, theirs].iter().all(|side| {
                let side = key.open(head.path, side);
                side.authentic && side.fits
            })
        });
        Ok(Opened {
            sound,
            ..opened.end(head.path, sound)
        })
    }
}

impl Lines {
    fn end(&self, path: &str, fits: bool) -> Opened {
        let unreadable = !is_set(path) && !fits;
        let bytes = if unreadable {
            DAMAGED.as_bytes().to_vec()
        } else {
            self.bytes.clone()
        };
        Opened {
            bytes,
            sound: self.authentic && fits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(byte: u8) -> Seal {
        Seal::new(&key(byte))
    }

    fn key(byte: u8) -> Key {
        Key::of_bytes([byte; 32])
    }

    const DAY: &str = "sync/archive/2026/03/x/10.jsonl";
    const MACHINE: &str = "sync/machines/x.json";

    #[test]
    fn sealed_files_open_and_stay_the_same_line_by_line() {
        let seal = seal(7);
        for path in [DAY, MACHINE] {
            let (a, b) = (
                seal.seal(path, b"{}\none\ntwo\n"),
                seal.seal(path, b"{}\none\nnew\ntwo\n"),
            );
            assert_eq!(seal.open(&a).expect("opens"), b"{}\none\ntwo\n");
            let lines = |bytes: &[u8]| {
                String::from_utf8_lossy(bytes)
                    .lines()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let (a, b) = (lines(&a), lines(&b));
            assert_eq!(
                (&a[1..3], &a[3]),
                (&b[1..3], &b[4]),
                "an inserted line changed others"
            );
        }
    }

    #[test]
    fn nothing_of_the_text_is_seen() {
        let sealed = String::from_utf8(seal(7).seal(DAY, b"needle in the hay\n")).expect("text");
        assert!(!sealed.contains("needle") && !sealed.contains(&BASE64.encode("needle")));
    }

    #[test]
    fn a_line_of_another_file_or_key_does_not_open() {
        let seal_1 = seal(7);
        let line = |seal: &Seal, path: &str| {
            String::from_utf8(seal.seal(path, b"one\n"))
                .expect("text")
                .lines()
                .nth(1)
                .map(str::to_owned)
        };
        let moved = format!(
            "claude-sync-sealed 1 {} {DAY}\n{}\n",
            seal_1.mark(),
            line(&seal_1, "sync/archive/other.jsonl").expect("a line")
        );
        assert_eq!(
            seal_1.open(moved.as_bytes()).expect("opens"),
            format!("{DAMAGED}\n").as_bytes()
        );
        let other = seal(8).seal(DAY, b"one\n");
        assert_eq!(
            seal_1.open(&other),
            Err(SealError::Key {
                mark: seal(8).mark().to_owned()
            })
        );
        assert_eq!(
            open(None, other),
            Err(SealError::Key {
                mark: seal(8).mark().to_owned()
            })
        );
    }

    #[test]
    fn a_machine_file_whose_lines_were_moved_is_unreadable() {
        let seal = seal(7);
        let text =
            String::from_utf8(seal.seal(MACHINE, b"{\n\"a\": 1,\n\"b\": 2\n}\n")).expect("text");
        let mut lines: Vec<_> = text.lines().collect();
        lines.swap(2, 3);
        assert_eq!(
            seal.open(lines.join("\n").as_bytes()).expect("opens"),
            DAMAGED.as_bytes()
        );
    }

    #[test]
    fn both_sides_of_a_conflict_must_be_authentic() {
        let seal = seal(7);
        for path in [DAY, MACHINE] {
            let (ours, theirs) = (seal.seal(path, b"{}\none\n"), seal.seal(path, b"{}\ntwo\n"));
            let text = |bytes: &[u8]| {
                String::from_utf8(bytes.to_vec())
                    .expect("text")
                    .lines()
                    .skip(1)
                    .map(|l| l.to_owned() + "\n")
                    .collect()
            };
            let (ours, theirs): (String, String) = (text(&ours), text(&theirs));
            let first = format!("claude-sync-sealed 1 {} {path}\n", seal.mark());
            let marked = |ours: &str, theirs: &str| {
                format!("{first}<<<<<<< a\n{ours}=======\n{theirs}>>>>>>> b\n").into_bytes()
            };
            assert!(
                seal.open_checked(&marked(&ours, &theirs))
                    .expect("opens")
                    .sound
            );
            let broken = ours.replacen(char::is_alphanumeric, "!", 1);
            for (a, b) in [(broken.as_str(), theirs.as_str()), (&theirs, &broken)] {
                let opened = seal.open_checked(&marked(a, b)).expect("opens");
                assert!(!opened.sound, "{path}");
                assert_eq!(opened.bytes == DAMAGED.as_bytes(), path == MACHINE);
            }
            let unpaired = format!("{first}{ours}>>>>>>> b\n");
            assert!(
                !seal.open_checked(unpaired.as_bytes()).expect("opens").sound,
                "{path}"
            );
        }
    }

    #[test]
    fn a_line_less_on_one_side_of_a_conflict_makes_a_machine_file_unreadable() {
        let seal = seal(7);
        let text =
            String::from_utf8(seal.seal(MACHINE, b"{\n\"a\": 1,\n\"b\": 2\n}\n")).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        let cut = format!(
            "{}\n{}\n<<<<<<< a\n=======\n>>>>>>> b\n{}\n",
            lines[0],
            lines[1],
            lines[3..].join("\n")
        );
        assert_eq!(
            seal.open(cut.as_bytes()).expect("opens"),
            DAMAGED.as_bytes()
        );
    }

    #[test]
    fn a_former_key_opens_and_does_not_seal() {
        let (old, new) = (key(7), key(8));
        let sealed = Seal::new(&old).seal(DAY, b"one\n");
        let seal = Seal::new(&new.replacing(&old));
        assert_eq!(seal.open(&sealed).expect("opens"), b"one\n");
        assert!(seal.is_former(&old.mark()) && !seal.is_former(seal.mark()));
        assert_eq!(
            Seal::new(&old).open(&seal.seal(DAY, b"one\n")),
            Err(SealError::Key {
                mark: seal.mark().to_owned()
            })
        );
        let text = Seal::new(&old).seal_text("purpose", "words");
        assert_eq!(seal.open_text("purpose", &text).as_deref(), Some("words"));
    }
}
