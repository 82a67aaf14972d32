//! Why a file is left out.

use super::conflict::Code;
use super::limits::MAX_FILE_SESSIONS;
use crate::base::json::FieldError;

/// Why a file is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormatError {
    /// Above the limit for its kind.
    #[error("it has {size} bytes; at most {most} are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        most: usize,
    },
    /// It has more sessions than are read.
    #[error("it has more than {MAX_FILE_SESSIONS} sessions")]
    TooManySessions,
    /// No JSON of the expected shape.
    #[error("{0}")]
    Malformed(String),
    /// A member is missing or has the wrong shape.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Written by a tool of a later major version.
    #[error("it has format version {0}, which is newer than the 1.x that this tool reads")]
    Newer(String),
    /// Its own machine or day is not that of its place.
    #[error("it states that it is the file of {0}")]
    Misplaced(String),
}

impl FormatError {
    /// The code under which a manifest names it.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::TooLarge,
            Self::TooManySessions => Code::TooManySessions,
            Self::Malformed(_) | Self::Field(_) => Code::Malformed,
            Self::Newer(_) => Code::NewerVersion,
            Self::Misplaced(_) => Code::Misplaced,
        }
    }
}

/// Checks a `version` member and returns its minor part.
pub(crate) fn check_version(version: &str) -> Result<u32, FormatError> {
    let parsed = version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parsed {
        Some((1, minor)) => Ok(minor),
        Some((major, _)) if major > 1 => Err(FormatError::Newer(crate::base::text::printable(
            version, 20,
        ))),
        _ => Err(FormatError::Malformed("its version is not 1.x".to_owned())),
    }
}
