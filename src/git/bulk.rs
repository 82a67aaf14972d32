//! How much git has stored, and how untidily.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// What lies in a folder of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bulk {
    /// Objects that have a file of their own.
    pub(crate) loose: u64,
    /// Packs.
    pub(crate) packs: u64,
    /// The size of all files, in bytes.
    pub(crate) bytes: u64,
}

/// So many loose objects git leaves as they are, unless `gc.auto` is set.
pub(crate) const GC_AUTO: u64 = 6700;

/// Measures `.git/objects`. What cannot be looked at counts as nothing.
pub(crate) fn measure(objects: &Path) -> Bulk {
    let mut out = Bulk::default();
    for folder in fs::read_dir(objects).into_iter().flatten().flatten() {
        let is_loose = folder.file_name().len() == 2;
        for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let Some(meta) = file.metadata().ok().filter(Metadata::is_file) else {
                continue;
            };
            out.bytes = out.bytes.saturating_add(meta.len());
            out.loose = out.loose.saturating_add(u64::from(is_loose));
            out.packs = out.packs.saturating_add(u64::from(
                file.path().extension().is_some_and(|end| end == "pack"),
            ));
        }
    }
    out
}

/// The entries of a folder, each with the size of all files in it, in bytes. Links are not
/// followed, and what cannot be looked at counts as nothing.
pub(crate) fn parts(folder: &Path) -> Vec<(u64, String)> {
    entries(folder)
        .map(|(path, meta)| {
            let name = path.file_name().unwrap_or_default();
            (weight(&path, &meta), name.to_string_lossy().into_owned())
        })
        .collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = (PathBuf, Metadata)> + use<> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
}

/// The size of a file, or of all files below a folder.
fn weight(path: &Path, meta: &Metadata) -> u64 {
    let mut waiting = vec![(path.to_owned(), meta.clone())];
    let mut bytes = 0_u64;
    while let Some((path, meta)) = waiting.pop() {
        if meta.is_dir() {
            waiting.extend(entries(&path));
        } else if meta.is_file() {
            bytes = bytes.saturating_add(meta.len());
        }
    }
    bytes
}
