//! The fleet in memory: trees of a repository whose objects are not stored, joined by the library's own functions.

mod attacks;
mod options;
mod trees;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use attacks::key_text;
use claude_sync::base::ids::MachineId;
use claude_sync::base::key::Key;
use claude_sync::cache::index::Index;
use claude_sync::cache::{Cache, NoCache};
use claude_sync::format::sealed;
use claude_sync::git::repo::Repo;
use claude_sync::git::{Git, Oid};
use claude_sync::sync::compact::{fold, onto};
use claude_sync::sync::{Starts, assemble_for, own_tree};
use tempfile::TempDir;

use crate::model::check;
use crate::model::hostile::Attack;
use crate::model::limits::Stated;
use crate::model::rows::Home;
use crate::model::site::{How, Plain, Run, Site};
use crate::model::truth::Committed;

#[derive(Default)]
struct Node {
    head: Option<Oid>,
    known: Option<Oid>,
    /// Where the remote's branches were when they were last fetched.
    main: Option<Oid>,
    branches: BTreeMap<MachineId, Oid>,
    past: Vec<Oid>,
    /// The days to keep of a history that is to be compacted.
    compact: Option<u32>,
}

pub struct Memory {
    repo: Repo,
    git: Git,
    nodes: Vec<Node>,
    main: Option<Oid>,
    branches: BTreeMap<MachineId, Oid>,
    /// What the remote's branch was.
    past: Vec<Oid>,
    front_page: bool,
    /// The first machine plays a version with later prices.
    later_prices: bool,
    checks: Cell<u32>,
    /// Nothing in clear is part of the fleet.
    sealed: bool,
    /// What the pusher made.
    forged: BTreeSet<Oid>,
    folder: TempDir,
}

impl Memory {
    pub fn new(machines: usize, front_page: bool, git: &Git) -> Self {
        // Without a disk, where there is such a place.
        let shm = PathBuf::from("/dev/shm");
        let builder = || tempfile::Builder::new();
        let folder = builder()
            .tempdir_in(shm)
            .or_else(|_| builder().tempdir())
            .expect("a folder");
        let key = Key::parse(&key_text()).expect("a key");
        let repo = Repo::create(&folder.path().join("repo"), "main")
            .expect("a repository")
            .with_key(Some(&key));
        repo.write_in_memory().expect("in memory");
        let nodes = (0..machines).map(|_| Node::default()).collect();
        Self {
            repo,
            git: git.clone(),
            nodes,
            main: None,
            branches: BTreeMap::new(),
            past: Vec::new(),
            front_page,
            later_prices: false,
            checks: Cell::new(0),
            sealed: false,
            forged: BTreeSet::new(),
            folder,
        }
    }

    /// Encrypts from the start, and everybody knows.
    pub fn seal(&mut self) {
        self.repo.start_sealing();
        let mark = self.repo.seal().expect("a key").mark().to_owned();
        self.repo.mark_sealed(Some(&mark));
        self.sealed = true;
    }

    /// Has files be compared with what a node has, as in its own clone.
    fn be(&self, at: usize) {
        self.repo
            .compare_with(self.nodes[at].known.map(|known| self.root(known)));
    }
}

