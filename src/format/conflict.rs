//! The conflict log of manifests: what was joined or left out, each entry by a fixed code.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::ids::MachineId;

/// Why an entry stands in the conflict log. Files contain it as text, and entries are sorted by
/// that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) enum Code {
    /// Copies of a session on several machines were joined.
    Joined,
    /// Machines state different figures of the same requests.
    UnequalRecords,
    /// A session's checksum does not fit its records.
    Checksum,
    /// Lines of a day file cannot be read.
    DamagedLines,
    /// A file, or all of a machine's month, is above the limit.
    TooLarge,
    /// A file has more sessions than are read.
    TooManySessions,
    /// There are more machines than are read.
    TooManyMachines,
    /// A file is no JSON of the expected shape.
    Malformed,
    /// A file is of a later major version of the format.
    NewerVersion,
    /// A file's own machine or day is not that of its place.
    Misplaced,
    /// A file is in clear, in an encrypted fleet.
    Unsealed,
    /// A file is encrypted with a key that is not here.
    OtherKey,
    /// A file is encrypted with a key that was replaced.
    FormerKey,
    /// A file is encrypted in a way that this version does not know.
    LaterSealing,
    /// A file is encrypted for another path.
    Moved,
    /// Something in a file is not authentic.
    NotAuthentic,
    /// Git refuses the file's name.
    BadName,
    /// Another tool or a later version wrote it.
    Other(String),
}

/// What an entry of the conflict log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concern {
    /// A join: nothing is wrong.
    Join,
    /// A session, all of whose requests count.
    Session,
    /// A file, of which something was left out.
    File,
    /// Only another tool or a later version knows.
    Unknown,
}

/// Each code with its text.
const TEXTS: [(Code, &str); 17] = [
    (Code::Joined, "joined"),
    (Code::UnequalRecords, "unequal-records"),
    (Code::Checksum, "checksum"),
    (Code::DamagedLines, "damaged-lines"),
    (Code::TooLarge, "too-large"),
    (Code::TooManySessions, "too-many-sessions"),
    (Code::TooManyMachines, "too-many-machines"),
    (Code::Malformed, "malformed"),
    (Code::NewerVersion, "newer-version"),
    (Code::Misplaced, "misplaced"),
    (Code::Unsealed, "unsealed"),
    (Code::OtherKey, "other-key"),
    (Code::FormerKey, "former-key"),
    (Code::LaterSealing, "later-sealing"),
    (Code::Moved, "moved"),
    (Code::NotAuthentic, "not-authentic"),
    (Code::BadName, "bad-name"),
];

impl Code {
    /// The text of a code that this version knows.
    pub(crate) fn known_text(&self) -> Option<&'static str> {
        let mut texts = TEXTS.iter();
        texts.find(|(code, _)| code == self).map(|(_, text)| *text)
    }

    /// What its entries are about.
    pub(crate) fn concern(&self) -> Concern {
        match self {
            Self::Joined => Concern::Join,
            Self::UnequalRecords | Self::Checksum => Concern::Session,
            Self::DamagedLines
            | Self::TooLarge
            | Self::TooManySessions
            | Self::TooManyMachines
            | Self::Malformed
            | Self::NewerVersion
            | Self::Misplaced
            | Self::Unsealed
            | Self::OtherKey
            | Self::FormerKey
            | Self::LaterSealing
            | Self::Moved
            | Self::NotAuthentic
            | Self::BadName => Concern::File,
            Self::Other(_) => Concern::Unknown,
        }
    }

    /// The text in files.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => known.known_text().unwrap_or_default(),
        }
    }

    /// Reads the text.
    pub(crate) fn parse(text: &str) -> Self {
        let known = TEXTS.iter().find(|(_, known)| *known == text);
        known.map_or_else(|| Self::Other(text.to_owned()), |(code, _)| code.clone())
    }
}

impl From<String> for Code {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Ord for Code {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An entry of the conflict log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Conflict {
    /// Why it is there.
    pub(crate) code: Code,
    /// The session or the path.
    pub(crate) subject: String,
    /// The ids of the machines concerned.
    pub(crate) machines: Vec<String>,
    /// How many requests or lines.
    pub(crate) count: u64,
}

impl Conflict {
    /// An entry about one machine.
    pub(crate) fn about(
        code: Code,
        subject: impl Into<String>,
        machine: &MachineId,
        count: u64,
    ) -> Self {
        Self {
            code,
            subject: subject.into(),
            machines: vec![machine.to_string()],
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, TEXTS};

    #[test]
    fn codes_are_read_as_they_are_written() {
        for (code, text) in TEXTS {
            assert_eq!((code.as_str(), Code::parse(text)), (text, code.clone()));
        }
        let other = Code::parse("of-a-later-version");
        assert_eq!(other.as_str(), "of-a-later-version");
        assert!(Code::Checksum < Code::Joined, "by their texts");
    }
}
