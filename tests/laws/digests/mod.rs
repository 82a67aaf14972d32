//! Digests change nothing but the time it takes: whatever happened to a tree, with whatever the index remembers, the manifest, a
//! machine's own figures and the rows of reports are those of reading everything.

mod steps;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::ids::{MachineId, SessionId};
use claude_sync::base::time::{Day, Timestamp};
use claude_sync::cache::digest::{FileDigest, PortionDigest};
use claude_sync::cache::index::Index;
use claude_sync::cache::memo::{FileEntry, Known, fingerprint};
use claude_sync::cache::overview::{self, Overview};
use claude_sync::cache::session::SessionSum;
use claude_sync::cache::{Cache, NoCache};
use claude_sync::fleet::enforce::Checked;
use claude_sync::fleet::read::{self, Content, Portion};
use claude_sync::fleet::rules::Rules;
use claude_sync::fleet::{Fleet, Row, manifest};
use claude_sync::format::manifest::BASIS;
use claude_sync::format::syncfile::Mode;
use claude_sync::git::Oid;
use claude_sync::git::repo::{Entry, FILE, Repo};
use claude_sync::record::{RecordSet, Totals};
use claude_sync::sync::local::LocalFiles;
use claude_sync::sync::{self, Host, Stamp};
use proptest::collection::vec;
use proptest::prelude::*;
use steps::{Step, apply, date, numbered, step};

use crate::laws::made::machine_id;
use crate::laws::scale::tries;
use crate::laws::trees::Tree;

/// Remembers every digest, as the local index does.
#[derive(Default)]
pub struct Remembers {
    portions: RefCell<BTreeMap<String, (Known, PortionDigest)>>,
    files: RefCell<BTreeMap<String, (Oid, FileDigest)>>,
}

impl Checked for Remembers {
    fn keeps(&self, portion: &Portion, rules: &Rules) -> bool {
        self.portions
            .borrow()
            .get(&portion.path)
            .is_some_and(|(known, _)| known.keeps(portion, rules))
    }

    fn note(&self, portion: &Portion, rules: &Rules) {
        if let Some((known, _)) = self
            .portions
            .borrow_mut()
            .get_mut(&portion.path)
            .filter(|(known, _)| known.oid == portion.oid)
        {
            known.rules = fingerprint(portion, rules);
        }
    }
}

impl Cache for Remembers {
    fn portions(&self) -> BTreeMap<String, Known> {
        self.portions
            .borrow()
            .iter()
            .map(|(path, (known, _))| (path.clone(), known.clone()))
            .collect()
    }

    fn sessions(&self, portion: &str, oid: Oid) -> Option<Vec<SessionSum>> {
        self.portions
            .borrow()
            .get(portion)
            .filter(|(known, _)| known.oid == oid)
            .map(|(_, made)| made.sessions.clone())
    }

    fn fingerprints(&self, portion: &str, oid: Oid, show: &mut dyn FnMut(&[[u8; 4]])) {
        if let Some((_, made)) = self
            .portions
            .borrow()
            .get(portion)
            .filter(|(known, _)| known.oid == oid)
        {
            show(
                &made
                    .fingerprints()
                    .map(u32::to_le_bytes)
                    .collect::<Vec<_>>(),
            );
        }
    }

    fn file(&self, path: &str, blob: Oid) -> Option<FileDigest> {
        self.files
            .borrow()
            .get(path)
            .filter(|(oid, _)| *oid == blob)
            .map(|(_, file)| file.clone())
    }

    fn rows(&self, path: &str, blob: Oid, show: &mut dyn FnMut(&[u8])) {
        self.file(path, blob)
            .into_iter()
            .for_each(|file| show(&file.rows));
    }

    fn keep_files(&self, files: &[FileEntry]) {
        self.files.borrow_mut().extend(
            files
                .iter()
                .map(|(path, oid, file)| (path.clone(), (*oid, file.clone()))),
        );
    }

    fn keep_portion(&self, path: &str, oid: Oid, portion: &PortionDigest) {
        let PortionDigest {
            digest, ids, names, ..
        } = portion.clone();
        let known = Known {
            oid,
            compared: false,
            rules: 0,
            digest: digest.into(),
            fingerprints: ids.len(),
            names: names.into(),
        };
        self.portions
            .borrow_mut()
            .insert(path.to_owned(), (known, portion.clone()));
    }

    fn drop_portion(&self, path: &str) {
        self.portions.borrow_mut().remove(path);
    }

    fn keep_compared(&self, compared: &[&str], others: &[&str]) {
        let mut portions = self.portions.borrow_mut();
        for (paths, value) in [(compared, true), (others, false)] {
            paths.iter().for_each(|path| {
                if let Some((known, _)) = portions.get_mut(*path) {
                    known.compared = value;
                }
            });
        }
    }
}

/// What rows say, by all that reports group by.
type Cells = BTreeMap<(usize, Option<String>, String, String, Day, String), (Totals, u64)>;

fn cell(cells: &mut Cells, row: &Row) {
    let key = (
        row.machine,
        row.session.map(ToString::to_string),
        row.project.to_owned(),
        row.model.to_owned(),
        row.at.day(),
        format!(
            "{:?} {} {} {:?}",
            row.source, row.provisional, row.sidechain, row.client
        ),
    );
    let cell = cells.entry(key).or_default();
    *cell = (
        cell.0.plus(row.totals),
        cell.1.max(row.at.millis().unsigned_abs()),
    );
}

