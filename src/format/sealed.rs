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
//! When the key changes, `sync/keys/OLD` tells machines that have the old key, whose mark is `OLD`:
//!
//! ```text
//! claude-sync-key-replaced 1 OLD NEW CODE
//! = BASE64
//! ```
//!
//! `CODE` is the HMAC-SHA-256 of `NEW` under `HMAC-SHA-256(old key, "replaced")`, in base64: only holders of the old key can make it. The
//! second line is the code of the whole under the new key, as of a sealed file that is no set.
//!
//! Lines that git's text merge adds (conflict markers, a second first line) are no part of the file. Where there are markers, each of the
//! two versions that they tell apart must be authentic by itself.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;

use super::markers::{is_marker, sides};
use crate::base::key::{Key, mac};

const MAGIC: &str = "claude-sync-sealed ";
const VERSION: &str = "1";

/// The folder of statements, each under the mark of the key that was replaced.
const KEYS: &str = "sync/keys";

/// How a statement begins: a file in clear that tells machines with a key that it was replaced.
const REPLACED: &str = "claude-sync-key-replaced ";

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

/// What one key derives.
#[derive(Clone)]
struct Derived {
    keys: [u8; 64],
    whole: [u8; 32],
    replaced: [u8; 32],
    mark: String,
}

impl Derived {
    fn of(key: &Key) -> Self {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&key.derive("files 1"));
        bytes[32..].copy_from_slice(&key.derive("files 2"));
        Self {
            keys: bytes,
            whole: key.derive("whole"),
            replaced: key.derive("replaced"),
            mark: key.mark(),
        }
    }
}

/// Seals files with the fleet's key, and opens them with that or a former one.
#[derive(Clone)]
pub struct Seal {
    present: Derived,
    former: Vec<Derived>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({})", self.present.mark)
    }
}

/// A file that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its text. Lines that are not authentic are ones that nobody can read.
    pub bytes: Vec<u8>,
    /// All of it is authentic: each line, and in a file whose lines mean something by their order the whole text.
    pub sound: bool,
}

/// The first line of a sealed file. Nothing vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// The way of sealing.
    pub version: &'a str,
    /// The mark of the key.
    pub mark: &'a str,
    /// The path that it is sealed for.
    pub path: &'a str,
}

impl Head<'_> {
    /// Whether this version knows the way of sealing.
    pub fn is_known(&self) -> bool {
        self.version == VERSION
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

/// The first line of a file, where it is sealed. One that cannot be read is that of a later version.
pub fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let later = Head {
        version: "",
        mark: "",
        path: "",
    };
    let first = bytes
        .strip_prefix(MAGIC.as_bytes())?
        .split(|b| *b == b'\n')
        .next()?;
    let words: Vec<_> = std::str::from_utf8(first)
        .unwrap_or_default()
        .splitn(3, ' ')
        .collect();
    let [version, mark, path] = words[..] else {
        return Some(later);
    };
    Some(Head {
        version,
        mark,
        path,
    })
}

/// The mark of the key that sealed a file, where it is sealed.
pub fn mark(bytes: &[u8]) -> Option<String> {
    head(bytes).map(|head| crate::base::text::printable(head.mark, 20))
}

