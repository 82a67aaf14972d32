//! What holds of every tree: the cached way of counting gives what reading everything gives, and the rules hold.

use std::collections::BTreeMap;

use claude_sync::base::money::Money;
use claude_sync::base::time::Timestamp;
use claude_sync::cache::overview::{self, Overview};
use claude_sync::cache::{Cache, NoCache};
use claude_sync::fleet::enforce::{CheckedNow, breaking, enforce};
use claude_sync::fleet::read;
use claude_sync::fleet::rules::Rules;
use claude_sync::fleet::{Fleet, Row, RowSource, manifest};
use claude_sync::format::manifest::{BASIS, Basis, MAX_CONFLICTS, Manifest};
use claude_sync::front;
use claude_sync::git::Oid;
use claude_sync::git::repo::Repo;
use claude_sync::merge::old_roots::has_old_root;
use claude_sync::record::{Client, Totals};
use claude_sync::report::{Bounds, Fold, Report, ReportKind, Zone};

use crate::model::limits::known;

/// The zones in which daily reports are compared: days of UTC, of the east, and of half hours.
const ZONES: [&str; 3] = ["UTC", "Asia/Tokyo", "America/St_Johns"];

/// A row without its id, which the cache does not have.
type Cell = (
    usize,
    Option<String>,
    String,
    String,
    Timestamp,
    Totals,
    Option<Money>,
    RowSource,
    bool,
    Option<Client>,
);

/// What a report shows of a row: its machine, and its session, project, model and time.
type Shown = (String, (Option<String>, String, String, Option<Timestamp>));

/// Rows, how often each, and the reports that they make.
struct Seen {
    rows: BTreeMap<Cell, u32>,
    folds: Vec<Fold>,
}

impl Seen {
    fn new() -> Self {
        let fold = |kind, zone| {
            let zone = Zone::parse(zone).expect("a zone");
            Fold::new(kind, Bounds::default(), zone)
        };
        let daily = ZONES.iter().map(|zone| fold(ReportKind::Daily, zone));
        Self {
            rows: BTreeMap::new(),
            folds: daily
                .chain([ReportKind::Groups, ReportKind::Users].map(|kind| fold(kind, "UTC")))
                .collect(),
        }
    }

    fn add(&mut self, row: &Row<'_>) {
        let (session, project, model) = (
            row.session.map(ToString::to_string),
            row.project.to_owned(),
            row.model.to_owned(),
        );
        let cell = (
            row.machine,
            session,
            project,
            model,
            row.at,
            row.totals,
            row.recorded,
            row.source,
            row.provisional,
            row.client.cloned(),
        );
        *self.rows.entry(cell).or_default() += 1;
        self.folds.iter_mut().for_each(|fold| fold.add(row));
    }

    fn reports(self, fleet: &mut Fleet) -> (BTreeMap<Cell, u32>, Vec<Report>) {
        fleet.conflicts.truncate(MAX_CONFLICTS);
        (
            self.rows,
            self.folds
                .into_iter()
                .map(|fold| fold.finish(fleet, &[]))
                .collect(),
        )
    }
}

/// Asserts that a tree counts alike with each of the caches and without.
pub fn counts_alike(repo: &Repo, root: Oid, caches: &[&dyn Cache]) {
    let trees = read::inputs(repo, Some(root)).expect("reads");
    let mut seen = Seen::new();
    let mut whole = Fleet::count_rows(read::load(repo, trees).expect("reads"), &mut |row| {
        seen.add(row);
    });
    let text = manifest::compute(&whole, trees, BASIS).write();
    let expected = seen.reports(&mut whole);
    for cache in caches {
        let quick = overview::manifest(repo, trees, BASIS, *cache).expect("computes");
        assert_text(&quick.write(), &text, "the manifest from the cache");
        let mut seen = Seen::new();
        let overview = Overview::read(repo, trees, None, *cache, &mut |row| {
            seen.add(row);
        })
        .expect("reads");
        overview
            .show_rows(None, &mut |row| seen.add(row))
            .expect("reads");
        let mut fleet = overview.fleet;
        let limits = |fleet: &Fleet| known(fleet).limits;
        assert_eq!(limits(&fleet), limits(&whole), "plan limits from the cache");
        let (rows, reports) = seen.reports(&mut fleet);
        assert_rows(&rows, &expected.0);
        let names = ZONES.iter().chain(&["groups", "users"]);
        for (name, (report, wanted)) in names.zip(reports.iter().zip(&expected.1)) {
            assert_eq!(
                report, wanted,
                "the daily report in a zone, or that by group or user: {name}"
            );
        }
    }
}