impl Site for Memory {
    fn sync(&mut self, at: usize, home: &Home, run: &Run) -> Option<Committed> {
        let online = run.how != How::Offline;
        if online {
            (self.nodes[at].main, self.nodes[at].branches) = (self.main, self.branches.clone());
        }
        self.be(at);
        let node = &self.nodes[at];
        let others: Vec<Oid> = node.branches.values().copied().collect();
        let tip = node.main.filter(|_| online);
        let starts = Starts {
            tip,
            head: node.head,
            known: node.known,
            others: others.clone(),
            ..Starts::default()
        };
        let mut options = self.options(at, home, run);
        let shown = self.shown(at, home, run, &starts);
        let index = self.index(at);
        let reroot = !home.per_machine && (run.forget.is_some() || self.is_tainted(&starts));
        let keep = run.compact.or(self.nodes[at].compact);
        self.nodes[at].compact = keep;
        let onto = if home.per_machine || reroot || !online {
            None
        } else {
            onto(&self.repo, &starts, keep, &index).expect("folds")
        };
        let epoch = onto.as_ref().and_then(|onto| onto.epoch.clone());
        options.intents.extend(epoch);
        let tree = assemble_for(
            &self.repo,
            &starts,
            &home.id,
            &self.brought(home, run),
            &options,
            &index,
        )
        .expect("a run works");
        if let Some(shown) = shown {
            let exact = home.retention.is_none();
            check::shows_the_same(&self.repo, shown, tree, &index, exact);
        }
        let parent = match onto {
            _ if reroot => None,
            Some(onto) => Some(onto.parent),
            None => starts.tip.or(starts.head),
        };
        let same = |commit: &Oid| self.root(*commit) == tree;
        let commit = match parent.filter(same) {
            Some(parent) => parent,
            None => self.commit(tree, parent.as_slice()),
        };
        self.set_head(at, commit);
        if run.how == How::Killed(0) {
            // Before the clone noted what it has.
            return Some(Committed::Perhaps);
        }
        self.nodes[at].known = Some(commit);
        if run.how != How::Online {
            return Some(Committed::Yes);
        }
        self.nodes[at].compact = None;
        if home.per_machine {
            let mut before = self.branches.get(&home.id).copied();
            if let (Some(keep), Some(branch)) = (keep, before) {
                let folded = fold(&self.repo, branch, keep).expect("folds");
                before = folded.map_or(before, |folded| Some(folded.tip));
                self.branches
                    .extend(before.map(|tip| (home.id.clone(), tip)));
            }
            let others = self.branches.iter().filter(|(id, _)| **id != home.id);
            let others = others.map(|(_, commit)| *commit).chain(self.main);
            let others: Vec<Oid> = others.map(|commit| self.root(commit)).collect();
            let there = before.map(|before| self.root(before));
            let own = own_tree(&self.repo, tree, &home.id, there, &others).expect("a tree");
            if before.is_none_or(|before| self.root(before) != own) {
                let commit = self.commit(own, before.as_slice());
                self.branches.insert(home.id.clone(), commit);
            }
        } else if self.main != Some(commit) {
            self.set_main(commit);
        }
        Some(Committed::Yes)
    }

    fn plain(&mut self, at: usize, what: Plain, pick: usize) -> bool {
        self.be(at);
        let Some(head) = self.nodes[at].head else {
            return false;
        };
        let ours = self.root(head);
        let parent = |commit| {
            self.repo
                .parents_of(commit)
                .expect("reads")
                .first()
                .copied()
        };
        let back = |past: &[Oid]| {
            past.len()
                .checked_sub(1 + pick % 5)
                .and_then(|place| past.get(place))
                .copied()
        };
        match what {
            Plain::Pull | Plain::PullRebase | Plain::Push | Plain::Unrelated => {
                let Some(tip) = self.main.filter(|tip| *tip != head) else {
                    return false;
                };
                let base = self
                    .repo
                    .merge_base(head, tip)
                    .expect("reads")
                    .filter(|_| what != Plain::Unrelated);
                let tree = self.merged(base.map(|base| self.root(base)), ours, self.root(tip));
                let parents = if what == Plain::PullRebase {
                    vec![tip]
                } else {
                    vec![head, tip]
                };
                let commit = self.commit(tree, &parents);
                self.set_head(at, commit);
                if matches!(what, Plain::Push | Plain::Unrelated) {
                    self.set_main(commit);
                }
            }
            Plain::Revert => {
                let mut commit = head;
                for _ in 0..pick % 3 {
                    commit = parent(commit).unwrap_or(commit);
                }
                let Some(before) = parent(commit) else {
                    return false;
                };
                let tree = self.merged(Some(self.root(commit)), ours, self.root(before));
                self.set_head(at, self.commit(tree, &[head]));
            }
            Plain::Reset => match back(&self.nodes[at].past) {
                Some(older) => self.nodes[at].head = Some(older),
                None => return false,
            },
            Plain::DropBranch => {
                let count = self.branches.len().max(1);
                let branch = self.branches.keys().nth(pick % count).cloned();
                return branch.is_some_and(|branch| self.branches.remove(&branch).is_some());
            }
            Plain::ForcePush => match back(&self.past) {
                Some(older) => self.set_main(older),
                None => return false,
            },
        }
        true
    }

