//! Digests change nothing but the time it takes: whatever happened to a tree, with whatever the index remembers, the manifest, a
//! machine's own figures and the rows of reports are those of reading everything.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::ids::{Interner, MachineId, SessionId};
use claude_sync::base::json::Extra;
use claude_sync::base::money::{Cost, Money};
use claude_sync::base::time::{Day, Timestamp};
use claude_sync::cache::digest::{FileDigest, PortionDigest};
use claude_sync::cache::index::Index;
use claude_sync::cache::memo::{FileEntry, Known, fingerprint};
use claude_sync::cache::overview::{self, Overview};
use claude_sync::cache::session::SessionSum;
use claude_sync::cache::{Cache, NoCache};
use claude_sync::fleet::enforce::Checked;
use claude_sync::fleet::manifest;
use claude_sync::fleet::read::{self, Content, Portion, Tree};
use claude_sync::fleet::rules::Rules;
use claude_sync::fleet::{Fleet, Row};
use claude_sync::format::dayfile::{DayFile, Forgotten};
use claude_sync::format::syncfile::Mode;
use claude_sync::git::Oid;
use claude_sync::git::repo::{Entry, FILE, Repo};
use claude_sync::record::{Counters, Level, Record, RecordSet, Source, Sum, SumKey, Totals};
use claude_sync::store::layout;
use claude_sync::sync::local::LocalFiles;
use claude_sync::sync::{self, Host, Stamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::made::{machine_id, name, record, sync_file_of};
use crate::scale::tries;

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

/// A place in a fleet of three machines, three months, two days and two parts.
type Place = (u8, u8, u8, u32);

/// A line of imported totals: source and zone, day, model, figures.
type Told = (u8, u8, u8, [u64; 4]);

/// What happens to a tree.
#[derive(Debug, Clone)]
enum Step {
    /// A file gains records, by number; `grown` ones have more output.
    Add(Place, Vec<(u8, bool)>),
    /// A file has these records and no others, as after a revert by hand.
    Set(Place, Vec<(u8, bool)>),
    /// A file gains records that meet others in every way.
    Odd(Place, Vec<Record>),
    /// A page is written, with copies of records.
    Page(u8, Vec<(u8, bool)>),
    /// A page of any kind is written.
    OddPage(String),
    /// A file gains lines of imported totals: which source and zone, day, model and figures.
    Import(Place, Vec<Told>),
    /// A file's records were pruned.
    Shorten(Place, bool),
    /// A file gains ids of forgotten records.
    Forget(Place, Vec<u8>),
    /// A file is gone.
    Drop(usize),
    /// An earlier state is back.
    Back(usize),
}

fn place() -> impl Strategy<Value = Place> {
    (0..3_u8, 0..3_u8, 0..2_u8, 1..3_u32)
}

/// Lines of imported totals; some tell what one record says, as if another machine had counted it.
fn lines() -> impl Strategy<Value = Vec<Told>> {
    let any = (
        0..7_u8,
        0..10_u8,
        0..5_u8,
        [0..9_u64, 0..90_u64, 0..2_u64, 0..2_u64],
    );
    let same = (0..3_u8, 0..7_u8, 0..120_u8)
        .prop_map(|(source, day, number)| (source, day, number % 3, [1, u64::from(number), 0, 0]));
    vec(prop_oneof![any, same], 1..5)
}

fn step() -> impl Strategy<Value = Step> {
    let numbers = || vec((0..120_u8, prop::bool::weighted(0.1)), 1..5);
    prop_oneof![
        20 => (place(), numbers()).prop_map(|(place, numbers)| Step::Add(place, numbers)),
        3 => (place(), numbers()).prop_map(|(place, numbers)| Step::Set(place, numbers)),
        1 => (place(), vec(record(), 1..3)).prop_map(|(place, records)| Step::Odd(place, records)),
        8 => (0..3_u8, numbers()).prop_map(|(machine, numbers)| Step::Page(machine, numbers)),
        1 => sync_file_of(1).prop_map(|page| Step::OddPage(page.write())),
        6 => (place(), lines()).prop_map(|(place, lines)| Step::Import(place, lines)),
        1 => (place(), any::<bool>()).prop_map(|(place, bare)| Step::Shorten(place, bare)),
        1 => (place(), vec(0..120_u8, 1..3)).prop_map(|(place, numbers)| Step::Forget(place, numbers)),
        2 => (0..9_usize).prop_map(Step::Drop),
        2 => (0..9_usize).prop_map(Step::Back),
    ]
}

/// A record that says the same wherever it stands; each number is of one machine, so that most are in one place.
fn numbered((number, grown): (u8, bool), date: Day) -> Record {
    let text = format!(
        "{{\"id\":\"{:016x}\",\"timestamp\":\"{date}T00:{:02}:00Z\",\"model\":\"claude-opus-4-{}\",\"input_tokens\":{number},\"output_tokens\":{},\"cache_creation_tokens\":0,\"cache_read_tokens\":0,\"cost_usd\":0}}",
        u64::from(number) << 32 | u64::from(number % 100),
        number % 60,
        5 + number % 3,
        if grown { 9 } else { 1 },
    );
    let session = SessionId::new(name(&format!("s{}", number % 7)));
    claude_sync::format::line::read_record(
        &text,
        &session,
        &format!("p{}", number % 3),
        &mut Interner::default(),
    )
    .expect("reads")
}

/// A record as it stands in a machine file, where its session is around it.
fn in_page(record: &Record) -> String {
    let line = record.line(record.day(), None);
    let session = format!(",\"session\":\"{}\"", record.origin.session);
    line.replace(&session, "")
}

fn date((_, month, day, _): Place) -> Day {
    Day::parse(&format!("2026-0{}-1{day}", month + 1)).expect("a day")
}

fn day_file(tree: &Tree, place: Place) -> (String, DayFile) {
    let (machine, day) = (machine_id(place.0), date(place));
    let path = layout::day_path(&machine, day, place.3);
    let known = tree.get(&path).map(|bytes| {
        DayFile::read(&machine, day, bytes, &mut Interner::default())
            .expect("reads")
            .0
    });
    (path, known.unwrap_or_else(|| DayFile::new(machine, day)))
}

/// A line of imported totals, about a day on which there are records, or one that other months' days are near to.
fn imported((source, day, model, [output, input, write, read]): Told, here: Day) -> (SumKey, Sum) {
    let day = match day {
        0 => here,
        // Also of another month than its file is of: what it depends on may be in any unit.
        1..7 => date((0, day % 3, day % 2, 1)),
        more => Day::parse(&format!("2026-02-0{}", more - 6)).expect("a day"),
    };
    // Hours that the day begins after that of UTC; a day that nobody knows the beginning of; and two states of the statistics.
    let (source, mark, from, to) = match source {
        0 => (Source::Ccusage, "+00:00".to_owned(), 0, 24),
        1 => (Source::Ccusage, "+01:00".to_owned(), -1, 23),
        2 => (Source::Ccusage, "-05:00".to_owned(), 5, 29),
        3 => (Source::Ccusage, "+14:00".to_owned(), -14, 10),
        4 => (Source::Ccusage, "odd".to_owned(), 9, 9),
        _ => (Source::StatsCache, format!("2026-03-0{source}"), 0, 24),
    };
    let model = [
        "claude-opus-4-5",
        "claude-opus-4-6",
        "claude-opus-4-7",
        "claude-opus-4-8",
        "unheard-of",
    ][usize::from(model)];
    let counters = Counters {
        input,
        output,
        cache_creation: write,
        cache_read: read,
        ..Counters::default()
    };
    let cost = Cost {
        known: model.starts_with("claude"),
        amount: Money::from_pico(u128::from(output) * 1_000_000_000),
    };
    let at = |hours: i64, less: i64| {
        Timestamp::from_millis(day.start().millis() + hours * 3_600_000 - less).expect("a time")
    };
    let totals = Totals {
        requests: 0,
        counters,
        cost,
    };
    let window = (from < to).then(|| (at(from, 0), at(to, 1)).into());
    let deducted = (output % 7 == 3).then_some(Totals {
        requests: 0,
        counters: Counters {
            output: output / 2,
            ..Counters::default()
        },
        cost: Cost::default(),
    });
    let sum = Sum {
        window,
        project: "p".to_owned(),
        totals,
        deducted,
        extra: Extra::new(),
    };
    (
        SumKey {
            source,
            day,
            mark: name(&mark),
            session: SessionId::new(name("")),
            model: name(model),
        },
        sum,
    )
}

fn apply(tree: &mut Tree, step: &Step, before: &[Tree]) {
    match step {
        Step::Add(place, numbers) | Step::Set(place, numbers) => {
            let (path, mut file) = day_file(tree, *place);
            if matches!(step, Step::Set(..)) {
                file = DayFile::new(file.machine, file.day);
            }
            numbers
                .iter()
                .for_each(|number| file.records.add(numbered(*number, file.day)));
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Odd(place, records) => {
            let (path, mut file) = day_file(tree, *place);
            records
                .iter()
                .for_each(|record| file.records.add(record.clone()));
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Import(place, lines) => {
            let (path, mut file) = day_file(tree, *place);
            lines.iter().for_each(|line| {
                let (key, sum) = imported(*line, file.day);
                file.add_sum(key, sum);
            });
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Shorten(place, bare) => {
            let (path, mut file) = day_file(tree, *place);
            let level = if *bare { Level::Bare } else { Level::Daily };
            file.records = file
                .records
                .iter()
                .map(|record| record.pruned(level))
                .collect();
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Forget(place, numbers) => {
            let (path, mut file) = day_file(tree, *place);
            file.forgotten
                .extend(numbers.iter().map(|number| Forgotten {
                    id: numbered((*number, false), file.day).id,
                    by: None,
                }));
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Page(machine, numbers) => {
            let id = machine_id(*machine);
            let records: Vec<_> = numbers
                .iter()
                .map(|number| in_page(&numbered(*number, date((0, 0, 0, 1)))))
                .collect();
            let text = format!(
                "{{\"version\":\"1.1\",\"machine\":{{\"uuid\":\"{id}\",\"hostname\":\"h\",\"updated_at\":\"2026-04-01T00:00:00Z\"}},\"sync_metadata\":{{}},\"usage_summary\":{{}},\"sessions\":{{\"s1\":{{\"project_name\":\"p1\",\"usage_records\":[{}]}}}}}}",
                records.join(",")
            );
            tree.insert(layout::machine_path(&id), text.into_bytes());
        }
        Step::OddPage(text) => drop(tree.insert(
            layout::machine_path(&machine_id(1)),
            text.clone().into_bytes(),
        )),
        Step::Drop(at) => {
            if let Some(path) = tree.keys().nth(at % tree.len().max(1)).cloned() {
                tree.remove(&path);
            }
        }
        Step::Back(at) => before
            .get(*at)
            .into_iter()
            .for_each(|earlier| tree.clone_from(earlier)),
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
    let quick = overview::manifest(repo, trees, 1, cache).expect("reads");
    assert_eq!(
        quick.write(),
        manifest::compute(&whole, trees, 1).write(),
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
