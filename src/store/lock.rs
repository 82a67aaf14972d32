//! One run at a time on one machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Held until dropped, or until the process ends in whatever way: the kernel releases it.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "open as long as the lock is held")] File);

/// The lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("another claude-sync is running{}", if holder.is_empty() { String::new() } else { format!(" ({holder})") })]
    Held {
        /// Its process id and start, as it wrote them; empty where it has only just begun.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("failed to lock {}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Takes the lock in the state folder. `label` tells others who holds it.
pub fn acquire(state: &Path, label: &str) -> Result<Lock, LockError> {
    let path = state.join("lock");
    let fail = |source| LockError::Io { path: path.clone(), source };
    fs::create_dir_all(state).map_err(fail)?;
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.take(200).read_to_string(&mut holder);
            return Err(LockError::Held { holder: crate::base::text::printable(holder.trim(), 200) });
        }
        Err(TryLockError::Error(source)) => return Err(fail(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(label.as_bytes())).map_err(fail)?;
    Ok(Lock(file))
}
