//! Manifests and reports of whole fleets.

use std::path::Path;

use claude_sync::bench::{Git, Index, Repo, requests};

use super::page::{Page, chart};
use super::peers;
use super::timed::{Timed, in_turn, mebibytes, table};
use crate::made::fleet;
use crate::made::home::Home;

const TRACKER: &str = env!("CARGO_BIN_EXE_claude-usage-tracker");

/// Where the tree of the changed machine is kept.
const CHANGED: &str = "refs/bench/changed";

/// What a child process does: the manifest of the changed tree, with the index or with nothing.
pub fn child(home: &Path, warm: bool) {
    let home = Home::grown(home, 0, 0);
    let repo = Repo::open(&home.repo()).expect("opens").expect("is there");
    let tree = repo
        .tree_of(repo.commit_at(CHANGED).expect("reads").expect("a commit"))
        .expect("reads");
    let index = Index::peek(&home.state()).expect("an index");
    let counted = requests(&repo, tree, warm.then_some(&index)).expect("computes");
    assert!(counted > 0, "the manifest has something to say");
}

/// What a child process does: the manifest of the newest commit, from the files alone.
pub fn read_all(home: &Path) {
    let home = Home::grown(home, 0, 0);
    let repo = Repo::open(&home.repo()).expect("opens").expect("is there");
    let head = repo.head("main").expect("reads").expect("a commit");
    let tree = repo.tree_of(head).expect("reads");
    let counted = requests(&repo, tree, None).expect("computes");
    assert!(counted > 0, "the manifest has something to say");
}

fn recompute(data: &Path, machines: u64, records: u64) -> [Timed<'static>; 2] {
    let place = data.join(format!("fleet-3-{machines}-{records}"));
    let home = Home::grown(&place, machines, records / machines);
    let repo = Repo::open(&home.repo()).expect("opens").expect("is there");
    if repo.commit_at(CHANGED).expect("reads").is_none() {
        let head = repo.head("main").expect("reads").expect("a commit");
        let index = Index::peek(&home.state()).expect("an index");
        let each = records / machines;
        let tree = fleet::add(
            &repo,
            repo.tree_of(head).expect("reads"),
            0,
            each..each + 1,
            &index,
        );
        let commit = repo
            .commit(&Git::find(false).expect("git"), tree, &[head], "changed\n")
            .expect("a commit");
        repo.move_ref(CHANGED, None, commit, "bench")
            .expect("moves");
    }
    let me = std::env::current_exe()
        .expect("a path")
        .display()
        .to_string();
    let place = place.display().to_string();
    let run = |name, how| Timed::new(name, &[&me, "child", how, &place], home.environment());
    [run("with the index", "warm"), run("from nothing", "cold")]
}

/// Row 7.
pub fn manifest(page: &mut Page, data: &Path, machines: u64, records: u64) {
    let mut all = recompute(data, machines, records);
    in_turn(3, &mut all);
    page.section(
        "Manifest",
        &format!(
            "{machines} machines, {records} records, one machine changed.\n\n{}",
            table(&all)
        ),
    );
    let ratio = all[0].wall() / all[1].wall();
    let what = "manifest recompute, 200 machines, 3 million records, one machine changed";
    page.row(
        "7",
        what,
        "at most 1/50 of recomputing from nothing",
        &format!("1/{:.0}", 1.0 / ratio),
        ratio <= 1.0 / 50.0,
    );
    page.memory("manifest with the index", all[0].peak, records);
    page.memory("manifest from nothing", all[1].peak, records);
}

/// The curve over machines, 15,000 records each.
pub fn curves(page: &mut Page, data: &Path, docs: &Path, machines: &[u64], each: u64) {
    let mut text = "| machines | records | with the index s | from nothing s | peak MiB |\n|---|---|---|---|---|\n".to_owned();
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for count in machines {
        let mut all = recompute(data, *count, count * each);
        in_turn(3, &mut all);
        let [a, b] = [all[0].wall(), all[1].wall()];
        text.push_str(&format!(
            "| {count} | {} | {a:.3} | {b:.3} | {:.1} |\n",
            count * each,
            mebibytes(all[1].peak)
        ));
        warm.push((*count as f64, a));
        cold.push((*count as f64, b));
    }
    let lines = [
        ("with the index".to_owned(), warm),
        ("from nothing".to_owned(), cold),
    ];
    chart(
        &docs.join("manifest.svg"),
        "Manifest after one machine changed",
        ["machines, 15,000 records each", "seconds"],
        &lines,
    );
    text.push_str("\n![Time over machines](docs/benchmarks/manifest.svg)\n");
    page.section("Manifest over machines", &text);
}

/// Row 8.
pub fn report(page: &mut Page, data: &Path, records: u64, rounds: usize) {
    let home = Home::grown(&data.join(format!("history-3-{records}")), 1, records);
    let mut all = vec![Timed::new(
        "claude-usage-tracker, from the index",
        &[TRACKER, "daily", "--json", "-z", "UTC"],
        home.environment(),
    )];
    in_turn(3 * rounds, &mut all);
    let mut peer = Vec::new();
    if let Some(program) = peers::ccusage() {
        let place = data.join(format!("report-transcripts-{records}"));
        if !place.join("done").exists() {
            let _ = std::fs::remove_dir_all(&place);
            fleet::transcripts(&place, records);
            std::fs::write(place.join("done"), "").expect("written");
        }
        let mut known = home.environment();
        known.push(("CLAUDE_CONFIG_DIR", place.display().to_string()));
        peer.push(Timed::new(
            "ccusage, from transcripts",
            &[
                &program,
                "claude",
                "daily",
                "--json",
                "--offline",
                "-z",
                "UTC",
            ],
            known,
        ));
        in_turn(1, &mut peer);
    }
    let cpu = all[0].cpu();
    all.extend(peer);
    page.section(
        "Report",
        &format!(
            "{records} records of one machine; ccusage reads a kilobyte for each.\n\n{}",
            table(&all)
        ),
    );
    let what = "fleet report over 1,000,000 records from the index";
    page.row(
        "8",
        what,
        "at most 100 ms of CPU",
        &format!("{:.0} ms", cpu * 1000.0),
        cpu <= 0.1,
    );
    match all.get(1) {
        Some(peer) => {
            let ratio = cpu / peer.cpu();
            page.row(
                "8",
                "the same against ccusage on the transcripts that made them",
                "under 1/20",
                &format!("1/{:.0}", 1.0 / ratio),
                ratio < 0.05,
            );
        }
        None => println!("ccusage: skipped, not installed: benches/peers.sh"),
    }
    page.memory("claude-usage-tracker, from the index", all[0].peak, records);
}
