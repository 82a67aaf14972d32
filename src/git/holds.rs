//! Which paths of a tree this system's file system can hold. The tree carries all of them.

use std::collections::BTreeSet;

/// What a file system does to names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSystem {
    /// Some names and characters mean something else, or nothing: Windows.
    reserves: bool,
    /// Names that differ in case are one: Windows, macOS.
    pub(super) folds: bool,
}

impl FileSystem {
    /// That of this system, as it is set up usually.
    pub(super) const HERE: Self = Self {
        reserves: cfg!(windows),
        folds: cfg!(any(windows, target_os = "macos")),
    };

    /// Whether it can hold a path of git's.
    pub(super) fn holds(self, path: &str) -> bool {
        !self.reserves || path.split('/').all(is_plain)
    }
}

/// Paths that are in a work tree, and those that would be one with them.
#[derive(Debug)]
pub(super) struct Taken {
    system: FileSystem,
    paths: BTreeSet<String>,
}

impl Taken {
    /// With paths that are there.
    pub(super) fn new(system: FileSystem, paths: impl Iterator<Item = String>) -> Self {
        let fold = |path: String| path.to_lowercase();
        let paths = if system.folds {
            paths.map(fold).collect()
        } else {
            BTreeSet::new()
        };
        Self { system, paths }
    }

    /// Takes a path. False where the file system cannot hold it, or holds another under that name.
    pub(super) fn take(&mut self, path: &str) -> bool {
        self.system.holds(path) && (!self.system.folds || self.paths.insert(path.to_lowercase()))
    }
}

/// Devices of Windows, which no file can be named for, with any extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Whether Windows can hold a file or folder of this name.
fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c >= ' ' && !"<>:\"|?*\\".contains(c);
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_lowercase();
    let numbered = ["com", "lpt"].iter().any(|kind| {
        let number = stem.strip_prefix(kind).unwrap_or_default();
        number.chars().count() == 1
            && number.contains(|c: char| c.is_ascii_digit() || "¹²³".contains(c))
    });
    name.chars().all(allowed)
        && !name.ends_with(['.', ' '])
        && !numbered
        && !DEVICES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: FileSystem = FileSystem {
        reserves: true,
        folds: true,
    };

    #[test]
    fn names_that_windows_cannot_hold() {
        for path in [
            "aux",
            "AUX",
            "notes/aux.txt",
            "nul .md",
            "con",
            "COM1",
            "lpt9.log",
            "com¹",
            "conin$",
            "a:b",
            "a/b|c",
            "who?",
            "a*",
            "a\\b",
            "dot.",
            "space ",
            "folder./x",
            "tab\tname",
            "\"",
        ] {
            assert!(!WINDOWS.holds(path), "{path}");
            let linux = FileSystem {
                reserves: false,
                folds: false,
            };
            assert!(linux.holds(path), "{path}");
        }
        for path in [
            "auxiliary",
            "com",
            "com10",
            "lpt",
            "console",
            ".aux",
            "a.aux",
            "ä/b.txt",
            ".gitattributes",
            "sync/machines/a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b.json",
        ] {
            assert!(WINDOWS.holds(path), "{path}");
        }
    }

    #[test]
    fn of_two_names_that_differ_in_case_one_is_shown() {
        let mut taken = Taken::new(WINDOWS, ["Readme.md".to_owned()].into_iter());
        let asked = ["README.md", "docs/A", "Docs/a", "docs/b", "aux"];
        let shown: Vec<&str> = asked.into_iter().filter(|path| taken.take(path)).collect();
        assert_eq!(shown, ["docs/A", "docs/b"]);
        let linux = FileSystem {
            reserves: false,
            folds: false,
        };
        let mut taken = Taken::new(linux, ["Readme.md".to_owned()].into_iter());
        assert!(asked.iter().all(|path| taken.take(path)));
    }
}
