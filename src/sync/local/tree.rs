//! Where one machine's files lie below a root tree.

use std::collections::BTreeMap;

use crate::base::ids::MachineId;
use crate::base::time::Day;
use crate::git::Oid;
use crate::git::repo::{Blob, FILE, FOLDER, Repo};
use crate::store::layout::{self, Path};
use crate::sync::error::SyncError;

/// The folders of a machine's months below a root tree.
pub(crate) fn month_folders(
    repo: &Repo,
    root: Option<Oid>,
    machine: &MachineId,
) -> Result<BTreeMap<String, Oid>, SyncError> {
    let mut out = BTreeMap::new();
    let folders = |tree: Option<Oid>| -> Result<Vec<(String, Oid)>, SyncError> {
        Ok(repo
            .entries(tree)?
            .into_iter()
            .filter(|(_, entry)| entry.mode == FOLDER)
            .map(|(name, entry)| (name, entry.oid))
            .collect())
    };
    for (year, months) in folders(repo.folder(root, layout::ARCHIVE)?)? {
        for (month, machines) in folders(Some(months))? {
            if let Some(oid) = repo.folder(Some(machines), machine.as_str())? {
                out.insert(format!("{}/{year}/{month}/{machine}", layout::ARCHIVE), oid);
            }
        }
    }
    Ok(out)
}

/// The day files in the folder of a month.
pub(crate) fn day_files_in(
    repo: &Repo,
    path: &str,
    folder: Oid,
) -> Result<Vec<(Blob, Day, u32)>, SyncError> {
    let mut out = Vec::new();
    for (name, entry) in repo
        .entries(Some(folder))?
        .into_iter()
        .filter(|(_, entry)| entry.mode == FILE)
    {
        let path = format!("{path}/{name}");
        if let Path::Day(_, day, number) = Path::parse(&path) {
            out.push((
                Blob {
                    path,
                    mode: entry.mode,
                    oid: entry.oid,
                },
                day,
                number,
            ));
        }
    }
    Ok(out)
}

/// All day files of a machine below a root tree.
pub(crate) fn day_files(
    repo: &Repo,
    root: Option<Oid>,
    machine: &MachineId,
) -> Result<Vec<(Blob, Day, u32)>, SyncError> {
    let months = month_folders(repo, root, machine)?;
    months
        .into_iter()
        .try_fold(Vec::new(), |mut all, (path, folder)| {
            all.extend(day_files_in(repo, &path, folder)?);
            Ok(all)
        })
}
