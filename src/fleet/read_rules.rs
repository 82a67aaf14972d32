//! Reads the rules of a tree.

use super::error::DataError;
use super::read::{Content, content};
use super::rules::{Rules, forgotten_day};
use crate::base::ids::Interner;
use crate::format::dayfile::DayFile;
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::{FILE, Repo};
use crate::store::layout::{self, Path};

impl Rules {
    /// The rules of a root tree. `file` gives the text of a machine file that is known without
    /// opening it.
    pub(crate) fn read(
        repo: &Repo,
        root: Oid,
        file: impl FnMut(&str, Oid) -> Option<String>,
    ) -> Result<Self, DataError> {
        let mut out = Self::gather(&files_with_rules(repo, root, file)?);
        out.keys = repo.name_keys().to_vec();
        let (year, month, _) = forgotten_day().parts();
        for blob in repo.blobs(Some(root), &format!("{}/{year}/{month}", layout::ARCHIVE))? {
            if let Path::Day(machine, day, _) = Path::parse(&blob.path)
                && let Content::Bytes(bytes) = content(repo, &blob.path, blob.oid)?
                && let Ok((file, _)) =
                    DayFile::read(&machine, day, &bytes, &mut Interner::default())
            {
                out.kept.extend(file.kept());
                out.ids.extend(file.forgotten);
            }
        }
        Ok(out)
    }
}

/// The machine files of a root tree that contain rules.
fn files_with_rules(
    repo: &Repo,
    root: Oid,
    mut file: impl FnMut(&str, Oid) -> Option<String>,
) -> Result<Vec<SyncFile>, DataError> {
    let mut out = Vec::new();
    let blobs = repo.blobs(Some(root), layout::MACHINES)?;
    for blob in blobs.into_iter().filter(|blob| blob.mode == FILE) {
        let Path::Machine(machine) = Path::parse(&blob.path) else {
            continue;
        };
        if repo.is_without_rules(blob.oid) {
            continue;
        }
        let text = match file(&blob.path, blob.oid) {
            Some(text) => text,
            None => match content(repo, &blob.path, blob.oid)? {
                Content::Bytes(bytes) => String::from_utf8(bytes).unwrap_or_default(),
                Content::TooLarge(_) | Content::Refused(_) => continue,
            },
        };
        // Few machine files have any, and parsing all of them takes time.
        let has = |member: &str| text.contains(member);
        if has("\"forgotten\"") || has("\"pruned_before\"") || has("\"compacted\"") {
            let names = &mut Interner::default();
            out.extend(SyncFile::read(&machine, text.as_bytes(), names));
        } else {
            repo.note_without_rules(blob.oid);
        }
    }
    Ok(out)
}
