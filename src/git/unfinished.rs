//! What git leaves where it stopped half-way: the operation, the unmerged stages of the index, and
//! how to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use git2::{IndexEntryExtendedFlag, Oid, RepositoryState};

use super::index::index_entry;
use super::process::{Git, GitError};
use super::repo::{Entry, Repo, RepoError, git};
use super::settings::Role;

/// An operation that git began and did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `git merge`, to be ended by a commit with several parents.
    Merge,
    /// `git rebase`, whichever way it works.
    Rebase,
    /// `git cherry-pick`.
    CherryPick,
    /// `git revert`.
    Revert,
    /// `git am`.
    Am,
    /// `git bisect`.
    Bisect,
    /// None that leaves a trace but unmerged files: `git stash pop`, `git checkout -m`.
    Unmerged,
}

impl Operation {
    /// As people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Am => "am",
            Self::Bisect => "bisect",
            Self::Unmerged => "merge of unmerged files",
        }
    }
}

/// The blobs of the index, by stage: what is merged, then ours and theirs of what is not.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    /// Stage 0.
    pub(crate) merged: BTreeMap<String, Entry>,
    /// Stages 2 and 3.
    pub(crate) sides: [BTreeMap<String, Entry>; 2],
    /// The paths that have stages.
    pub(crate) unmerged: BTreeSet<String>,
}

impl Repo {
    /// What git left open.
    pub(crate) fn operation(&self) -> Option<Operation> {
        use RepositoryState as S;
        match self.inner.state() {
            S::Merge => Some(Operation::Merge),
            S::Revert | S::RevertSequence => Some(Operation::Revert),
            S::CherryPick | S::CherryPickSequence => Some(Operation::CherryPick),
            S::Bisect => Some(Operation::Bisect),
            S::Rebase | S::RebaseInteractive | S::RebaseMerge | S::ApplyMailboxOrRebase => {
                Some(Operation::Rebase)
            }
            S::ApplyMailbox => Some(Operation::Am),
            S::Clean => self
                .inner
                .index()
                .is_ok_and(|index| index.has_conflicts())
                .then_some(Operation::Unmerged),
        }
    }

    /// Whether a rebase stopped where its owner wanted it to: at `edit`, `break` or `exec`, not at
    /// a `pick` that failed.
    pub(crate) fn stopped_on_purpose(&self) -> bool {
        let folder = self.inner.path().join("rebase-merge");
        let done = fs::read_to_string(folder.join("done")).unwrap_or_default();
        let last = done
            .lines()
            .rfind(|line| !line.is_empty() && !line.starts_with('#'))
            .unwrap_or("pick");
        folder.join("amend").exists() || !(last.starts_with("pick ") || last == "pick")
    }

    /// The commits that are being merged into `HEAD`, or the one that is being replayed or taken
    /// back.
    pub(crate) fn operands(&self) -> Result<Vec<Oid>, RepoError> {
        let read =
            |name: &str| fs::read_to_string(self.inner.path().join(name)).unwrap_or_default();
        let text = [
            "MERGE_HEAD",
            "CHERRY_PICK_HEAD",
            "REBASE_HEAD",
            "REVERT_HEAD",
        ]
        .into_iter()
        .map(read)
        .find(|text| !text.is_empty());
        text.unwrap_or_default()
            .lines()
            .map(|line| git("read what is being merged", Oid::from_str(line.trim())))
            .collect()
    }

    /// The commit that `HEAD` stands at, on a branch or not.
    pub(crate) fn head_commit(&self) -> Result<Option<Oid>, RepoError> {
        self.commit_at("HEAD")
    }

    /// Reads the index, all stages. Names that are no UTF-8 fit no grammar and stay out.
    pub(crate) fn stages(&self) -> Result<Stages, RepoError> {
        let index = git("read the index", self.inner.index())?;
        let mut out = Stages::default();
        for entry in index.iter() {
            let Ok(path) = String::from_utf8(entry.path.clone()) else {
                continue;
            };
            let here = Entry {
                mode: i32::try_from(entry.mode).unwrap_or(0),
                oid: entry.id,
            };
            let stage = entry.flags >> 12 & 3;
            if stage > 0 {
                out.unmerged.insert(path.clone());
            }
            match stage {
                0 => drop(out.merged.insert(path, here)),
                2 => drop(out.sides[0].insert(path, here)),
                3 => drop(out.sides[1].insert(path, here)),
                _ => {}
            }
        }
        Ok(out)
    }

    /// Makes the index and the work tree hold exactly `files` below `sync`, merged, and returns the
    /// tree of the whole index where nothing else is unmerged.
    pub(crate) fn settle(&self, files: &BTreeMap<String, Entry>) -> Result<Option<Oid>, RepoError> {
        let mut index = git("read the index", self.inner.index())?;
        let merged = index.remove_dir(Path::new("sync"), 0);
        git("write the index", merged)?;
        // `remove_dir` leaves the stages of what is not merged.
        for path in self.stages()?.unmerged {
            if path.starts_with("sync/") {
                git("write the index", index.remove_path(Path::new(&path)))?;
            }
        }
        for (path, entry) in files {
            git("read a file", self.check(entry.oid))?;
            let entry = index_entry(path, *entry, IndexEntryExtendedFlag::empty());
            git("write the index", index.add(&entry))?;
        }
        let mut force = git2::build::CheckoutBuilder::new();
        force.force().disable_pathspec_match(true).path("sync");
        git(
            "write the work tree",
            self.inner
                .checkout_index(Some(&mut index), Some(&mut force)),
        )?;
        git("write the index", index.write())?;
        if index.has_conflicts() {
            Ok(None)
        } else {
            git("write the index's tree", index.write_tree()).map(Some)
        }
    }

    /// The message that git prepared for the commit that ends a merge.
    pub(crate) fn prepared_message(&self) -> String {
        let text = fs::read_to_string(self.inner.path().join("MERGE_MSG")).unwrap_or_default();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let text = lines.join("\n");
        if text.trim().is_empty() {
            "join what was being merged\n".to_owned()
        } else {
            format!("{}\n", text.trim_end())
        }
    }

    /// Points `HEAD`, or the branch it names, at a commit, and forgets the operation.
    pub(crate) fn end_operation(&self, commit: Oid, old: Option<Oid>) -> Result<(), RepoError> {
        let head = git("read HEAD", self.inner.find_reference("HEAD"))?;
        let name = match head.symbolic_target() {
            Ok(Some(branch)) => branch.to_owned(),
            _ => "HEAD".to_owned(),
        };
        self.move_ref(&name, old, commit, "claude-sync: finish")?;
        git("end the operation", self.inner.cleanup_state())
    }

    /// Goes on with a rebase or the like after its conflict was settled; `skip` where nothing of
    /// the step is left.
    pub(crate) fn go_on(
        &self,
        process: &Git,
        operation: Operation,
        skip: bool,
    ) -> Result<(), GitError> {
        let how = if skip { "--skip" } else { "--continue" };
        let mut args = Vec::new();
        if process
            .settings(self.path())?
            .person(Role::Committer)
            .is_none()
        {
            args.extend([
                "-c",
                "user.name=claude-sync",
                "-c",
                "user.email=claude-sync@localhost",
            ]);
        }
        args.extend([operation.name(), how]);
        process.ask(self.path(), &args).map(drop)
    }
}