/// Whether a path is that of a statement about a key that was replaced.
pub fn is_statement_path(path: &str) -> bool {
    let mark = path
        .strip_prefix(KEYS)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or_default();
    mark.len() == 8
        && mark
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The path of the statement about the key of a mark.
pub fn statement_path(mark: &str) -> String {
    format!("{KEYS}/{mark}")
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
        Self {
            present: Derived::of(key),
            former: key.former().map(|key| Derived::of(&key)).collect(),
        }
    }

    /// The mark of the key that files are sealed with.
    pub fn mark(&self) -> &str {
        &self.present.mark
    }

    /// The marks of all keys, that of the present one first.
    pub fn marks(&self) -> Vec<&str> {
        let all = std::iter::once(&self.present).chain(&self.former);
        all.map(|key| key.mark.as_str()).collect()
    }

    /// Whether this is the mark of a key that was replaced.
    pub fn is_former(&self, mark: &str) -> bool {
        self.former.iter().any(|key| key.mark == mark)
    }

    /// Seals the file at `path`. One that is sealed already stays as it is.
    pub fn seal(&self, path: &str, bytes: &[u8]) -> Vec<u8> {
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
    pub fn seal_text(&self, purpose: &str, text: &str) -> String {
        let sealed = Aes256Siv::new(&self.present.keys.into())
            .encrypt([purpose.as_bytes()], text.as_bytes());
        sealed
            .map(|sealed| BASE64.encode(sealed))
            .unwrap_or_default()
    }

    /// Opens what [`Self::seal_text`] made.
    pub fn open_text(&self, purpose: &str, text: &str) -> Option<String> {
        let bytes = BASE64.decode(text).ok()?;
        let mut keys = std::iter::once(&self.present).chain(&self.former);
        let opened = keys.find_map(|key| {
            Aes256Siv::new(&key.keys.into())
                .decrypt([purpose.as_bytes()], &bytes)
                .ok()
        })?;
        String::from_utf8(opened).ok()
    }

    /// The files that tell machines with former keys that these were replaced: path and text. Others with this key know them by their
    /// code, as they know sealed files.
    pub fn statements(&self) -> Vec<(String, String)> {
        let statement = |old: &Derived| {
            let (path, present) = (statement_path(&old.mark), &self.present);
            let line = format!(
                "{REPLACED}{VERSION} {} {} {}\n",
                old.mark,
                present.mark,
                old.vouch(&present.mark)
            );
            let code = BASE64.encode(present.whole(&path, line.as_bytes()));
            (path, format!("{line}= {code}\n"))
        };
        self.former.iter().map(statement).collect()
    }

    /// A statement that another machine made under a former key, as this key's holders make it. None where it is no such statement.
    pub fn renew_statement(&self, path: &str, bytes: &[u8]) -> Option<String> {
        let line = std::iter::once(&self.present)
            .chain(&self.former)
            .find_map(|key| key.statement(path, bytes))?;
        let code = BASE64.encode(self.present.whole(path, line.as_bytes()));
        Some(format!("{line}= {code}\n"))
    }

    /// Whether a file is a statement that somebody with this key, or with a former one, made.
    pub fn is_statement(&self, path: &str, bytes: &[u8]) -> bool {
        self.renew_statement(path, bytes).is_some()
    }

    /// The mark of the key that replaced this one, by a statement that somebody with this key made.
    pub fn replaced_by(&self, bytes: &[u8]) -> Option<String> {
        let line = std::str::from_utf8(bytes).ok()?.lines().next()?;
        let words: Vec<&str> = line.strip_prefix(REPLACED)?.split(' ').collect();
        let [VERSION, old, new, code] = words[..] else {
            return None;
        };
        let is_known = old == self.present.mark && new != old && code == self.present.vouch(new);
        is_known.then(|| crate::base::text::printable(new, 20))
    }

    /// Opens a sealed file. A line that was tampered with becomes one that nobody can read; a file whose lines mean something by their
    /// order becomes unreadable as a whole.
    pub fn open(&self, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        self.open_checked(bytes).map(|opened| opened.bytes)
    }

    /// As [`Self::open`], and says whether all of it is authentic.
    pub fn open_checked(&self, bytes: &[u8]) -> Result<Opened, SealError> {
        let head = head(bytes).filter(Head::is_known).ok_or(SealError::Newer)?;
        let key = std::iter::once(&self.present)
            .chain(&self.former)
            .find(|key| key.mark == head.mark);
        let key = key.ok_or_else(|| SealError::Key {
            mark: crate::base::text::printable(head.mark, 20),
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

/// The lines of a sealed text.
struct Lines {
    bytes: Vec<u8>,
    /// Each line is authentic.
    authentic: bool,
    /// It is a set, or the code of the whole text fits.
    fits: bool,
    /// Conflict markers stand in it.
    marked: bool,
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

impl Derived {
    fn whole(&self, path: &str, bytes: &[u8]) -> [u8; 32] {
        mac(&self.whole, &[path.as_bytes(), b"\0", bytes].concat())
    }

    /// What only holders of this key can say of the key that replaces it.
    fn vouch(&self, new: &str) -> String {
        BASE64.encode(mac(&self.replaced, new.as_bytes()))
    }

    /// The first line of a statement with this key's code.
    fn statement(&self, path: &str, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.len() < 1000 && is_statement_path(path))?;
        let (line, rest) = text.split_once('\n')?;
        let (line, code) = (
            format!("{line}\n"),
            BASE64.decode(rest.trim_end().strip_prefix("= ")?).ok()?,
        );
        (line.starts_with(REPLACED) && code == self.whole(path, line.as_bytes())).then_some(line)
    }

    fn open(&self, path: &str, bytes: &[u8]) -> Lines {
        let mut out = Lines {
            bytes: Vec::with_capacity(bytes.len()),
            authentic: true,
            fits: is_set(path),
            marked: false,
        };
        let mut cipher = Aes256Siv::new(&self.keys.into());
        let mut whole = None;
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            if is_marker(line) {
                out.marked = true;
                out.bytes.extend_from_slice(line);
            } else if line.starts_with(MAGIC.as_bytes()) {
                continue;
            } else if let Some(code) = line.strip_prefix(b"= ").filter(|_| !is_set(path)) {
                whole = BASE64.decode(code).ok();
                continue;
            } else {
                let opened = BASE64
                    .decode(line)
                    .ok()
                    .and_then(|sealed| cipher.decrypt([path.as_bytes()], &sealed).ok());
                out.authentic &= opened.is_some();
                out.bytes
                    .extend_from_slice(&opened.unwrap_or_else(|| DAMAGED.as_bytes().to_vec()));
            }
            out.bytes.push(b'\n');
        }
        if !is_set(path) {
            out.fits = whole.as_deref() == Some(&self.whole(path, &out.bytes)[..]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(byte: u8) -> Seal {
        Seal::new(&key(byte))
    }

    fn key(byte: u8) -> Key {
        let digits = format!("{byte:02x}").repeat(32);
        let mut text = format!("claude-sync-key-1-{digits}-");
        // The mark is found by asking: a test key has no other way to know it.
        let probe = crate::base::key::hex(&mac(&[byte; 32], b"mark")[..4]);
        text.push_str(&probe);
        Key::parse(&text).expect("a key")
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

    #[test]
    fn both_sides_of_a_conflict_must_be_authentic() {
        let seal = seal(7);
        for path in [DAY, PAGE] {
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
                assert_eq!(opened.bytes == DAMAGED.as_bytes(), path == PAGE);
            }
            let unpaired = format!("{first}{ours}>>>>>>> b\n");
            assert!(
                !seal.open_checked(unpaired.as_bytes()).expect("opens").sound,
                "{path}"
            );
        }
        // A line less on one side of a file whose lines mean something by their order.
        let text =
            String::from_utf8(seal.seal(PAGE, b"{\n\"a\": 1,\n\"b\": 2\n}\n")).expect("text");
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
    fn a_statement_is_made_with_both_keys() {
        let (old, new) = (key(7), key(8));
        let seal = Seal::new(&new.clone().replacing(&old));
        let statements = seal.statements();
        let [(path, text)] = &statements[..] else {
            panic!("one former key")
        };
        assert_eq!(path, &format!("sync/keys/{}", old.mark()));
        assert_eq!(
            Seal::new(&old).replaced_by(text.as_bytes()),
            Some(new.mark())
        );
        assert_eq!(Seal::new(&key(9)).replaced_by(text.as_bytes()), None);
        // Others with the new key alone know it too; a forged one is none.
        assert!(Seal::new(&new).is_statement(path, text.as_bytes()));
        assert!(!Seal::new(&new).is_statement("sync/keys/00000000", text.as_bytes()));
        let forged = text.replace(&new.mark(), "00000000");
        assert!(!Seal::new(&new).is_statement(path, forged.as_bytes()));
        assert_eq!(Seal::new(&old).replaced_by(forged.as_bytes()), None);
        // After the next change it is as those make it who have the key of then.
        let third = Seal::new(&key(9).replacing(&new));
        let renewed = third
            .renew_statement(path, text.as_bytes())
            .expect("a statement");
        assert!(Seal::new(&key(9)).is_statement(path, renewed.as_bytes()));
        assert_eq!(
            Seal::new(&old).replaced_by(renewed.as_bytes()),
            Some(new.mark())
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
