//! Commits and trees of a clone, and what a report shows before a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use claude_sync::cache::index::Index;
use claude_sync::cache::{Cache, NoCache};
use claude_sync::fleet::enforce::{CheckedNow, breaking};
use claude_sync::fleet::rules::Rules;
use claude_sync::git::Oid;
use claude_sync::git::repo::{Entry, FILE, FOLDER};
use claude_sync::merge::trees;
use claude_sync::sync::{Brought, Options, Starts, assemble_for, with_brought};

use super::Memory;
use crate::model::rows::Home;
use crate::model::site::Run;

impl Memory {
    pub(super) fn index(&self, at: usize) -> Index {
        Index::open(&self.state_folder(at)).expect("an index")
    }

    pub(super) fn state_folder(&self, at: usize) -> PathBuf {
        let folder = self.folder.path().join(format!("state{at}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    pub(super) fn root(&self, commit: Oid) -> Oid {
        self.repo.tree_of(commit).expect("a commit")
    }

    pub(super) fn commit(&self, tree: Oid, parents: &[Oid]) -> Oid {
        self.repo
            .commit(&self.git, tree, parents, "sync\n")
            .expect("commits")
    }

    pub(super) fn set_main(&mut self, commit: Oid) {
        self.past.extend(self.main);
        self.main = Some(commit);
    }

    pub(super) fn set_head(&mut self, at: usize, commit: Oid) {
        let node = &mut self.nodes[at];
        node.past.extend(node.head.filter(|head| *head != commit));
        node.head = Some(commit);
    }

    /// The tree that a report would show before a run: what a run without anything new would leave,
    /// and what the transcripts have beyond that. None where the run does something else too, and for
    /// two of three runs, to save time.
    pub(super) fn shown(&self, at: usize, home: &Home, run: &Run, starts: &Starts) -> Option<Oid> {
        let turn = self.checks.replace(self.checks.get().wrapping_add(1));
        let options = self.options(at, home, run);
        if !options.intents.is_empty() || run.import.is_some() || !turn.is_multiple_of(3) {
            return None;
        }
        let options = Options {
            retention_days: None,
            ..options
        };
        let (repo, id, new) = (&self.repo, &home.id, Brought::default());
        let base = assemble_for(repo, starts, id, &new, &options, &NoCache).expect("a run works");
        let index = Index::peek(&self.state_folder(at));
        let cache: &dyn Cache = index.as_ref().map_or(&NoCache, |index| index);
        let brought = self.brought(home, run);
        Some(with_brought(repo, base, id, &brought, &options, cache).expect("a report works"))
    }

    /// Whether commits that came from the remote have data that is forgotten, as a run asks.
    pub(super) fn is_tainted(&self, starts: &Starts) -> bool {
        let Some(tip) = starts.tip.filter(|tip| Some(*tip) != starts.known) else {
            return false;
        };
        let rules = |commit| {
            Rules::read(&self.repo, self.root(commit), |_, _| None)
                .expect("reads")
                .without_retention()
        };
        let all = [starts.head, starts.known]
            .into_iter()
            .flatten()
            .fold(rules(tip), |all, commit| all.and(&rules(commit)));
        let new = || {
            self.repo
                .new_commits(tip, starts.known.as_slice())
                .expect("reads")
        };
        let breaks = |commit| {
            !breaking(&self.repo, self.root(commit), &all, &CheckedNow::default())
                .expect("reads")
                .is_empty()
        };
        all.forget_something() && new().into_iter().any(breaks)
    }

    /// The join that git makes with the merge driver: of what both sides changed, per path.
    pub(super) fn merged(&self, base: Option<Oid>, ours: Oid, theirs: Oid) -> Oid {
        let sync = |root: Oid| self.repo.folder(Some(root), "sync").expect("reads");
        let joined = trees::join(
            &self.repo,
            "sync",
            base.and_then(sync),
            sync(ours),
            sync(theirs),
        )
        .expect("joins");
        let Some(oid) = joined else { return ours };
        self.repo
            .replace(
                Some(ours),
                &BTreeMap::from([("sync".to_owned(), Entry { mode: FOLDER, oid })]),
            )
            .expect("a tree")
    }

    pub(super) fn with_files(&self, root: Option<Oid>, files: &[(String, Vec<u8>)]) -> Oid {
        let put = |(path, bytes): &(String, Vec<u8>)| {
            let oid = self.repo.write_file(path, bytes).expect("stored");
            (path.clone(), Entry { mode: FILE, oid })
        };
        self.repo
            .replace(root, &files.iter().map(put).collect())
            .expect("a tree")
    }
}
