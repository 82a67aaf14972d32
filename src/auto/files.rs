//! Deleting files that automatic sync wrote.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::error::AutoError;
use crate::store::durable::WriteError;

/// Deletes a file. A missing file is not an error.
pub(crate) fn delete(path: &Path) -> Result<(), AutoError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(WriteError {
            path: path.to_owned(),
            source,
        }
        .into()),
        _ => Ok(()),
    }
}
