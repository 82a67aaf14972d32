//! Why data in the repository cannot be read, joined or counted.

use crate::format::FormatError;
use crate::git::repo::RepoError;

/// Data in the repository could not be read, joined or counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    /// The front page could not be drawn.
    #[error("failed to draw the front file: {0}")]
    Front(String),
    /// An object cannot be read or written.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// A file must not be written over.
    #[error("failed to join {path}")]
    Format {
        /// Its path in the repository.
        path: String,
        /// What is wrong with its content.
        source: FormatError,
    },
}
