//! What goes wrong in a repository.

use std::path::PathBuf;

use git2::{ErrorClass, ErrorCode, Oid};

use super::messages::GitError;
use crate::base::text::printable;
use crate::format::sealed::SealError;

/// Something went wrong in the repository.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// libgit2 cannot open it: no repository, or a kind that it does not know.
    #[error("failed to open the git repository {}", path.display())]
    Open {
        /// Where it should be.
        path: PathBuf,
        /// libgit2's error.
        source: git2::Error,
    },
    /// A part of `.git` is gone without which git does not work, or works on something else.
    #[error("the git repository {} is damaged: its {} is missing", path.display(), part)]
    Damaged {
        /// Its work tree.
        path: PathBuf,
        /// What is missing, below `.git`.
        part: &'static str,
    },
    /// There are several remotes, and none is the branch's.
    #[error("the branch {} has no remote of its own, and there are several: {}", printable(branch, 100), names.iter().take(5).map(|name| printable(name, 60)).collect::<Vec<_>>().join(", "))]
    WhichRemote {
        /// The name of the branch.
        branch: String,
        /// The names of all remotes.
        names: Vec<String>,
    },
    /// Another process works in the repository, or died there.
    #[error("failed to {what}: {reason}")]
    Locked {
        /// What was tried, to follow "failed to".
        what: String,
        /// The message of libgit2, escaped.
        reason: String,
    },
    /// An object is not here: this is a partial clone, or something was pruned. What it holds is
    /// unknown, which is not the same as unreadable.
    #[error("object {0} is missing here")]
    Missing(Oid),
    /// Anything else.
    #[error("failed to {what}")]
    Git {
        /// What was tried, to follow "failed to".
        what: String,
        /// libgit2's error.
        source: git2::Error,
    },
    /// A `git` process failed.
    #[error(transparent)]
    Process(#[from] GitError),
    /// A sealed file.
    #[error("failed to read an encrypted file")]
    Sealed(#[from] SealError),
    /// A flush failed.
    #[error("failed to flush {} to disk", path.display())]
    Flush {
        /// A path on the file system that was flushed.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

impl RepoError {
    /// Whether objects are missing or damaged here, so that another repository that has them can
    /// help.
    pub(crate) fn lacks_objects(&self) -> bool {
        match self {
            Self::Missing(_) => true,
            Self::Process(error) => error.is_damage_here(),
            Self::Git { source, .. } => match source.class() {
                ErrorClass::Odb => {
                    matches!(
                        source.code(),
                        ErrorCode::NotFound | ErrorCode::HashsumMismatch
                    ) || is_damage(source.message())
                }
                ErrorClass::Zlib => true,
                _ => is_damage(source.message()),
            },
            _ => false,
        }
    }
}

/// Whether a message of libgit2 reports a damaged object: its codes and classes do not show this
/// for all of them.
fn is_damage(message: &str) -> bool {
    [
        "is damaged",
        "corrupt",
        "inflate",
        "mismatch",
        "object not found",
        "Cannot retrieve reference target",
    ]
    .iter()
    .any(|word| message.contains(word))
}

/// The error of a call of libgit2, with what was tried.
pub(super) fn git<T>(what: &str, result: Result<T, git2::Error>) -> Result<T, RepoError> {
    result.map_err(|source| match source.code() {
        ErrorCode::Locked => RepoError::Locked {
            what: what.to_owned(),
            reason: printable(source.message(), 300),
        },
        _ => RepoError::Git {
            what: what.to_owned(),
            source,
        },
    })
}
