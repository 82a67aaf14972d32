//! What can be forgotten, and its tombstone.

use super::authority::Effect;
use super::tombstone::HiddenName;
use crate::base::ids::MachineId;
use crate::base::json::Extra;
use crate::base::key::NameKey;
use crate::base::time::{Day, Timestamp};

/// Something to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A session, by id.
    Session(String),
    /// A project, by the name that it has in the repository.
    Project(String),
    /// A machine, with all that it ever wrote.
    Machine(MachineId),
    /// Everything before a UTC day.
    Before(Day),
}

impl Subject {
    /// The decision that has it forgotten: its subject, and its members. With a key, only who has
    /// the key knows the name.
    pub(crate) fn tombstone(&self, salt: &str, key: Option<&NameKey>) -> (String, Extra) {
        let hidden = |kind: &str, name: &str| {
            let name = HiddenName::of(kind, salt, name, key).text();
            let salt = Extra::from([("salt".to_owned(), salt.into())]);
            (format!("{kind}:{name}"), salt)
        };
        match self {
            Self::Session(id) => hidden("session", id),
            Self::Project(name) => hidden("project", name),
            Self::Machine(id) => (format!("machine:{id}"), Extra::new()),
            Self::Before(day) => (format!("before:{day}"), Extra::new()),
        }
    }

    /// Whether a tombstone is about it, with one of the keys that are here or without one.
    pub(crate) fn is_of(&self, stone: &Stone, keys: &[NameKey]) -> bool {
        let mut keys = std::iter::once(None).chain(keys.iter().map(Some));
        keys.any(|key| self.tombstone(&stone.salt, key).0 == stone.subject)
    }
}

/// A tombstone, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stone {
    /// The subject of the decision.
    pub(crate) subject: String,
    /// The salt of its name, where it hides one.
    pub(crate) salt: String,
    /// When it was made, where it states that.
    pub(crate) made: Option<Timestamp>,
    /// What it does.
    pub(crate) effect: Effect,
}