fn check(repo: &Repo, tree: &Tree, cache: &dyn Cache) {
    let entries = tree.iter().map(|(path, bytes)| {
        (
            path.clone(),
            Entry {
                mode: FILE,
                oid: repo.write_blob(bytes).expect("stored"),
            },
        )
    });
    let root = repo.replace(None, &entries.collect()).expect("a tree");
    let trees = read::inputs(repo, Some(root)).expect("reads");
    let load = || read::load(repo, trees).expect("reads");
    let mut cells = Cells::new();
    let whole = Fleet::count_rows(load(), &mut |row| cell(&mut cells, row));
    let quick = overview::manifest(repo, trees, BASIS, cache).expect("reads");
    assert_eq!(
        quick.write(),
        manifest::compute(&whole, trees, BASIS).write(),
        "the manifest"
    );
    let mut seen = Cells::new();
    let mut add = |row: &Row<'_>| cell(&mut seen, row);
    let overview = Overview::read(repo, trees, None, cache, &mut add).expect("reads");
    overview.show_rows(None, &mut add).expect("reads");
    assert_eq!(seen, cells, "rows");
    for data in load() {
        let id: MachineId = data.id.clone();
        let alone = Fleet::count(vec![data]);
        let all: BTreeSet<SessionId> = alone.sessions.keys().cloned().collect();
        let mut own = Overview::read(repo, trees, Some(&id), cache, &mut |_| {}).expect("reads");
        own.add_sessions(&all, |_| {}).expect("reads");
        let figures = |fleet: &Fleet| {
            (
                fleet.totals(),
                fleet.records,
                fleet.first_usage(),
                fleet.last_usage(),
            )
        };
        assert_eq!(
            figures(&own.fleet),
            figures(&alone),
            "a machine's own figures"
        );
        let views = |fleet: &Fleet| -> Vec<(SessionId, Totals, Option<Timestamp>, Option<String>)> {
            let views = fleet.sessions.iter().map(|(id, v)| {
                (
                    id.clone(),
                    v.totals,
                    v.last,
                    v.first.as_ref().map(|f| f.1.to_string()),
                )
            });
            views.collect()
        };
        assert_eq!(views(&own.fleet), views(&alone), "a machine's own sessions");
    }
}

/// A run that reads the files that it needs writes what one writes that reads all.
fn check_run(repo: &Repo, tree: &Tree, machine: u8, numbers: &[(u8, bool)], cache: &dyn Cache) {
    let entries = tree.iter().map(|(path, bytes)| {
        (
            path.clone(),
            Entry {
                mode: FILE,
                oid: repo.write_blob(bytes).expect("stored"),
            },
        )
    });
    let root = repo.replace(None, &entries.collect()).expect("a tree");
    let host = Host {
        hostname: "h".into(),
        platform: "linux".into(),
        os_version: "1".into(),
        fingerprint: String::new(),
    };
    let now = Timestamp::parse("2026-05-01T00:00:00Z").expect("a time");
    let stamp = Stamp {
        now,
        mode: Mode::Incremental,
        host: &host,
    };
    let days = [0, 1, 2].map(|month| date((0, month, month % 2, 1)));
    let records: RecordSet = numbers
        .iter()
        .map(|number| numbered(*number, days[usize::from(number.0 % 3)]))
        .collect();
    let id = machine_id(machine);
    let mut own = LocalFiles::new(&id);
    tree.iter().for_each(|(path, bytes)| {
        own.read(path, Content::Bytes(bytes.clone()))
            .expect("reads");
    });
    own.add_records(&records);
    let written = own
        .write(&stamp, false)
        .into_iter()
        .map(|(path, bytes)| (path, repo.write_blob(&bytes).expect("stored")));
    let all = repo
        .replace(
            Some(root),
            &written
                .map(|(path, oid)| (path, Entry { mode: FILE, oid }))
                .collect(),
        )
        .expect("a tree");
    let some = sync::add(repo, root, &id, &records, &stamp, cache).expect("adds");
    let text = |root| -> Tree {
        let blobs = repo.blobs(Some(root), "sync").expect("reads").into_iter();
        blobs
            .map(|blob| (blob.path, repo.blob(blob.oid).expect("reads")))
            .collect()
    };
    let (some, all) = (text(some), text(all));
    assert!(some.keys().eq(all.keys()), "the same files");
    for (path, bytes) in some {
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            String::from_utf8_lossy(&all[&path]),
            "{path}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: tries(25, 1_500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "slow: run with --include-ignored"]
    fn what_is_remembered_changes_no_figure(steps in vec(step(), 1..24)) {
        let folder = tempfile::tempdir().expect("a folder");
        let repo = Repo::create(&folder.path().join("repo"), "main").expect("a repository");
        repo.write_in_memory().expect("in memory");
        let (index, remembers) = (Index::open(folder.path()).expect("an index"), Remembers::default());
        let mut tree = Tree::new();
        let mut before = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            apply(&mut tree, step, &before);
            before.push(tree.clone());
            // The index is not asked at every step: it may be behind.
            if at % 3 > 0 {
                check(&repo, &tree, &index);
            }
            check(&repo, &tree, &remembers);
            check(&repo, &tree, &NoCache);
            if let Step::Add((machine, ..), numbers) | Step::Page(machine, numbers) = step {
                check_run(&repo, &tree, *machine, numbers, &index);
                check_run(&repo, &tree, (*machine + 1) % 3, numbers, &remembers);
            }
        }
    }
}
