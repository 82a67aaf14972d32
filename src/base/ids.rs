//! Identifiers as types of their own, so that a session is never taken for a machine.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::encode::hex;

/// Text that occurs in many records (a model, a session, a project): shared, compared by bytes.
pub(crate) type Name = Arc<str>;

/// Shares equal names, so that a million records hold a few hundred strings.
#[derive(Debug, Default)]
pub(crate) struct Interner(HashSet<Name>);

impl Interner {
    /// The shared copy of `text`.
    pub(crate) fn name(&mut self, text: &str) -> Name {
        if let Some(found) = self.0.get(text) {
            return found.clone();
        }
        let name: Name = Arc::from(text);
        self.0.insert(name.clone());
        name
    }
}

/// A machine's id: 8-4-4-4-12 of `[0-9a-z]`, lower case.
///
/// A UUID v4 where we make it; the format's own examples hold letters beyond `f`, so those are
/// accepted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(Name);

/// Why a text is no machine id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no machine id: it takes 8-4-4-4-12 characters of 0-9 and a-z")]
pub(crate) struct MachineIdError(pub(crate) String);

impl MachineId {
    /// Makes a new random id.
    pub(crate) fn random() -> Self {
        Self(Arc::from(uuid::Uuid::new_v4().hyphenated().to_string()))
    }

    /// The id of all short-lived machines of one name: a UUID of version 8, from a hash of the
    /// name.
    pub(crate) fn of_name(name: &str) -> Self {
        let hash = Sha256::digest(
            [
                b"claude-sync ephemeral machine\0".as_slice(),
                name.as_bytes(),
            ]
            .concat(),
        );
        let mut text = hex(&hash[..16]);
        // The version, and the variant of RFC 9562.
        for at in [12, 16] {
            text.replace_range(at..=at, "8");
        }
        for at in [20, 16, 12, 8] {
            text.insert(at, '-');
        }
        Self(Arc::from(text))
    }

    /// Reads an id as people and `uuidgen` write it: trimmed and lower-cased.
    pub(crate) fn parse(text: &str) -> Result<Self, MachineIdError> {
        let lower = text.trim().to_ascii_lowercase();
        Self::canonical(&lower)
            .ok_or_else(|| MachineIdError(super::text::printable(text.trim(), 80)))
    }

    /// Reads an id that must already be in its canonical form, as in file names and JSON.
    pub fn canonical(text: &str) -> Option<Self> {
        let mut lengths = text.split('-').map(str::len);
        let shape = [8, 4, 4, 4, 12]
            .iter()
            .all(|want| lengths.next() == Some(*want))
            && lengths.next().is_none();
        let letters = text
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'z' | b'-'));
        (shape && letters).then(|| Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight characters, for people.
    pub(crate) fn short(&self) -> &str {
        &self.0[..8]
    }
}

/// A session's id, as Claude Code gives it, or a hash of it where it is no plain token.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Name);

impl SessionId {
    /// Takes over an id that is already shared.
    pub fn new(name: Name) -> Self {
        Self(name)
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A record's id: the first 64 bits of the SHA-256 of the request's identity, written as 16 hex
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(u64);

impl RecordId {
    /// The number behind the sixteen digits.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// The id with this number.
    pub(crate) fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Hashes an identity: what kind it is and its parts, each with its length, so that no two
    /// identities share a text.
    pub fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind.as_bytes());
        for part in parts {
            hash.update([0]);
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// Reads 16 lower-case hex digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain =
            text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        plain
            .then(|| u64::from_str_radix(text, 16).ok().map(Self))
            .flatten()
    }
}

/// `text` where it is a plain token of at most `most` bytes, else `prefix-` and a hash of it.
///
/// Names from transcripts pass through here: they go into a repository that others may read.
pub(crate) fn token(text: &str, prefix: &str, most: usize) -> String {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'.' | b'_' | b'-' | b':' | b'/' | b'@' | b'[' | b']' | b'<' | b'>'
            )
    };
    if !text.is_empty() && text.len() <= most && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("{prefix}-{}", RecordId::of(prefix, &[text.as_bytes()]))
}

macro_rules! shown_as_text {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )*};
}
shown_as_text!(MachineId, SessionId);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_ids_are_trimmed_and_lowered() {
        let id =
            MachineId::parse(" A7C4F9E1-2B3D-4E5F-6A7B-8C9D0E1F2A3B\n").expect("uuidgen's form");
        assert_eq!(id.as_str(), "a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b");
        assert!(
            MachineId::parse("b8d5f0e2-3c4e-5f6g-7b8c-9d0e1f2b4c5d").is_ok(),
            "the format's own example"
        );
        for bad in [
            "",
            "a7c4f9e1",
            "../../../../etc/passwd-------------",
            "a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b-",
        ] {
            assert!(MachineId::parse(bad).is_err(), "{bad}");
        }
        assert!(MachineId::canonical("A7C4F9E1-2B3D-4E5F-6A7B-8C9D0E1F2A3B").is_none());
    }

    #[test]
    fn identities_of_different_kinds_never_share_a_hash() {
        assert_ne!(RecordId::of("a", &[b"bc"]), RecordId::of("ab", &[b"c"]));
        assert_ne!(
            RecordId::of("a", &[b"b", b"c"]),
            RecordId::of("a", &[b"bc"])
        );
    }

    #[test]
    fn free_text_does_not_pass_as_a_token() {
        assert_eq!(
            token("claude-opus-4-8[1m]", "model", 100),
            "claude-opus-4-8[1m]"
        );
        assert!(token("my secret", "model", 100).starts_with("model-"));
        assert!(token("", "model", 100).starts_with("model-"));
    }
}