    fn plant(&mut self, files: &[(String, Vec<u8>)]) -> bool {
        let tree = self.with_files(self.main.map(|main| self.root(main)), files);
        let parents: Vec<Oid> = self.main.into_iter().collect();
        self.set_main(self.commit(tree, &parents));
        true
    }

    fn rewrite(&mut self, at: usize, files: &[(String, Vec<u8>)]) -> bool {
        let Some(head) = self.nodes[at].head else {
            return false;
        };
        let tree = self.with_files(Some(self.root(head)), files);
        self.set_head(at, self.commit(tree, &[head]));
        true
    }

    fn remote_paths(&self) -> Vec<String> {
        let blobs = self
            .main
            .map(|main| {
                self.repo
                    .blobs(Some(self.root(main)), "sync")
                    .expect("reads")
            })
            .unwrap_or_default();
        blobs.into_iter().map(|blob| blob.path).collect()
    }

    fn remote_file(&self, path: &str) -> Vec<u8> {
        let entry = self
            .main
            .and_then(|main| self.repo.entry(Some(self.root(main)), path).expect("reads"));
        entry
            .map(|entry| self.repo.stored(entry.oid).expect("reads"))
            .unwrap_or_default()
    }

    fn attack(&mut self, attack: &Attack) -> bool {
        self.attack_remote(attack)
    }

    fn assert_sealed(&self) {
        for root in self
            .main
            .into_iter()
            .chain(self.branches.values().copied())
            .map(|commit| self.root(commit))
        {
            for blob in self.repo.blobs(Some(root), "sync").expect("reads") {
                let bytes = self.repo.stored(blob.oid).expect("reads");
                assert!(
                    sealed::is_sealed(&bytes),
                    "{} left in clear: {}",
                    blob.path,
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }

    /// A run is given them.
    fn state_limits(&mut self, _: usize, _: &Home, _: &[Stated]) {}

    fn lose_index(&mut self, at: usize) {
        Index::remove(&self.state_folder(at));
    }

    fn lose_clone(&mut self, at: usize, _: &Home, _: i64) {
        self.lose_index(at);
        self.nodes[at] = Node {
            head: self.main,
            main: self.main,
            branches: self.branches.clone(),
            ..Node::default()
        };
    }

    fn encrypt(&mut self, _: usize, _: i64) -> bool {
        self.repo.start_sealing();
        true
    }

    fn look(&self, at: usize, show: &mut dyn FnMut(&Repo, Oid)) {
        self.be(at);
        if let Some(head) = self.nodes[at].head {
            show(&self.repo, self.root(head));
        }
    }

    fn check(&self, at: usize, after_run: bool) {
        let Some(head) = self.nodes[at].head else {
            return;
        };
        let root = self.root(head);
        self.be(at);
        if self.sealed && after_run {
            for blob in self.repo.blobs(Some(root), "sync").expect("reads") {
                assert!(
                    !self.forged.contains(&blob.oid),
                    "what the pusher made is in the tree of a run: {}",
                    blob.path
                );
            }
        }
        let index = self.index(at);
        // Digests that are made anew are those that the index has: to ask for them each time would double the time.
        let fresh = self.checks.replace(self.checks.get() + 1).is_multiple_of(5);
        let caches: [&dyn Cache; 2] = [&index, &NoCache];
        check::counts_alike(&self.repo, root, if fresh { &caches } else { &caches[..1] });
        if after_run {
            check::is_sound(&self.repo, root, &index, self.basis(at));
            if self.front_page {
                check::front_is_fresh(&self.repo, root);
            }
        }
    }

    fn assert_one_history(&self) {
        if let Some(main) = self.main {
            check::has_one_history(&self.repo, main);
        }
    }

    fn state(&self, at: usize) -> String {
        let sync = self.nodes[at].head.and_then(|head| {
            self.repo
                .folder(Some(self.root(head)), "sync")
                .expect("reads")
        });
        sync.map(|oid| oid.to_string()).unwrap_or_default()
    }
}
