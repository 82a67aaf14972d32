//! The file of the fleet's key: outside the repository, for its owner alone.
//!
//! Its first line is the key. Keys that it replaced follow, the latest first, each behind the word
//! `former`: they open what this machine had before the key changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::durable;
use crate::base::key::Key;

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// Its path on disk.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It holds something else, or was mistyped.
    #[error("{} holds no key of claude-sync", path.display())]
    Invalid {
        /// Its path on disk.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] durable::WriteError),
    /// There is another one.
    #[error("there is another key already, {mark}, in {}", path.display())]
    Other {
        /// Its path on disk.
        path: PathBuf,
        /// Its key's mark.
        mark: String,
    },
}

/// How the line of a former key begins.
const FORMER: &str = "former ";

fn parse(text: &str) -> Option<Key> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = Key::parse(lines.next()?)?;
    let former: Option<Vec<Key>> = lines
        .map(|line| Key::parse(line.strip_prefix(FORMER)?))
        .collect();
    Some(former?.iter().rev().fold(first, Key::replacing))
}

fn text(key: &Key) -> String {
    key.former()
        .fold(format!("{}\n", key.text()), |text, former| {
            text + FORMER + &former.text() + "\n"
        })
}

/// Reads the key; none where there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Key>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text).map(Some).ok_or_else(|| KeyError::Invalid {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a key where there is none, readable by its owner alone. One that is there is never
/// written over: what it sealed would be lost.
pub(crate) fn write(path: &Path, key: &Key) -> Result<(), KeyError> {
    match read(path)? {
        Some(there) if there.is(key) => Ok(()),
        Some(there) => Err(KeyError::Other {
            path: path.to_owned(),
            mark: there.mark(),
        }),
        None => Ok(durable::write(path, text(key).as_bytes())?),
    }
}

/// Puts a key in the place of the one that is there, which is kept as a former one.
pub(crate) fn replace(path: &Path, key: &Key) -> Result<Key, KeyError> {
    let new = match read(path)? {
        Some(there) if there.is(key) => return Ok(there),
        Some(there) => key.clone().replacing(&there),
        None => key.clone(),
    };
    durable::write(path, text(&new).as_bytes())?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_replaced_is_kept() {
        let keys: Vec<Key> = (0..3).map(|_| Key::random().expect("randomness")).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        write(&path, &keys[0]).expect("written");
        assert!(matches!(
            write(&path, &keys[1]),
            Err(KeyError::Other { .. })
        ));
        for key in &keys[1..] {
            replace(&path, key).expect("written");
        }
        let there = read(&path).expect("reads").expect("a key");
        let marks: Vec<String> = there.former().map(|key| key.mark()).collect();
        assert_eq!(
            (there.mark(), marks),
            (keys[2].mark(), vec![keys[1].mark(), keys[0].mark()])
        );
        // One that comes back is no former one of itself.
        let back = replace(&path, &keys[1]).expect("written");
        assert_eq!(
            back.former().map(|key| key.mark()).collect::<Vec<_>>(),
            [keys[2].mark(), keys[0].mark()]
        );
        assert_eq!(read(&path).expect("reads"), Some(back));
    }
}
