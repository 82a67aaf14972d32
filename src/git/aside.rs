//! Moves damaged objects, packs and refs to a folder of their own in `.git`: nothing is deleted
//! that somebody may still read.

use std::fs;
use std::path::{Path, PathBuf};

use super::process::Git;
use super::repo::Repo;

/// The folder in `.git` that keeps what was damaged.
pub(crate) const ASIDE: &str = "claude-sync-damaged";

/// Endings of the files beside a pack, which mean nothing without it.
const BESIDE_PACKS: [&str; 6] = ["idx", "rev", "mtimes", "bitmap", "promisor", "keep"];

impl Repo {
    /// Moves loose objects aside that cannot be read whole. Git takes them for what they are named
    /// after, also when they are fetched again.
    pub(super) fn set_aside_loose(&self) -> u64 {
        let Ok(odb) = self.inner.odb() else { return 0 };
        let mut count = 0;
        for (oid, path) in self.loose_files() {
            let whole = self.check(oid).and_then(|()| odb.read(oid).map(drop));
            if whole.is_err() {
                count += u64::from(self.set_aside(&path, &oid.to_string()));
            }
        }
        count
    }

    /// Moves packs aside that are damaged, and unpacks what can still be read of them.
    pub(super) fn set_aside_packs(&self, process: &Git) -> u64 {
        let mut count = 0;
        let packs = fs::read_dir(self.common_folder().join("objects/pack"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path());
        for pack in packs
            .filter(|path| path.extension().is_some_and(|end| end == "pack"))
            .collect::<Vec<_>>()
        {
            let index = pack.with_extension("idx").display().to_string();
            if process.run(self.path(), &["verify-pack", &index]).is_ok() {
                continue;
            }
            let name = pack
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            for end in BESIDE_PACKS {
                self.set_aside(&pack.with_extension(end), &format!("{name}.{end}"));
            }
            if self.set_aside(&pack, &format!("{name}.pack")) {
                count += 1;
                // It fails for each object that it cannot read; what it could read is here.
                let _ = process.run_with_input(
                    self.path(),
                    &["unpack-objects", "-q", "-r"],
                    &self.aside().join(format!("{name}.pack")),
                );
            }
        }
        count
    }

    /// Writes down what a ref was that leads to nothing.
    pub(super) fn keep_aside(&self, name: &str, text: &str) {
        let path = self.aside().join(name);
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, text);
    }

    fn aside(&self) -> PathBuf {
        self.common_folder().join(ASIDE)
    }

    pub(super) fn set_aside(&self, path: &Path, name: &str) -> bool {
        path.exists()
            && fs::create_dir_all(self.aside()).is_ok()
            && fs::rename(path, self.aside().join(name)).is_ok()
    }
}
