//! Files that the user names for the output of a command.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::error::CliError;
use super::exit;
use crate::store::durable::{self, WriteError};

/// Writes a file. A regular file is replaced as a whole; a device or pipe is written to.
pub(crate) fn write_file(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u8, CliError> {
    let written = match fs::metadata(path) {
        Ok(existing) if !existing.is_file() && !existing.is_dir() => write_to(path, content),
        _ => durable::write_with(path, content),
    };
    written
        .map_err(|error| CliError::output(&error, "choose a file in a folder of yours"))
        .map(|()| exit::OK)
}

/// Writes to a device or pipe.
fn write_to(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let file = File::options().write(true).open(path).map(BufWriter::new);
    file.and_then(|mut to| content(&mut to).and_then(|()| to.flush()))
        .map_err(|source| WriteError {
            path: path.to_owned(),
            source,
        })
}
