//! Encryption at rest: files below `sync` as sealed lines, so that git's deltas, joins and histories stay what they are.
//!
//! A sealed file is text:
//!
//! ```text
//! claude-sync-sealed 1 MARK PATH
//! BASE64
//! BASE64
//! ```
//!
//! `MARK` is the key's mark, `PATH` the file's path in the repository. Each further line is one line of the file, without its line
//! break, sealed by AES-256-SIV (RFC 5297) under the fleet key's `HMAC-SHA-256(key, "files 1") || HMAC-SHA-256(key, "files 2")`, with
//! `PATH` as the only associated data, in base64 without padding. SIV is deterministic: equal lines of one file are equal bytes, on all
//! machines. A file that is no day file ends in a line `= BASE64`, the HMAC-SHA-256 of all its text under
//! `HMAC-SHA-256(key, "whole")`: its lines mean something by their order, while a day file is a set of lines whose sessions carry
//! checksums.
//!
//! Lines that git's text merge adds (conflict markers, a second first line) are no part of the file.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;

use crate::base::key::{Key, mac};

const MAGIC: &str = "claude-sync-sealed ";
const VERSION: &str = "1";

/// What stands in place of a line that cannot be opened: no line of any file.
const DAMAGED: &str = "\u{fffd}";

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

/// Seals and opens files.
#[derive(Clone)]
pub struct Seal {
    keys: [u8; 64],
    whole: [u8; 32],
    mark: String,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({})", self.mark)
    }
}

/// Whether a file is a set of lines.
fn is_set(path: &str) -> bool {
    path.strip_suffix(".jsonl").is_some()
}

/// Whether a file is sealed.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC.as_bytes())
}

/// The mark of the key that sealed a file, where it is sealed.
pub fn mark(bytes: &[u8]) -> Option<String> {
    let first = bytes.split(|b| *b == b'\n').next()?;
    let words: Vec<_> = std::str::from_utf8(first)
        .ok()?
        .strip_prefix(MAGIC)?
        .splitn(3, ' ')
        .collect();
    words
        .get(1)
        .map(|mark| crate::base::text::printable(mark, 20))
}

/// Opens a file that may be sealed, with a key that may be missing.
pub fn open(seal: Option<&Seal>, bytes: Vec<u8>) -> Result<Vec<u8>, SealError> {
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
    pub fn new(key: &Key) -> Self {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&key.derive("files 1"));
        bytes[32..].copy_from_slice(&key.derive("files 2"));
        Self {
            keys: bytes,
            whole: key.derive("whole"),
            mark: key.mark(),
        }
    }

    /// Seals the file at `path`. One that is sealed already stays as it is.
    pub fn seal(&self, path: &str, bytes: &[u8]) -> Vec<u8> {
        if is_sealed(bytes) {
            return bytes.to_vec();
        }
        let mut out = format!("{MAGIC}{VERSION} {} {path}\n", self.mark);
        let mut cipher = Aes256Siv::new(&self.keys.into());
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
            out.push_str(&format!("= {}\n", BASE64.encode(self.whole(path, bytes))));
        }
        out.into_bytes()
    }

    /// Seals one line of text that belongs to no file.
    pub fn seal_text(&self, purpose: &str, text: &str) -> String {
        let sealed =
            Aes256Siv::new(&self.keys.into()).encrypt([purpose.as_bytes()], text.as_bytes());
        sealed
            .map(|sealed| BASE64.encode(sealed))
            .unwrap_or_default()
    }

    /// Opens what [`Self::seal_text`] made.
    pub fn open_text(&self, purpose: &str, text: &str) -> Option<String> {
        let opened = Aes256Siv::new(&self.keys.into())
            .decrypt([purpose.as_bytes()], &BASE64.decode(text).ok()?)
            .ok()?;
        String::from_utf8(opened).ok()
    }

    fn whole(&self, path: &str, bytes: &[u8]) -> [u8; 32] {
        mac(&self.whole, &[path.as_bytes(), b"\0", bytes].concat())
    }

    /// Opens a sealed file. A line that was tampered with becomes one that nobody can read; a file whose lines mean something by their
    /// order becomes unreadable as a whole.
    pub fn open(&self, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let first = lines
            .next()
            .and_then(|line| std::str::from_utf8(line).ok())
            .unwrap_or_default();
        let words: Vec<_> = first
            .strip_prefix(MAGIC)
            .unwrap_or_default()
            .splitn(3, ' ')
            .collect();
        let [version, mark, path] = words[..] else {
            return Err(SealError::Newer);
        };
        if version != VERSION {
            return Err(SealError::Newer);
        }
        if mark != self.mark {
            return Err(SealError::Key {
                mark: crate::base::text::printable(mark, 20),
            });
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut cipher = Aes256Siv::new(&self.keys.into());
        let mut whole = None;
        let mut merged = false;
        for line in lines {
            if [&b"<<<<<<<"[..], b"|||||||", b"=======", b">>>>>>>"]
                .iter()
                .any(|marker| line.starts_with(marker))
            {
                merged = true;
                out.extend_from_slice(line);
            } else if line.starts_with(MAGIC.as_bytes()) {
                continue;
            } else if let Some(code) = line.strip_prefix(b"= ") {
                whole = BASE64.decode(code).ok();
                continue;
            } else {
                let opened = BASE64
                    .decode(line)
                    .ok()
                    .and_then(|sealed| cipher.decrypt([path.as_bytes()], &sealed).ok());
                out.extend_from_slice(&opened.unwrap_or_else(|| DAMAGED.as_bytes().to_vec()));
            }
            out.push(b'\n');
        }
        // Markers in it say that git merged text: both sides are looked at then, and neither is the whole.
        if !is_set(path) && !merged && whole.as_deref() != Some(&self.whole(path, &out)[..]) {
            return Ok(DAMAGED.as_bytes().to_vec());
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(byte: u8) -> Seal {
        let digits = format!("{byte:02x}").repeat(32);
        let mut text = format!("claude-sync-key-1-{digits}-");
        // The mark is found by asking: a test key has no other way to know it.
        let probe = crate::base::key::hex(&mac(&[byte; 32], b"mark")[..4]);
        text.push_str(&probe);
        Seal::new(&Key::parse(&text).expect("a key"))
    }

    const DAY: &str = "sync/archive/2026/03/x/10.jsonl";
    const PAGE: &str = "sync/machines/x.json";

    #[test]
    fn sealed_files_open_and_stay_the_same_line_by_line() {
        let seal = seal(7);
        for path in [DAY, PAGE] {
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
            seal_1.mark,
            line(&seal_1, "sync/archive/other.jsonl").expect("a line")
        );
        assert_eq!(
            seal_1.open(moved.as_bytes()).expect("opens"),
            format!("{DAMAGED}\n").as_bytes()
        );
        let other = seal(8).seal(DAY, b"one\n");
        assert_eq!(
            seal_1.open(&other),
            Err(SealError::Key { mark: seal(8).mark })
        );
        assert_eq!(
            open(None, other),
            Err(SealError::Key { mark: seal(8).mark })
        );
    }

    #[test]
    fn a_page_whose_lines_were_moved_is_unreadable() {
        let seal = seal(7);
        let text =
            String::from_utf8(seal.seal(PAGE, b"{\n\"a\": 1,\n\"b\": 2\n}\n")).expect("text");
        let mut lines: Vec<_> = text.lines().collect();
        lines.swap(2, 3);
        assert_eq!(
            seal.open(lines.join("\n").as_bytes()).expect("opens"),
            DAMAGED.as_bytes()
        );
    }
}
