//! Finding transcripts: every `*.jsonl` below the folders that are read, each file once.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

/// A transcript, with what shows whether it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TranscriptFile {
    /// Its absolute path.
    pub(crate) path: PathBuf,
    /// Device and inode; zeros where the platform has none.
    pub(crate) identity: (u64, u64),
    /// Its length in bytes.
    pub(crate) size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// The working folder that names the project of all its lines; where there is none, each line's
    /// own does.
    pub(crate) working: Option<Arc<str>>,
}

impl TranscriptFile {
    /// Its path as text.
    fn text(&self) -> &OsStr {
        self.path.as_os_str()
    }
}

/// The transcripts, and what could not be looked through.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// Transcripts, sorted by path.
    pub(crate) files: Vec<TranscriptFile>,
    /// Folders that could not be listed, with the reason.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
}

/// Lists the transcripts below some folders, each with the working folder of its transcripts where
/// that is known. A folder that two names reach counts once, and so does a file.
pub(crate) fn below(folders: impl IntoIterator<Item = (PathBuf, Option<String>)>) -> Discovery {
    let mut walk = Walk::default();
    for (folder, working) in folders {
        walk.working = working.map(Arc::from);
        walk.resolve(&folder, 0);
    }
    // Paths compare by their parts, which takes long for tens of thousands.
    walk.files.sort_by(|a, b| a.text().cmp(b.text()));
    // Of two the later one stays.
    walk.files.dedup_by(|later, kept| {
        let is_same = later.text() == kept.text();
        if is_same {
            std::mem::swap(later, kept);
        }
        is_same
    });
    walk.unreadable.sort();
    walk.unreadable.dedup();
    Discovery {
        files: walk.files,
        unreadable: walk.unreadable,
    }
}

#[derive(Default)]
struct Walk {
    /// With resolved paths, so that links and loops count once.
    files: Vec<TranscriptFile>,
    folders: HashSet<PathBuf>,
    unreadable: Vec<(PathBuf, String)>,
    working: Option<Arc<str>>,
}

/// How the names of transcripts end.
const ENDING: &[u8] = b".jsonl";

/// The folder of what tools printed.
const RESULTS: &[u8] = b"tool-results";

/// For fewer projects, starting threads takes longer than they save.
const MANY: usize = 64;

/// Claude Code nests five deep; more is a loop of mounts or somebody else's tree.
const DEEPEST: usize = 32;

impl Walk {
    /// Looks through a folder that links may lead to.
    fn resolve(&mut self, folder: &Path, depth: usize) {
        match dunce::canonicalize(folder) {
            Ok(real) => self.folder(&real, depth),
            Err(error) => self.unreadable.push((folder.to_owned(), error.to_string())),
        }
    }

    /// Looks through a folder whose path has no link in it.
    fn folder(&mut self, folder: &Path, depth: usize) {
        if depth > DEEPEST || self.folders.contains(folder) {
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable.push((folder.to_owned(), error.to_string())),
        };
        self.folders.insert(folder.to_owned());
        let mut found = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => found.push(entry),
                Err(error) => self.unreadable.push((folder.to_owned(), error.to_string())),
            }
        }
        if depth == 0 && found.len() >= MANY {
            return self.all_at_once(&found);
        }
        for entry in found {
            self.entry(&entry, depth);
        }
    }

    /// Looks through many projects, each thread through some.
    fn all_at_once(&mut self, entries: &[DirEntry]) {
        let begin = || Self {
            folders: self.folders.clone(),
            working: self.working.clone(),
            ..Self::default()
        };
        let walks: Vec<Self> = entries
            .par_iter()
            .fold(begin, |mut walk, entry| {
                walk.entry(entry, 0);
                walk
            })
            .collect();
        for walk in walks {
            self.files.extend(walk.files);
            self.folders.extend(walk.folders);
            self.unreadable.extend(walk.unreadable);
        }
    }

    fn entry(&mut self, entry: &DirEntry, depth: usize) {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_transcript = name.len() > ENDING.len()
            && name.ends_with(ENDING)
            && name != b"journal.jsonl"
            && name != b"audit.jsonl";
        let kind = entry.file_type();
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
            // The folder's path is resolved, so that of what is no link is too.
            if name != RESULTS {
                self.folder(&entry.path(), depth + 1);
            }
            return;
        }
        if kind.is_ok_and(|kind| kind.is_file()) {
            if is_transcript && let Ok(meta) = entry.metadata() {
                let file = self.describe(entry.path(), &meta);
                self.files.push(file);
            }
            return;
        }
        // Following links: people move project folders to other disks.
        let path = entry.path();
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() && name != RESULTS => self.resolve(&path, depth + 1),
            Ok(meta) if meta.is_file() && is_transcript => {
                let real = dunce::canonicalize(&path).unwrap_or(path);
                let file = self.describe(real, &meta);
                self.files.push(file);
            }
            // Pipes and devices are no transcripts, and a dangling link is nothing.
            _ => {}
        }
    }

    fn describe(&self, path: PathBuf, meta: &fs::Metadata) -> TranscriptFile {
        let modified = meta
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified
            .and_then(|age| i64::try_from(age.as_nanos()).ok())
            .unwrap_or(0);
        TranscriptFile {
            path,
            identity: identity(meta),
            size: meta.len(),
            modified,
            working: self.working.clone(),
        }
    }
}

#[cfg(unix)]
fn identity(meta: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_transcript_counts_once_however_many_projects_and_links_there_are() {
        for projects in [3, MANY + 10] {
            let folder = tempfile::tempdir().expect("a folder");
            let root = folder.path().canonicalize().expect("resolved");
            for number in 0..projects {
                let project = root.join(format!("p{number:03}"));
                fs::create_dir_all(project.join("session/subagents")).expect("made");
                fs::write(project.join("a.jsonl"), "").expect("written");
                fs::write(project.join("session/subagents/b.jsonl"), "").expect("written");
                fs::write(project.join("journal.jsonl"), "").expect("written");
                symlink(&root, project.join("all")).expect("linked");
            }
            symlink(root.join("p001"), root.join("other")).expect("linked");
            symlink(root.join("p002/a.jsonl"), root.join("c.jsonl")).expect("linked");
            let found = below([(root, None)]);
            let paths: Vec<_> = found.files.iter().map(TranscriptFile::text).collect();
            assert_eq!(paths.len(), 2 * projects);
            assert!(paths.is_sorted());
            assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
        }
    }
}
