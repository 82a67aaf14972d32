//! One run at a time on one machine, and what a run that did not end left behind.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::private;
use crate::base::text::printable;

/// How often a waiting run looks again.
const AGAIN: Duration = Duration::from_millis(50);

/// How long a lock is waited for whose holder is gone: a process that it was just starting may
/// still be dying.
const DYING: Duration = Duration::from_secs(5);

/// Held until dropped, or until the process ends in any way: the kernel releases it.
///
/// The file's text is a journal as well: it names the process that runs, and is emptied when the
/// run ends, well or not. Text that is there when the lock is free was left by a run that was
/// killed, or that the power left: it is flushed before anything else is written.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    killed: Option<SystemTime>,
}

impl Lock {
    /// When the run before this one began, if it was killed and nobody cleared away what it left.
    pub(crate) fn killed(&self) -> Option<SystemTime> {
        self.killed
    }

    /// What the killed run left is gone.
    pub(crate) fn cleared(&mut self) {
        if self.killed.take().is_some() {
            // If that fails, the next run looks for locks that are not there.
            let _ = self.file.set_modified(SystemTime::now());
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If that fails, the next run looks for locks that are not there.
        let _ = self.file.set_len(0);
    }
}

/// The lock was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another run holds it.
    #[error("another claude-sync is running{}", if holder.is_empty() { String::new() } else { format!(" ({holder})") })]
    Held {
        /// Its process id and start, as it wrote them; empty where it has only just begun.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("failed to lock {}", path.display())]
    Io {
        /// Its path in the state folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Takes the lock in the state folder, waiting for its holder no longer than `wait`. `label` names
/// the holder to others.
pub(crate) fn acquire(state: &Path, label: &str, wait: Duration) -> Result<Lock, LockError> {
    let path = state.join("lock");
    let fail = |source| LockError::Io {
        path: path.clone(),
        source,
    };
    private::make_folder(state).map_err(fail)?;
    let mut file = private::open_file(&path).map_err(fail)?;
    take(&file, &path, wait).map_err(|error| match error {
        Refused::Held(holder) => LockError::Held { holder },
        Refused::Io(source) => fail(source),
    })?;
    let left = file.metadata().map_err(fail)?;
    let killed = if left.len() > 0 {
        left.modified().ok()
    } else {
        None
    };
    let noted = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(label.as_bytes()))
        .and_then(|()| file.sync_data());
    // If this run is killed as well before it cleared things away, the next one must still know how
    // long ago it began.
    noted
        .and_then(|()| killed.map_or(Ok(()), |killed| file.set_modified(killed)))
        .map_err(fail)?;
    if cfg!(windows) {
        // Without it, others learn that a run goes on, and not which.
        let _ = std::fs::write(note(&path), label);
    }
    Ok(Lock { file, killed })
}

/// Why a lock was not taken.
enum Refused {
    /// Another process has it. With what that wrote about itself.
    Held(String),
    Io(io::Error),
}

/// Waits for the lock on a file.
fn take(file: &File, path: &Path, wait: Duration) -> Result<(), Refused> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < wait => {
                std::thread::sleep(AGAIN.min(wait));
            }
            Err(TryLockError::WouldBlock) => {
                let holder = holder(file, path);
                if is_gone(&holder) && began.elapsed() < wait.saturating_add(DYING) {
                    std::thread::sleep(AGAIN);
                    continue;
                }
                return Err(Refused::Held(printable(holder.trim(), 200)));
            }
            Err(TryLockError::Error(source)) => return Err(Refused::Io(source)),
        }
    }
}

/// What the holder of a lock wrote about itself, unescaped.
fn holder(mut file: &File, path: &Path) -> String {
    let mut text = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(200).read_to_string(&mut text).map(drop));
    if read.is_err() {
        text = noted(path);
    }
    text
}

/// Where the holder of a lock is noted once more: nobody else reads a locked file of Windows.
fn note(lock: &Path) -> PathBuf {
    lock.with_extension("holder")
}

/// What the holder of a lock noted about itself.
fn noted(lock: &Path) -> String {
    let mut text = String::new();
    let read = File::open(note(lock)).and_then(|file| file.take(200).read_to_string(&mut text));
    read.map(|_| text).unwrap_or_default()
}

/// Whether the process that a label names has ended.
#[cfg(unix)]
fn is_gone(label: &str) -> bool {
    let pid = label
        .strip_prefix("pid ")
        .and_then(|rest| rest.split(',').next())
        .and_then(|pid| pid.parse().ok());
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Elsewhere a process that is being started holds no lock of the one that starts it.
#[cfg(not(unix))]
fn is_gone(_: &str) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_where_its_lock_cannot_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        assert_eq!(noted(&path), "");
        std::fs::write(note(&path), "pid 7, since noon").expect("written");
        // A file that is open for writing alone cannot be read, as a locked one of Windows.
        let file = File::create(&path).expect("made");
        assert_eq!(holder(&file, &path), "pid 7, since noon");
    }
}
