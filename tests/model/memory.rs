//! The fleet in memory: trees of a repository whose objects are not stored, joined by the library's own functions.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use claude_sync::base::ids::MachineId;
use claude_sync::base::key::Key;
use claude_sync::base::key::{hex, mac};
use claude_sync::base::progress::Watcher;
use claude_sync::cache::index::Index;
use claude_sync::cache::{Cache, NoCache};
use claude_sync::fleet::authority::UNDONE;
use claude_sync::fleet::book;
use claude_sync::fleet::decisions::{Intent, MERGED, PRICE};
use claude_sync::fleet::enforce::{CheckedNow, breaking};
use claude_sync::fleet::rules::{FORGOTTEN, Rules, Subject};
use claude_sync::format::manifest::RULES;
use claude_sync::format::sealed;
use claude_sync::format::syncfile::Mode;
use claude_sync::git::repo::{Entry, FILE, FOLDER, Repo};
use claude_sync::git::{Git, Oid};
use claude_sync::merge::trees;
use claude_sync::prices::{Change, Rule};
use claude_sync::record::PlanLimits;
use claude_sync::report::Zone;
use claude_sync::sync::compact::{fold, onto};
use claude_sync::sync::import::{Import as Opened, What};
use claude_sync::sync::{
    Brought, Host, Options, Starts, Task, assemble_for, own_tree, with_brought,
};
use tempfile::TempDir;

