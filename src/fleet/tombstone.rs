//! Tombstones of names: they have a session or a project forgotten, and do not tell its name to whoever reads the repository.
//!
//! Names are guessable, and a tombstone's salt stands beside it: with a list of names anybody can try which of them was forgotten. So
//! where a machine has the fleet's key and the repository is plain, the key is in the MAC, and a machine without it cannot know what the
//! tombstone is about. In an encrypted repository tombstones are sealed like everything else, and go without: they must outlive the key.

use crate::base::key::{NameKey, hex, mac};

/// The name of something that was forgotten, as a decision's subject has it behind its kind: `MAC`, or with a key `MARK:MAC`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tombstone {
    /// The mark of the key that is in the MAC.
    mark: Option<String>,
    salt: String,
    sign: String,
}

impl Tombstone {
    /// For a name, which is of a kind: `session`, `project`.
    pub fn of(kind: &str, salt: &str, name: &str, key: Option<&NameKey>) -> Self {
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
    pub fn read(text: &str, salt: &str) -> Self {
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
    pub fn text(&self) -> String {
        self.mark
            .iter()
            .fold(self.sign.clone(), |sign, mark| format!("{mark}:{sign}"))
    }

    /// The key that a tombstone's MAC needs, if it is here and one is needed.
    fn key<'k>(&self, key: Option<&'k NameKey>) -> Option<&'k NameKey> {
        key.filter(|key| self.mark.as_deref() == Some(key.mark()))
    }

    /// Whether nobody can say here what it is about: it was made with a key that is not here.
    pub fn is_mute(&self, key: Option<&NameKey>) -> bool {
        self.mark.is_some() && self.key(key).is_none()
    }

    /// Whether this name was forgotten.
    pub fn hits(&self, kind: &str, name: &str, key: Option<&NameKey>) -> bool {
        !self.is_mute(key) && Self::of(kind, &self.salt, name, self.key(key)) == *self
    }

    /// What tells it from others.
    pub fn bytes(&self) -> Vec<u8> {
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
        let plain = Tombstone::of("project", "salt", "shop", None);
        let keyed = Tombstone::of("project", "salt", "shop", Some(&one));
        for key in [None, Some(&one), Some(&other)] {
            assert!(
                plain.hits("project", "shop", key)
                    && !plain.hits("project", "shed", key)
                    && !plain.is_mute(key)
            );
            assert_eq!(keyed.hits("project", "shop", key), key == Some(&one));
            assert_eq!(keyed.is_mute(key), key != Some(&one));
        }
        assert!(
            !keyed.hits("session", "shop", Some(&one)),
            "it is about a project"
        );
        for tombstone in [plain, keyed] {
            assert_eq!(Tombstone::read(&tombstone.text(), "salt"), tombstone);
        }
    }
}
