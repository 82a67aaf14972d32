//! What lies on disk is for its owner alone: folders 0700, files 0600, programs 0700, with any
//! umask.
//!
//! The process itself and the git that it runs write so because of the umask that [`restrict`]
//! sets, and a git that somebody runs by hand because of `core.sharedRepository` in the clone. What
//! the user's own programs write (hooks, editors, a remote on this machine) is theirs:
//! [`user_command`] starts them with the umask that they would have had.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::places::Places;

/// The umask that the process was started with.
#[cfg(unix)]
static USERS: std::sync::OnceLock<rustix::fs::Mode> = std::sync::OnceLock::new();

/// Bits by which others than the owner reach a file.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Has everything that this process and its children write readable by the owner alone. Once, at
/// the start, before there are threads.
pub(crate) fn restrict() {
    #[cfg(unix)]
    {
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let _ = USERS.set(before);
    }
}

/// Takes [`restrict`] back, for a command that writes nothing about anybody.
pub(crate) fn release() {
    #[cfg(unix)]
    if let Some(mask) = USERS.get() {
        rustix::process::umask(*mask);
    }
}

/// A command for a program of the user's, which writes files as if the user had started it.
pub(crate) fn user_command(program: &Path) -> Command {
    #[cfg(unix)]
    if let Some(mask) = USERS.get().map(|mask| mask.as_raw_mode())
        && mask & 0o077 != 0o077
    {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("umask {mask:04o} && exec \"$@\""))
            .arg("sh")
            .arg(program);
        return command;
    }
    Command::new(program)
}

/// Makes a folder of ours, and those above it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens a file of ours for reading and writing, made if it is not there. A link in its place is an
/// error: what it leads to is not ours.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        options.mode(0o600).custom_flags(flags);
    }
    if fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_symlink()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a link: delete it, and nothing is lost",
        ));
    }
    options.open(path)
}

/// Our folders and files, as far as they are there; of folders all that is in them is ours.
fn own(places: &Places) -> Vec<PathBuf> {
    let host = places.machine_id.with_file_name("machine_id.host");
    let files = [places.key.clone(), places.machine_id.clone(), host];
    named(places)
        .into_iter()
        .chain(
            files
                .into_iter()
                .filter_map(|path| fs::canonicalize(path).ok()),
        )
        .collect()
}

/// The folders among them: what is in these names projects.
fn named(places: &Places) -> Vec<PathBuf> {
    let all = [
        Some(places.repo.clone()),
        Some(places.state.clone()),
        places.config.parent().map(Path::to_owned),
    ];
    // A link means that the user keeps it elsewhere.
    all.into_iter()
        .flatten()
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect()
}

/// Up to `most` folders and files of ours that others than their owner can read or change, the
/// outer ones first. What lies in a folder that they cannot enter is none of them, with any
/// permissions of its own.
pub(crate) fn open_to_others(places: &Places, most: usize) -> Vec<PathBuf> {
    let mut out = Vec::new();
    walk(named(places), false, &mut |path| {
        out.push(path.to_owned());
        out.len() < most
    });
    out
}

/// Whether the folders and files that shut off all others are open to others. A look at these is a
/// matter of microseconds.
pub(crate) fn is_open(places: &Places) -> bool {
    let index = places.state.join("index.sqlite");
    let inside = [
        places.repo.join(".git"),
        places.repo.join(".git/config"),
        index,
    ];
    own(places)
        .into_iter()
        .chain(inside)
        .any(|path| super::space::is_open_to_others(&path))
}

/// Shuts others off from all folders and files of ours. Returns of how many.
pub(crate) fn close(places: &Places) -> usize {
    close_all(own(places))
}

/// Shuts others off from a folder and all that is in it. Returns of how many files and folders.
pub(crate) fn close_folder(path: &Path) -> usize {
    close_all(fs::canonicalize(path).into_iter().collect())
}

/// Gives a new folder, and all that is in it, the permissions of the folder that it takes the place
/// of.
#[cfg(unix)]
pub(crate) fn open_folder(path: &Path, shown: &fs::Permissions) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let (folders, files) = (shown.mode() & 0o7777, shown.mode() & 0o666);
    let mut todo = vec![path.to_owned()];
    while let Some(path) = todo.pop() {
        let is_folder = fs::symlink_metadata(&path)?.is_dir();
        if is_folder {
            fs::read_dir(&path)?
                .try_for_each(|entry| entry.map(|entry| todo.push(entry.path())))?;
        }
        fs::set_permissions(
            &path,
            fs::Permissions::from_mode(if is_folder { folders } else { files }),
        )?;
    }
    Ok(())
}

/// Elsewhere folders hand their permissions down.
#[cfg(not(unix))]
pub(crate) fn open_folder(_: &Path, _: &fs::Permissions) -> io::Result<()> {
    Ok(())
}

fn close_all(paths: Vec<PathBuf>) -> usize {
    let mut closed = 0;
    walk(paths, true, &mut |path| {
        // What belongs to somebody else stays as it is: that is reported elsewhere.
        closed += usize::from(close_one(path).is_ok());
        true
    });
    closed
}

#[cfg(unix)]
fn close_one(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::symlink_metadata(path)?.permissions().mode();
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777 & !OTHERS))
}

#[cfg(not(unix))]
fn close_one(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Shows what is open to others by its own permissions, folders before what is in them, until
/// `show` has seen enough; with `all` also what lies in folders that shut them off. Links are not
/// followed.
#[cfg(unix)]
fn walk(mut todo: Vec<PathBuf>, all: bool, show: &mut dyn FnMut(&Path) -> bool) {
    use std::os::unix::fs::PermissionsExt as _;
    todo.reverse();
    while let Some(path) = todo.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if !(meta.is_dir() || meta.is_file()) {
            continue;
        }
        let is_open = meta.permissions().mode() & OTHERS != 0;
        if is_open && !show(&path) {
            return;
        }
        if meta.is_dir() && (is_open || all) {
            todo.extend(
                fs::read_dir(&path)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path()),
            );
        }
    }
}

/// Elsewhere the home folder's permissions hold.
#[cfg(not(unix))]
fn walk(_: Vec<PathBuf>, _: bool, _: &mut dyn FnMut(&Path) -> bool) {}