use crate::check;
use crate::hostile::Attack;
use crate::limits::Stated;
use crate::rows::{Home, records, time};
use crate::site::{How, Import, Plain, Run, Site};
use crate::truth::{Committed, Forgotten};

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

    fn index(&self, at: usize) -> Index {
        Index::open(&self.state_folder(at)).expect("an index")
    }

    fn state_folder(&self, at: usize) -> PathBuf {
        let folder = self.folder.path().join(format!("state{at}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn root(&self, commit: Oid) -> Oid {
        self.repo.tree_of(commit).expect("a commit")
    }

    fn commit(&self, tree: Oid, parents: &[Oid]) -> Oid {
        self.repo
            .commit(&self.git, tree, parents, "sync\n")
            .expect("commits")
    }

    fn set_main(&mut self, commit: Oid) {
        self.past.extend(self.main);
        self.main = Some(commit);
    }

    fn set_head(&mut self, at: usize, commit: Oid) {
        let node = &mut self.nodes[at];
        node.past.extend(node.head.filter(|head| *head != commit));
        node.head = Some(commit);
    }

    fn options(&self, home: &Home, run: &Run) -> Options {
        let subject = |what: &Forgotten| {
            let subject = match what {
                Forgotten::Session(id) => Subject::Session(id.clone()),
                Forgotten::Project(name) => Subject::Project((*name).to_owned()),
                Forgotten::Machine(id) => Subject::Machine(id.clone()),
                Forgotten::Before(at) => Subject::Before(crate::rows::day(*at)),
            };
            subject.tombstone("salt", None)
        };
        let undo = run.undo.as_ref().map(|what| Intent {
            kind: FORGOTTEN,
            subject: subject(what).0,
            key: UNDONE,
            value: true.into(),
        });
        let forget = run.forget.as_ref().map(|what| {
            let (subject, says) = subject(what);
            let value = says
                .get("salt")
                .cloned()
                .unwrap_or(serde_json::Value::Bool(true));
            Intent {
                kind: FORGOTTEN,
                subject,
                key: if says.is_empty() { "all" } else { "salt" },
                value,
            }
        });
        let merge = run.merge.as_ref().map(|(from, into)| Intent {
            kind: MERGED,
            subject: from.to_string(),
            key: "into",
            value: into.as_str().into(),
        });
        Options {
            mode: if run.full {
                Mode::Full
            } else {
                Mode::Incremental
            },
            intents: forget
                .into_iter()
                .chain(undo)
                .chain(merge)
                .chain(run.price.map(price))
                .collect(),
            summary_only: home.summary_only,
            snapshot: false,
            push_main: false,
            offline: run.how == How::Offline,
            retention_days: home.retention,
            front_page: (self.front_page && self.nodes.iter().all(|node| node.head.is_none()))
                .then_some(true),
            rederive: false,
            restore: Vec::new(),
            import: None,
            reroot: false,
            compact: None,
            task: Task::Sync,
            now: time(run.now),
            host: Host {
                hostname: format!("host-{}", home.id.short()),
                platform: "linux".into(),
                os_version: "1".into(),
                fingerprint: String::new(),
            },
            program: PathBuf::from("/nowhere/claude-sync"),
            attended: false,
            unattended: false,
            wait: Duration::ZERO,
            patience: None,
            shared_id: false,
            rules: RULES,
            keep_undo: false,
            in_clear: false,
            trust_restored: false,
            watcher: Watcher::default(),
        }
    }

    fn brought(&self, home: &Home, run: &Run) -> Brought {
        let mut out = Brought {
            records: records(&home.rows[home.read..]),
            states: home.new_states().cloned().collect(),
            limits: if home.summary_only {
                PlanLimits::default()
            } else {
                home.limits.clone()
            },
            ..Brought::default()
        };
        let mut sums = |text: &str, zone: &str| {
            let path = self.folder.path().join("import.json");
            std::fs::write(&path, text).expect("written");
            let zone = Zone::parse(zone).expect("a zone");
            let opened = Opened::open(&path, None, &|date| zone.range(date), time(run.now))
                .expect("it can be imported");
            if let What::Sums(sums) = opened.what {
                out.sums = sums;
            }
        };
        match &run.import {
            None => {}
            Some(Import::Backup(rows)) => out.imported = records(rows),
            Some(Import::Ccusage(text, zone)) => sums(text, zone),
            Some(Import::Statistics(text)) => sums(text, "UTC"),
        }
        out
    }

    /// The tree that a report would show before a run: what a run without anything new would leave,
    /// and what the transcripts have beyond that. None where the run does something else too, and for
    /// two of three runs, to save time.
    fn shown(&self, at: usize, home: &Home, run: &Run, starts: &Starts) -> Option<Oid> {
        let turn = self.checks.replace(self.checks.get().wrapping_add(1));
        let options = self.options(home, run);
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
    fn is_tainted(&self, starts: &Starts) -> bool {
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
    fn merged(&self, base: Option<Oid>, ours: Oid, theirs: Oid) -> Oid {
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

    fn with_files(&self, root: Option<Oid>, files: &[(String, Vec<u8>)]) -> Oid {
        let put = |(path, bytes): &(String, Vec<u8>)| {
            let oid = self.repo.write_file(path, bytes).expect("stored");
            (path.clone(), Entry { mode: FILE, oid })
        };
        self.repo
            .replace(root, &files.iter().map(put).collect())
            .expect("a tree")
    }
}

/// The decision about a factor on prices.
fn price((pattern, permille): (&str, u64)) -> Intent {
    let rule = Rule {
        pattern: pattern.to_owned(),
        from: None,
        to: None,
        change: Change::Multiply(permille.max(1)),
    };
    let value = if permille == 0 {
        serde_json::Value::Null
    } else {
        book::write(&rule)
    };
    Intent {
        kind: PRICE,
        subject: book::subject(&rule),
        key: "price",
        value,
    }
}

/// The fleet's key, the same in every run.
pub fn key_text() -> String {
    let key: Vec<u8> = (0..32).collect();
    let (bytes, mark) = (hex(&key), hex(&mac(&key, b"mark")[..4]));
    format!("claude-sync-key-1-{bytes}-{mark}")
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
        let mut options = self.options(home, run);
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
        let Some(main) = self.main else { return false };
        match attack {
            Attack::Put(files) => {
                let (mut new, mut gone) = (BTreeMap::new(), BTreeSet::new());
                for (path, bytes) in files {
                    match bytes {
                        Some(bytes) => {
                            let oid = self.repo.write_blob(bytes).expect("stored");
                            // Of a file that was damaged or moved, authentic lines may stay.
                            if sealed::mark(bytes).as_deref()
                                != self.repo.seal().map(sealed::Seal::mark)
                            {
                                self.forged.insert(oid);
                            }
                            new.insert(path.clone(), Entry { mode: FILE, oid });
                        }
                        None => drop(gone.insert(path.clone())),
                    }
                }
                let tree = self
                    .repo
                    .replace(Some(self.root(main)), &new)
                    .expect("a tree");
                let tree = self.repo.without(tree, &gone).expect("a tree");
                self.set_main(self.commit(tree, &[main]));
            }
            Attack::Rewind(count) => match self
                .past
                .len()
                .checked_sub(*count)
                .and_then(|at| self.past.get(at))
                .copied()
            {
                Some(older) => self.set_main(older),
                None => return false,
            },
            Attack::Empty => {
                self.past.extend(self.main.take());
            }
            Attack::Anew => {
                let oid = self.repo.write_blob(b"mallory was here\n").expect("stored");
                let tree = self
                    .repo
                    .replace(
                        None,
                        &BTreeMap::from([("notes.txt".to_owned(), Entry { mode: FILE, oid })]),
                    )
                    .expect("a tree");
                self.set_main(self.commit(tree, &[]));
            }
            // No such tree can be made through the library.
            Attack::Named(..) => return false,
        }
        true
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
            check::is_sound(&self.repo, root, &index);
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
