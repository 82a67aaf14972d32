//! What a push would break, as it is named to the user.

use std::fmt;

use crate::base::text::{count, printable};
use crate::git::Oid;
use crate::store::layout::MANIFEST;

/// One thing that a push would break.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breach {
    /// Records, summary lines, claims or decisions would be gone or lowered.
    Lost {
        /// Its path in the repository.
        path: String,
        /// How many of them.
        what: u64,
    },
    /// A file that could be read could be read no more.
    Unreadable {
        /// Its path in the repository.
        path: String,
    },
    /// Conflict markers or broken lines would come in.
    Damaged {
        /// Its path in the repository.
        path: String,
        /// The number of lines.
        lines: u64,
    },
    /// Checksums would fail that did not.
    Checksum {
        /// Its path in the repository.
        path: String,
        /// In how many sessions.
        sessions: u64,
    },
    /// The manifest would not be computed from the files beside it.
    Manifest,
    /// Something that is no sync data.
    Foreign {
        /// Its path in the repository.
        path: String,
    },
    /// The remote has commits that are not here.
    Unseen {
        /// The full name of the ref.
        name: String,
    },
    /// Forgotten data would come back, or into the history.
    Forgotten {
        /// The commit that has it.
        commit: Oid,
        /// The first file with it.
        path: String,
    },
    /// A history would come back that was replaced when the branch was compacted.
    Replaced {
        /// The commit that begins it.
        commit: Oid,
    },
    /// A file would leave in clear, and the fleet is encrypted.
    Clear {
        /// The commit that has it.
        commit: Oid,
        /// Its path in the repository.
        path: String,
    },
    /// Another user's machine.
    Forged {
        /// Its path in the repository.
        path: String,
        /// The user that the server maps the machine to.
        owner: String,
    },
}

impl Breach {
    /// The path that it is about.
    fn place(&self) -> String {
        match self {
            Self::Lost { path, .. }
            | Self::Unreadable { path }
            | Self::Damaged { path, .. }
            | Self::Checksum { path, .. }
            | Self::Foreign { path }
            | Self::Forgotten { path, .. }
            | Self::Clear { path, .. }
            | Self::Forged { path, .. } => printable(path, 200),
            Self::Unseen { name } => printable(name, 200),
            Self::Replaced { commit } => format!("commit {commit:.10}"),
            Self::Manifest => MANIFEST.to_owned(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place())?;
        match self {
            Self::Lost { what, .. } => {
                write!(f, "{} would be lost or lowered", count(*what, "record"))
            }
            Self::Unreadable { .. } => f.write_str("would not be readable any more"),
            Self::Damaged { lines, .. } => {
                let lines = count(*lines, "line");
                write!(f, "{lines} that are no records, such as conflict markers")
            }
            Self::Checksum { sessions, .. } => {
                write!(f, "checksums would fail in {}", count(*sessions, "session"))
            }
            Self::Manifest => f.write_str("would not match the files beside it"),
            Self::Foreign { .. } => f.write_str("is no sync data"),
            Self::Unseen { .. } => {
                f.write_str("the remote has commits that were never fetched here")
            }
            Self::Forgotten { commit, .. } => {
                write!(f, "commit {commit:.10} has data that was forgotten")
            }
            Self::Replaced { .. } => {
                f.write_str("begins the history of before the branch was compacted")
            }
            Self::Clear { commit, .. } => write!(
                f,
                "commit {commit:.10} has it in clear, and this fleet is encrypted"
            ),
            Self::Forged { owner, .. } => {
                write!(f, "belongs to a machine of {}", printable(owner, 200))
            }
        }
    }
}
