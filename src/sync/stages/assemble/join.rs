//! Joins what the run starts from: T = join(tip, HEAD, known, others, restored), without files that
//! may not be read.

use std::collections::BTreeMap;

use super::seal::sealed;
use crate::base::ids::MachineId;
use crate::fleet::read::{self, Content};
use crate::git::repo::{Entry, FILE, FOLDER, Repo};
use crate::git::{Oid, Refusal, Unsound};
use crate::merge::{algebra, trees};
use crate::store::layout;
use crate::sync::error::SyncError;
use crate::sync::starts::{Older, Starts};

/// How many commits are looked through for the point where two histories without a common commit
/// part.
const COUNTERPARTS: usize = 100_000;

/// Paths that were left out, each with the code of why.
pub(super) type LeftOut = Vec<(String, &'static str)>;

/// What runs start from, as it may be joined: without what may not be read.
struct Sources<'a> {
    repo: &'a Repo,
    /// The clone's own tree. What stands in another one as it does here was looked at before.
    known: Option<Oid>,
    left_out: LeftOut,
    seen: BTreeMap<Oid, Oid>,
}

impl<'a> Sources<'a> {
    fn new(repo: &'a Repo, starts: &Starts) -> Result<Self, SyncError> {
        repo.trust_own_work(false);
        let known = starts
            .known
            .map(|commit| repo.tree_of(commit))
            .transpose()?;
        repo.compare_with(known);
        let mut out = Self {
            repo,
            known: None,
            left_out: Vec::new(),
            seen: BTreeMap::new(),
        };
        out.known = match known.filter(|_| starts.unscreened) {
            Some(known) => {
                let screened = repo.screen(known, None, Unsound::Mark)?;
                out.leave_out(screened.left_out);
                Some(screened.root)
            }
            None => known,
        };
        Ok(out)
    }

    fn leave_out(&mut self, files: Vec<(String, Refusal)>) {
        let coded = files
            .into_iter()
            .map(|(path, refusal)| (path, refusal.code()));
        self.left_out.extend(coded);
    }

    /// The tree of a commit as it may be joined.
    fn tree(&mut self, commit: Option<Oid>) -> Result<Option<Oid>, SyncError> {
        commit
            .map(|commit| {
                self.repo
                    .tree_of(commit)
                    .map_err(SyncError::from)
                    .and_then(|root| self.screened(root))
            })
            .transpose()
    }

    fn screened(&mut self, root: Oid) -> Result<Oid, SyncError> {
        if let Some(known) = self.seen.get(&root) {
            return Ok(*known);
        }
        let screened = self.repo.screen(root, self.known, Unsound::Take)?;
        self.leave_out(screened.left_out);
        self.seen.insert(root, screened.root);
        Ok(screened.root)
    }

    /// An older version, sealed as files are now. One that a person vouches for may be from before
    /// the fleet was encrypted, or from before its key changed: it is compared with itself.
    fn older(&mut self, older: Older) -> Result<Oid, SyncError> {
        let root = self.repo.tree_of(older.commit)?;
        if !older.is_trusted {
            return self.screened(root);
        }
        self.repo.compare_with(Some(root));
        let screened = self.repo.screen(root, None, Unsound::Mark)?;
        let out = sealed(self.repo, screened.root, None);
        self.repo.compare_with(self.known);
        out
    }
}

/// What was joined.
pub(super) struct Joined {
    /// The root tree; none where there was nothing to join.
    pub(crate) root: Option<Oid>,
    /// The older versions that were brought back.
    pub(crate) restored: Vec<Oid>,
    pub(crate) left_out: LeftOut,
}

