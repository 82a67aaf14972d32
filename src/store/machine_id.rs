//! This machine's id, in `machine_id` of the Claude configuration folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::durable::{self, WriteError};
use crate::base::ids::{MachineId, MachineIdError};

/// The id is not there or not usable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdError {
    /// The file holds something else.
    #[error("{} holds no machine id", path.display())]
    Invalid {
        /// Its path on disk.
        path: PathBuf,
        /// What is wrong with the id in it.
        source: MachineIdError,
    },
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// Its path on disk.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Reads the id; none where there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<MachineId>, IdError> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            MachineId::parse(&text)
                .map(Some)
                .map_err(|source| IdError::Invalid {
                    path: path.to_owned(),
                    source,
                })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Whether this computer is the one that the id was made on, or was adopted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// It is, as far as is known.
    Same,
    /// The id came here by a copied home, a restored backup or an image.
    Other,
}

/// The file beside the id that remembers whose it is.
fn host_path(path: &Path) -> PathBuf {
    path.with_file_name("machine_id.host")
}

/// Whether the id is known to be another computer's. Unlike [`check_host`] this writes nothing.
pub(crate) fn is_anothers(path: &Path, fingerprint: &str) -> bool {
    let known = fs::read_to_string(host_path(path)).unwrap_or_default();
    !fingerprint.is_empty() && !known.trim().is_empty() && known.trim() != fingerprint
}

/// Compares this computer with the one that the id belongs to. An id that belongs to none yet is
/// taken for this one.
pub(crate) fn check_host(path: &Path, fingerprint: &str) -> Result<Host, IdError> {
    if fingerprint.is_empty() {
        return Ok(Host::Same);
    }
    let place = host_path(path);
    match fs::read_to_string(&place) {
        Ok(known) if known.trim() == fingerprint => Ok(Host::Same),
        Ok(known) if !known.trim().is_empty() => Ok(Host::Other),
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(IdError::Read {
            path: place,
            source,
        }),
        _ => adopt(path, fingerprint).map(|()| Host::Same),
    }
}

/// Makes the id this computer's.
pub(crate) fn adopt(path: &Path, fingerprint: &str) -> Result<(), IdError> {
    Ok(durable::write(
        &host_path(path),
        format!("{fingerprint}\n").as_bytes(),
    )?)
}

/// Makes a new id, for this computer.
pub(crate) fn renew(path: &Path, fingerprint: &str) -> Result<MachineId, IdError> {
    let id = MachineId::random();
    // The fingerprint first: between the two writes the old id is merely called this computer's.
    adopt(path, fingerprint)?;
    durable::write(path, format!("{id}\n").as_bytes())?;
    Ok(id)
}

/// Writes an id that this machine had before.
pub(crate) fn write(path: &Path, id: &MachineId) -> Result<(), IdError> {
    Ok(durable::write(path, format!("{id}\n").as_bytes())?)
}

/// Reads the id, or makes one and keeps it. The flag is set where it is new.
pub(crate) fn read_or_create(path: &Path) -> Result<(MachineId, bool), IdError> {
    if let Some(id) = read(path)? {
        return Ok((id, false));
    }
    let id = MachineId::random();
    write(path, &id)?;
    Ok((id, true))
}
