//! Tombstones of names: they have a session or a project forgotten, and do not show its name to
//! readers of the repository.
//!
//! Names are guessable, and a tombstone's salt stands beside it: with a list of names anybody can
//! try which of them was forgotten. So where a machine has the fleet's key and the repository is
//! plain, the key is in the MAC, and a machine without it cannot know what the tombstone is about.
//! In an encrypted repository tombstones are sealed like everything else, and go without: they must
//! outlive the key.

use crate::base::key::{NameKey, hex, mac};

/// The name of something that was forgotten, as a decision's subject has it behind its kind: `MAC`,
/// or with a key `MARK:MAC`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HiddenName {
    /// The mark of the key that is in the MAC.
    mark: Option<String>,
    salt: String,
    sign: String,
}

impl HiddenName {
    /// For a name, which is of a kind: `session`, `project`.
    pub(crate) fn of(kind: &str, salt: &str, name: &str, key: Option<&NameKey>) -> Self {
        let sign = match key {
            Some(key) => hex(&key.sign(&[kind, salt, name])[..16]),
            None => hex(&mac(salt.as_bytes(), name.as_bytes())[..16]),
        };
        Self {
            mark: key.map(|key| key.mark().to_owned()),
            salt: salt.to_owned(),
            sign,
        }
    }

    /// Reads what stands behind the kind.
    pub(crate) fn read(text: &str, salt: &str) -> Self {
        let (mark, sign) = text
            .split_once(':')
            .map_or((None, text), |(mark, sign)| (Some(mark.to_owned()), sign));
        Self {
            mark,
            salt: salt.to_owned(),
            sign: sign.to_owned(),
        }
    }

    /// What stands behind the kind.
    pub(crate) fn text(&self) -> String {
        self.mark
            .iter()
            .fold(self.sign.clone(), |sign, mark| format!("{mark}:{sign}"))
    }

    /// The key that the MAC needs, if it is here and one is needed.
    fn key<'k>(&self, keys: &'k [NameKey]) -> Option<&'k NameKey> {
        keys.iter()
            .find(|key| self.mark.as_deref() == Some(key.mark()))
    }

    /// Whether the name cannot be known here: it was made with a key that is not here.
    pub(crate) fn is_unknown(&self, keys: &[NameKey]) -> bool {
        self.mark.is_some() && self.key(keys).is_none()
    }

    /// Whether this name was forgotten.
    pub(crate) fn hits(&self, kind: &str, name: &str, keys: &[NameKey]) -> bool {
        !self.is_unknown(keys) && Self::of(kind, &self.salt, name, self.key(keys)) == *self
    }

    /// Distinguishes it from others.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        format!("{} {}", self.salt, self.text()).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::key::Key;

    #[test]
    fn a_name_is_known_by_who_has_what_the_tombstone_was_made_with() {
        let [one, other] = [7, 8].map(|byte| NameKey::of(&Key::of_bytes([byte; 32])));
        let plain = HiddenName::of("project", "salt", "shop", None);
        let keyed = HiddenName::of("project", "salt", "shop", Some(&one));
        let both = [other.clone(), one.clone()];
        for (keys, has) in [
            (&[][..], false),
            (std::slice::from_ref(&one), true),
            (std::slice::from_ref(&other), false),
            (&both[..], true),
        ] {
            assert!(plain.hits("project", "shop", keys) && !plain.hits("project", "shed", keys));
            assert!(!plain.is_unknown(keys));
            assert_eq!(keyed.hits("project", "shop", keys), has);
            assert_eq!(keyed.is_unknown(keys), !has);
        }
        let about_a_session = keyed.hits("session", "shop", std::slice::from_ref(&one));
        assert!(!about_a_session, "it is about a project");
        for name in [plain, keyed] {
            assert_eq!(HiddenName::read(&name.text(), "salt"), name);
        }
    }
}
