//! The fleet's key: 32 random bytes that the user carries from machine to machine, and that is
//! never committed.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub(crate) use super::encode::hex;
use super::encode::unhex;

/// How a key's text begins. The number counts up with the way in which keys are derived.
const PREFIX: &str = "claude-sync-key-1-";

/// A fleet key, with the keys that it replaced. Its bytes are seen by nobody who prints it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    bytes: [u8; 32],
    /// The keys that were in use before, the latest first.
    former: Vec<[u8; 32]>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.mark())
    }
}

impl Key {
    /// A new one, from the system's randomness; none where the system has none to give.
    pub(crate) fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self::of(bytes))
    }

    fn of(bytes: [u8; 32]) -> Self {
        Self {
            bytes,
            former: Vec::new(),
        }
    }

    /// The key of these bytes.
    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: [u8; 32]) -> Self {
        Self::of(bytes)
    }

    /// Reads a key's text. None where it is no key, or was mistyped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (digits, mark) = text.trim().strip_prefix(PREFIX)?.split_once('-')?;
        let key = Self::of(unhex(digits.as_bytes())?);
        (key.mark() == mark).then_some(key)
    }

    /// The text that another machine imports. It ends in the key's mark, by which a mistyped key is
    /// found.
    pub(crate) fn text(&self) -> String {
        format!("{PREFIX}{}-{}", hex(&self.bytes), self.mark())
    }

    /// The key's mark: 8 hex digits that distinguish it from other keys and reveal nothing of it.
    pub(crate) fn mark(&self) -> String {
        hex(&self.derive("mark")[..4])
    }

    /// A key for one purpose: HMAC-SHA-256 of its name under this key.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        mac(&self.bytes, purpose.as_bytes())
    }

    /// This key in the place of another, which becomes a former one, with all that were former
    /// already.
    #[must_use]
    pub(crate) fn replacing(self, old: &Self) -> Self {
        let mut former = vec![old.bytes];
        former.extend(old.former.iter().chain(&self.former));
        let mut seen = std::collections::BTreeSet::from([self.bytes]);
        former.retain(|bytes| seen.insert(*bytes));
        Self { former, ..self }
    }

    /// The keys that it replaced, the latest first.
    pub(crate) fn former(&self) -> impl Iterator<Item = Self> {
        self.former.iter().map(|bytes| Self::of(*bytes))
    }

    /// Whether both are the same key, apart from the keys that they replaced.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

/// What names are signed with, so that nobody without the fleet's key can try a list of names.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NameKey {
    mark: String,
    key: [u8; 32],
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameKey({})", self.mark)
    }
}

impl NameKey {
    /// That of a fleet's key.
    pub(crate) fn of(key: &Key) -> Self {
        Self {
            mark: key.mark(),
            key: key.derive("forget"),
        }
    }

    /// Those of a fleet's key and of the keys that it replaced: what was signed with one of them
    /// stays known.
    pub(crate) fn all(key: &Key) -> Vec<Self> {
        let former = key.former();
        std::iter::once(Self::of(key))
            .chain(former.map(|key| Self::of(&key)))
            .collect()
    }

    /// The mark of the fleet's key.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// The MAC of texts without zero bytes.
    pub(crate) fn sign(&self, parts: &[&str]) -> [u8; 32] {
        mac(&self.key, parts.join("\0").as_bytes())
    }
}

/// HMAC-SHA-256.
pub(crate) fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // A key of any length is a key.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_a_mistyped_one_is_none() {
        let key = Key::random().expect("randomness");
        let text = key.text();
        assert_eq!(Key::parse(&format!(" {text}\n")), Some(key.clone()));
        let last = text.chars().nth(PREFIX.len()).expect("a digit");
        let other = if last == '0' { "1" } else { "0" };
        let mistyped = format!("{PREFIX}{other}{}", &text[PREFIX.len() + 1..]);
        assert_eq!(Key::parse(&mistyped), None);
        assert!(
            !format!("{key:?}").contains(&text[PREFIX.len()..PREFIX.len() + 16]),
            "a key that is printed shows its bytes"
        );
    }

    #[test]
    fn macs_are_those_of_rfc_4231() {
        assert_eq!(
            hex(&mac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
