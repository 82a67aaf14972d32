//! The output of a command: a file that the user names, or standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::env::Env;
use super::error::CliError;
use super::exit;
use super::print::out;
use crate::base::text::printable;
use crate::store::durable::{self, WriteError};

/// The file of `-o FILE`. `None`: standard output, which `-` means too.
pub(crate) fn named(output: Option<&Path>) -> Option<&Path> {
    output.filter(|path| *path != Path::new("-"))
}

/// Writes a text to the file of `-o FILE` and prints its path, or prints the text.
pub(crate) fn deliver(output: Option<&Path>, env: &Env, text: &str) -> Result<u8, CliError> {
    let Some(path) = named(output) else {
        out(text);
        return Ok(exit::OK);
    };
    write_file(path, |out| out.write_all(text.as_bytes()))?;
    wrote(path, env);
    Ok(exit::OK)
}

/// Says where the output is: on standard error, so that nothing is between a program and what it
/// reads.
pub(crate) fn wrote(path: &Path, env: &Env) {
    if !env.quiet && env.attended {
        eprintln!("Wrote {}", printable(&path.display().to_string(), 400));
    }
}

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
