//! This machine's id, in `machine_id` of the Claude configuration folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::durable::{self, WriteError};
use crate::base::ids::{MachineId, MachineIdError};

/// The id is not there or not usable.
#[derive(Debug, thiserror::Error)]
pub enum IdError {
    /// The file holds something else.
    #[error("{} holds no machine id", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What it holds.
        source: MachineIdError,
    },
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Reads the id; none where there is no file.
pub fn read(path: &Path) -> Result<Option<MachineId>, IdError> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            MachineId::parse(&text).map(Some).map_err(|source| IdError::Invalid { path: path.to_owned(), source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdError::Read { path: path.to_owned(), source }),
    }
}

/// Reads the id, or makes one and keeps it. The flag says whether it is new.
pub fn read_or_create(path: &Path) -> Result<(MachineId, bool), IdError> {
    if let Some(id) = read(path)? {
        return Ok((id, false));
    }
    let id = MachineId::random();
    durable::write(path, format!("{id}\n").as_bytes())?;
    Ok((id, true))
}
