//! The file of the fleet's key: outside the repository, for its owner alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::durable;
use crate::base::key::Key;

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else, or was mistyped.
    #[error("{} holds no key of claude-sync", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] durable::WriteError),
    /// There is another one.
    #[error("there is another key already, {mark}, in {}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// Its key's mark.
        mark: String,
    },
}

/// Reads the key; none where there is no file.
pub fn read(path: &Path) -> Result<Option<Key>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => Key::parse(&text)
            .map(Some)
            .ok_or_else(|| KeyError::Invalid {
                path: path.to_owned(),
            }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a key where there is none, readable by its owner alone. One that is there is never written over: what it sealed would be lost.
pub fn write(path: &Path, key: &Key) -> Result<(), KeyError> {
    match read(path)? {
        Some(there) if there == *key => Ok(()),
        Some(there) => Err(KeyError::Other {
            path: path.to_owned(),
            mark: there.mark(),
        }),
        None => Ok(durable::write(
            path,
            format!("{}\n", key.text()).as_bytes(),
        )?),
    }
}
