//! Which folders are read for transcripts: Claude Code's profiles, the desktop app's tasks, and
//! what the user names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::desktop;
use super::discover::{Discovery, below};
use super::pattern;
use super::read::last_usage;
use crate::base::time::Timestamp;

/// Where to look beside Claude Code's profiles. All of it is values: the command line reads the
/// environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Search {
    /// The home folder, for folders that nobody named; none where they are not looked for.
    pub(crate) home: Option<PathBuf>,
    /// `transcripts.folders`: what the user wrote, and the pattern that it stands for.
    pub(crate) settings: Vec<(String, PathBuf)>,
    /// The desktop app's data folders, as patterns.
    pub(crate) desktop: Vec<PathBuf>,
    /// Profiles of the computer's other system, as patterns: Windows as WSL sees it, or WSL as
    /// Windows does.
    pub(crate) other_system: Vec<PathBuf>,
    /// `transcripts.wsl`: read those too.
    pub(crate) wsl: bool,
}

/// Why a folder is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// A profile of Claude Code: the default one, or one that `CLAUDE_CONFIG_DIR` names or named.
    Profile,
    /// `transcripts.folders` names it.
    Setting,
    /// The desktop app keeps its tasks there.
    Desktop,
    /// It belongs to the computer's other system.
    OtherSystem,
}

impl Source {
    /// The word in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Setting => "setting",
            Self::Desktop => "desktop",
            Self::OtherSystem => "other-system",
        }
    }
}

/// A folder that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    /// What people know it by.
    pub(crate) path: PathBuf,
    /// Why it is read.
    pub(crate) source: Source,
    /// The folders in it that hold transcripts, each with the working folder that names its project
    /// where the lines' own does not.
    pub(crate) roots: Vec<(PathBuf, Option<String>)>,
}

/// What is known about the transcripts of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extent {
    /// How many there are.
    pub(crate) files: u64,
    /// When the newest was last written.
    pub(crate) newest: Option<Timestamp>,
    /// The last request in the newest files.
    pub(crate) last_usage: Option<Timestamp>,
}

/// The folders that are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Folders {
    /// Each once, in the order in which they were named.
    pub(crate) folders: Vec<Folder>,
    /// Entries of `transcripts.folders` in which there are no transcripts.
    pub(crate) unmatched: Vec<String>,
}

impl Search {
    /// Finds the folders, given Claude Code's profiles. Of two names for one folder the first
    /// counts.
    pub(crate) fn folders(&self, profiles: &[PathBuf]) -> Folders {
        let mut out = Collecting::default();
        profiles
            .iter()
            .for_each(|profile| out.add(profile, Source::Profile));
        for (written, folder) in &self.settings {
            let mut any = false;
            for folder in pattern::folders(folder) {
                any |= holds_transcripts(&folder);
                out.add(&folder, Source::Setting);
            }
            if !any {
                out.found.unmatched.push(written.clone());
            }
        }
        self.desktop
            .iter()
            .flat_map(|data| pattern::folders(data))
            .for_each(|data| out.add(&data, Source::Desktop));
        if self.wsl {
            self.other_system
                .iter()
                .flat_map(|folder| pattern::folders(folder))
                .for_each(|folder| out.add(&folder, Source::OtherSystem));
        }
        out.found
    }

    /// Folders that look like Claude Code's and are not among those that are read.
    pub(crate) fn unread(&self, read: &Folders) -> Vec<PathBuf> {
        let known: BTreeSet<PathBuf> = read
            .folders
            .iter()
            .flat_map(|folder| &folder.roots)
            .filter_map(|(root, _)| real(root))
            .collect();
        let likely = self
            .home
            .iter()
            .flat_map(|home| [home.join(".claude*"), home.join(".config").join("claude*")]);
        let mut out: Vec<PathBuf> = Vec::new();
        for folder in likely
            .chain(self.other_system.iter().cloned())
            .flat_map(|likely| pattern::folders(&likely))
        {
            let roots = roots(&folder, false);
            let mut new = roots
                .iter()
                .filter(|(root, _)| real(root).is_some_and(|root| !known.contains(&root)));
            if new.any(|(root, _)| has_transcript(root, 0)) && !out.contains(&folder) {
                out.push(folder);
            }
        }
        out
    }
}

impl Folders {
    /// All transcripts in them.
    pub(crate) fn discover(&self) -> Discovery {
        below(
            self.folders
                .iter()
                .flat_map(|folder| folder.roots.iter().cloned()),
        )
    }
}

impl Folder {
    /// Looks at its transcripts.
    pub(crate) fn extent(&self) -> Extent {
        let mut files = below(self.roots.iter().cloned()).files;
        files.sort_by_key(|file| std::cmp::Reverse(file.modified));
        Extent {
            files: files.len() as u64,
            newest: files
                .first()
                .and_then(|file| Timestamp::from_millis(file.modified / 1_000_000)),
            // The newest file may hold a title and nothing else yet.
            last_usage: files
                .iter()
                .take(5)
                .filter_map(|file| last_usage(&file.path))
                .max(),
        }
    }
}

#[derive(Default)]
struct Collecting {
    found: Folders,
    known: BTreeSet<PathBuf>,
}

impl Collecting {
    fn add(&mut self, folder: &Path, source: Source) {
        let mut roots = roots(folder, source == Source::Setting);
        roots.retain(|(root, _)| real(root).is_some_and(|root| self.known.insert(root)));
        if !roots.is_empty() {
            self.found.folders.push(Folder {
                path: folder.to_owned(),
                source,
                roots,
            });
        }
    }
}

fn real(path: &Path) -> Option<PathBuf> {
    dunce::canonicalize(path).ok()
}

/// The folders with transcripts in a folder: a configuration folder of Claude Code's or the desktop
/// app's data; where the user named it, `projects` or a copy of it too.
fn roots(folder: &Path, named: bool) -> Vec<(PathBuf, Option<String>)> {
    let projects = folder.join("projects");
    if projects.is_dir() {
        return vec![(projects, None)];
    }
    let tasks = desktop::tasks(folder);
    if !tasks.is_empty() {
        return tasks;
    }
    if named
        && (folder.file_name().is_some_and(|name| name == "projects") || has_transcript(folder, 0))
    {
        return vec![(folder.to_owned(), None)];
    }
    Vec::new()
}

fn holds_transcripts(folder: &Path) -> bool {
    roots(folder, true)
        .iter()
        .any(|(root, _)| has_transcript(root, 0))
}

/// Whether there is a transcript in a folder of projects, or in one project.
fn has_transcript(folder: &Path, depth: usize) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|end| end == "jsonl")
            && path.is_file()
            && is_transcript_name(&path)
            || depth == 0 && path.is_dir() && has_transcript(&path, depth + 1)
    })
}

/// Claude Code keeps other lists beside `projects`.
fn is_transcript_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        name != "history.jsonl" && name != "journal.jsonl" && name != "audit.jsonl"
    })
}