/// Asserts that a report before a run shows what one after it shows. Retention leaves totals by
/// model alike, and no more: of two machines with a copy of a request, the one that still has its
/// time counts it.
pub fn shows_the_same(repo: &Repo, before: Oid, after: Oid, cache: &dyn Cache, exact: bool) {
    let rows = |root: Oid| {
        let trees = read::inputs(repo, Some(root)).expect("reads");
        let mut seen: BTreeMap<Shown, Totals> = BTreeMap::new();
        let mut all = Vec::new();
        let mut add = |row: &Row<'_>| {
            let session = row.session.map(ToString::to_string).filter(|_| exact);
            let project = if exact { row.project } else { "" };
            let at = Some(row.at).filter(|_| exact);
            let rest = (session, project.to_owned(), row.model.to_owned(), at);
            all.push((row.machine, rest, row.totals));
        };
        let overview = Overview::read(repo, trees, None, cache, &mut add).expect("reads");
        overview.show_rows(None, &mut add).expect("reads");
        let machines = &overview.fleet.machines;
        for (machine, rest, totals) in all {
            let id = machines[machine].id.to_string();
            let slot = seen.entry((if exact { id } else { String::new() }, rest));
            let slot = slot.or_default();
            *slot = slot.plus(totals);
        }
        seen.retain(|_, totals| *totals != Totals::default());
        seen
    };
    let (before, after) = (rows(before), rows(after));
    let differ = |(key, totals): &(&Shown, &Totals)| before.get(key) != Some(totals);
    let new: Vec<_> = after.iter().filter(differ).collect();
    let changed = |(key, totals): &(&Shown, &Totals)| after.get(key) != Some(totals);
    let old: Vec<_> = before.iter().filter(changed).collect();
    assert!(
        old.is_empty() && new.is_empty(),
        "a report before a run: {old:#?}\nand one after it: {new:#?}"
    );
}

fn assert_rows(rows: &BTreeMap<Cell, u32>, wanted: &BTreeMap<Cell, u32>) {
    let less = |a: &BTreeMap<Cell, u32>, b: &BTreeMap<Cell, u32>| -> Vec<(Cell, u32)> {
        a.iter()
            .filter(|(cell, count)| b.get(cell) != Some(count))
            .map(|(cell, count)| (cell.clone(), *count))
            .collect()
    };
    assert!(
        rows == wanted,
        "rows: the cache alone has {:#?}; reading everything alone has {:#?}",
        less(rows, wanted),
        less(wanted, rows)
    );
}

fn assert_text(text: &str, wanted: &str, what: &str) {
    let lines = || {
        text.lines()
            .zip(wanted.lines())
            .filter(|(a, b)| a != b)
            .take(5)
            .collect::<Vec<_>>()
    };
    assert!(
        text == wanted,
        "{what} differs from that of reading everything: {:#?}",
        lines()
    );
}

/// Asserts that the rules hold in a tree that a run made, and that its derived files are those of the files beside them. A
/// manifest of a greater basis than that of the run is left alone.
pub fn is_sound(repo: &Repo, root: Oid, cache: &dyn Cache, basis: Basis) {
    let rules = Rules::read(repo, root, |_, _| None).expect("reads");
    let broken = breaking(repo, root, &rules, &CheckedNow::default()).expect("reads");
    assert!(broken.is_empty(), "the rules do not hold in {broken:?}");
    assert!(
        breaking(repo, root, &rules, cache)
            .expect("reads")
            .is_empty(),
        "the cache says that the rules do not hold"
    );
    let again = enforce(repo, root, &mut rules.clone(), &CheckedNow::default()).expect("reads");
    assert!(
        again.root == root && again.forgotten.is_empty(),
        "applying the rules again changes something"
    );
    let trees = read::inputs(repo, Some(root)).expect("reads");
    let entry = repo
        .entry(Some(root), "sync/manifest.json")
        .expect("reads")
        .expect("a manifest");
    let text = String::from_utf8(repo.blob(entry.oid).expect("reads")).expect("text");
    let stored = Manifest::read(text.as_bytes()).expect("reads");
    if stored.basis > basis {
        return;
    }
    let fleet = Fleet::count(read::load(repo, trees).expect("reads"));
    assert_text(
        &text,
        &manifest::compute(&fleet, trees, basis).write(),
        "the manifest in the tree",
    );
}

/// Asserts that a history has nothing of before it was compacted.
pub fn has_one_history(repo: &Repo, tip: Oid) {
    let root = repo.tree_of(tip).expect("a commit");
    let rules = Rules::read(repo, root, |_, _| None).expect("reads");
    let all = repo.new_commits(tip, &[]).expect("reads");
    assert!(
        !has_old_root(repo, &rules, &all).expect("reads"),
        "a history that was compacted came back"
    );
}

/// Asserts that the front page, where there is one, is that of the files beside it.
pub fn front_is_fresh(repo: &Repo, root: Oid) {
    let there = front::There::read(repo, root).expect("reads");
    if there.split().is_some() {
        let inputs = read::inputs(repo, Some(root)).expect("reads");
        assert!(
            front::compute(repo, inputs, &there, &NoCache)
                .expect("draws")
                .is_none(),
            "the front page is of other files"
        );
    }
}