/// Joins all of them. Other files are merged as git would; records only ever grow.
pub(super) fn join(repo: &Repo, starts: &Starts) -> Result<Joined, SyncError> {
    let mut from = Sources::new(repo, starts)?;
    let base = match (starts.tip, starts.head) {
        // A compacted history has the trees of the old one's newest commits.
        (Some(tip), Some(head)) => match repo.merge_base(tip, head)? {
            None => repo.counterpart(tip, head, COUNTERPARTS)?,
            base => base,
        },
        _ => None,
    };
    let base = base.map(|base| repo.tree_of(base)).transpose()?;
    let (tip, head) = (from.tree(starts.tip)?, from.tree(starts.head)?);
    let root = trees::join_roots(repo, base, tip, head)?;
    let mut others: Vec<Option<Oid>> = starts
        .others
        .iter()
        .map(|other| from.tree(Some(*other)))
        .collect::<Result<_, _>>()?;
    let restored: Vec<Oid> = starts
        .restored
        .iter()
        .map(|older| from.older(*older))
        .collect::<Result<_, _>>()?;
    others.extend(restored.iter().map(|root| Some(*root)));
    let root = with_records(repo, root, from.known, &others)?;
    let root = root
        .map(|root| sealed(repo, root, from.known))
        .transpose()?;
    from.left_out.sort();
    from.left_out.dedup();
    // All of it was looked at. What cannot be sealed here is read as it is.
    repo.trust_own_work(true);
    Ok(Joined {
        root,
        restored,
        left_out: from.left_out,
    })
}

/// Joins the folder `sync` of other trees into a root tree. Of `known` only records count: a file
/// of the user's that was deleted since must not come back.
fn with_records(
    repo: &Repo,
    root: Option<Oid>,
    known: Option<Oid>,
    others: &[Option<Oid>],
) -> Result<Option<Oid>, SyncError> {
    let (mine, theirs) = (repo.folder(root, "sync")?, repo.folder(known, "sync")?);
    let mut sync = trees::join(repo, "sync", None, mine, theirs)?;
    for other in others {
        sync = trees::join(repo, "sync", None, sync, repo.folder(*other, "sync")?)?;
    }
    Ok(match sync {
        Some(oid) if sync != mine => {
            let folder = Entry { mode: FOLDER, oid };
            let changes = BTreeMap::from([("sync".to_owned(), folder)]);
            Some(repo.replace(root, &changes)?)
        }
        _ => root,
    })
}

/// A root tree in which this machine's files can be read, where the clone has versions that
/// can. A version of a later format that came from elsewhere is not written over where it is
/// another machine's; each machine writes its files itself.
pub(super) fn keep_readable(
    repo: &Repo,
    root: Oid,
    starts: &Starts,
    machine: &MachineId,
) -> Result<(Oid, LeftOut), SyncError> {
    let known = starts
        .known
        .map(|commit| repo.tree_of(commit))
        .transpose()?;
    let head = starts.head.map(|commit| repo.tree_of(commit)).transpose()?;
    let (mut changes, mut left_out) = (BTreeMap::new(), Vec::new());
    for (path, entry) in repo
        .differing(known, root)?
        .into_iter()
        .filter(|(_, entry)| entry.mode == FILE && known.is_some())
    {
        let kind = layout::Path::parse(&path);
        let is_own =
            matches!(&kind, layout::Path::Machine(id) | layout::Path::Day(id, ..) if id == machine);
        let Some(before) = repo
            .entry(known, &path)?
            .filter(|before| is_own && before.mode == FILE)
        else {
            continue;
        };
        let is_newer = |oid| -> Result<bool, SyncError> {
            let content = read::content(repo, &path, oid)?;
            Ok(matches!(content, Content::Bytes(bytes) if algebra::is_newer(&kind, &bytes)))
        };
        // What was committed here is this machine's own.
        if repo.entry(head, &path)? != Some(entry) && is_newer(entry.oid)? && !is_newer(before.oid)?
        {
            changes.insert(path.clone(), before);
            left_out.push((path, "newer-version"));
        }
    }
    Ok((repo.replace(Some(root), &changes)?, left_out))
}
