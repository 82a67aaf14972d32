//! The commits that brought what is explained.

use std::collections::{BTreeMap, HashMap};

use super::copies::records;
use super::evidence::{Copy, Evidence, Explanation};
use crate::base::ids::{Interner, RecordId};
use crate::base::time::Timestamp;
use crate::fleet::DataError;
use crate::format::MAX_DAY_FILE;
use crate::git::Oid;
use crate::git::repo::{Repo, RepoError};
use crate::store::layout::Path;

/// How many commits are looked through.
const MOST_COMMITS: usize = 100_000;

impl Explanation {
    /// Finds the commits that brought the copies of the first `most` items that were found.
    pub(crate) fn find_commits(&mut self, repo: &Repo, most: usize) -> Result<(), DataError> {
        let Some(head) = repo.synced()? else {
            return Ok(());
        };
        let first = self.found.iter_mut().take(most);
        let mut copies: Vec<&mut Copy> = first
            .flat_map(|one: &mut Evidence| &mut one.copies)
            .collect();
        let mut files: BTreeMap<String, CommitHistory> = BTreeMap::new();
        for copy in copies.iter().filter(|copy| copy.line > 0) {
            let file = files.entry(copy.path.clone()).or_default();
            file.added.insert(copy.record.id, None);
        }
        let mut names = Interner::default();
        let mut entries = Entries::default();
        for (commit, seconds, _) in repo.commits(head, MOST_COMMITS)? {
            let root = repo.tree_of(commit)?;
            let at = Timestamp::from_millis(seconds.saturating_mul(1000));
            let at = at.unwrap_or(Timestamp::EPOCH);
            for (path, file) in &mut files {
                let blob = entries.find(repo, root, path)?;
                file.step(repo, path, blob, &mut names)?;
                file.note((commit, at));
            }
        }
        for copy in &mut copies {
            let file = files.get(&copy.path);
            copy.added = file.and_then(|file| file.added.get(&copy.record.id).copied().flatten());
        }
        Ok(())
    }
}

/// A file, followed from the newest commit to the oldest.
#[derive(Default)]
struct CommitHistory {
    /// The version in the commit before.
    blob: Option<Oid>,
    /// The records in it.
    here: Vec<RecordId>,
    /// For each record that is sought, the oldest commit so far that has it.
    added: BTreeMap<RecordId, Option<(Oid, Timestamp)>>,
}

impl CommitHistory {
    /// Reads the version of the next commit, where it is another.
    fn step(
        &mut self,
        repo: &Repo,
        path: &str,
        blob: Option<Oid>,
        names: &mut Interner,
    ) -> Result<(), DataError> {
        if blob == self.blob {
            return Ok(());
        }
        self.blob = blob;
        self.here.clear();
        // Versions from before the fleet was encrypted brought records too.
        let content = blob.map(|oid| any_version(repo, oid)).transpose()?;
        if let Some(bytes) = content.flatten()
            && let Path::Day(_, day, _) = Path::parse(path)
        {
            records(&bytes, day, names, |_, record| self.here.push(record.id));
        }
        Ok(())
    }

    fn note(&mut self, commit: (Oid, Timestamp)) {
        for id in &self.here {
            if let Some(added) = self.added.get_mut(id) {
                *added = Some(commit);
            }
        }
    }
}

/// A version of a file in the history, sealed with any key that is here; none where it cannot be
/// read.
fn any_version(repo: &Repo, oid: Oid) -> Result<Option<Vec<u8>>, DataError> {
    if !repo.is_blob_within(oid, MAX_DAY_FILE)? {
        return Ok(None);
    }
    match repo.blob(oid) {
        Err(RepoError::Sealed(_)) => Ok(None),
        read => Ok(Some(read?)),
    }
}

/// Entries of trees by name. Commits share most of their trees.
#[derive(Default)]
struct Entries(HashMap<(Oid, String), Option<Oid>>);

impl Entries {
    fn find(&mut self, repo: &Repo, root: Oid, path: &str) -> Result<Option<Oid>, DataError> {
        let mut at = root;
        for name in path.split('/') {
            let key = (at, name.to_owned());
            let next = if let Some(next) = self.0.get(&key) {
                *next
            } else {
                let entry = repo.entry(Some(at), name)?.map(|entry| entry.oid);
                *self.0.entry(key).or_insert(entry)
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }
}
