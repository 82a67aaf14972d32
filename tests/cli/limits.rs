//! Limits in sum: little that was pushed must cost little here, in time and on the disk, and nobody's figures.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::scale::long;
use crate::world::{Machine, NOON, World, transcript};

const EVE: &str = "eeeeeeee-0000-4000-8000-000000000000";

/// Ada syncs; somebody else has a clone.
fn stage(world: &World) -> (Machine<'_>, PathBuf) {
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    let clone = world.path().join("eve");
    world.git(
        world.path(),
        &["clone", "-q", &world.remote(), &clone.display().to_string()],
    );
    (ada, clone)
}

/// Pushes a blob under names, as git itself would take it from a hostile pack.
fn push(world: &World, clone: &PathBuf, bytes: &[u8], names: impl Iterator<Item = String>) {
    let file = world.path().join("blob");
    fs::write(&file, bytes).expect("written");
    let id = world.git(
        clone,
        &[
            "-c",
            "core.bigFileThreshold=1m",
            "hash-object",
            "-w",
            &file.display().to_string(),
        ],
    );
    let mut list = String::new();
    for name in names {
        list.push_str(&format!("100644 {}\t{name}\n", id.trim()));
    }
    let mut index = Command::new("git")
        .arg("-C")
        .arg(clone)
        .args(["update-index", "--index-info"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("runs");
    index
        .stdin
        .take()
        .expect("a pipe")
        .write_all(list.as_bytes())
        .expect("written");
    assert!(index.wait().expect("ends").success());
    world.git(clone, &["commit", "-q", "-m", "more"]);
    world.git(clone, &["push", "-q", "origin", "HEAD:main"]);
}

fn header(day: &str) -> String {
    format!("{{\"version\":\"1.1\",\"machine\":\"{EVE}\",\"day\":\"{day}\"}}\n")
}

/// Bytes of the files in a work tree.
fn shown(machine: &Machine) -> u64 {
    machine.files().values().map(|text| text.len() as u64).sum()
}

/// The next syncs bring what is new, and ada's figures stay hers; the work tree is clean for git.
fn assert_undisturbed(ada: &Machine, most: u64) -> String {
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    let ran = ada.sync(&[]);
    assert_eq!(ada.git(&["status", "--porcelain"]), "");
    assert!(
        shown(ada) < most,
        "{} bytes are in the work tree",
        shown(ada)
    );
    let quiet = ada.sync(&[]);
    assert!(
        quiet.out.starts_with("Nothing new in 1 transcript."),
        "{}",
        quiet.out
    );
    assert_eq!(ada.fleet().0, 5);
    ran.err
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn one_blob_under_many_names_fills_no_disk() {
    let world = World::new();
    let (ada, eve) = stage(&world);
    let megabytes = if long() { 60 } else { 5 };
    let line = format!("{{\"x\":1}}{}\n", " ".repeat(1015));
    let bytes = header("2026-03-10") + &line.repeat(megabytes << 10);
    // Day files by their names, of which one is what its header says; and names that nobody reads.
    let days = (1..=28).map(|day| format!("sync/archive/2026/03/{EVE}/{day:02}.jsonl"));
    let junk = (0..20).map(|at| format!("sync/machines/notes/{at}"));
    push(&world, &eve, bytes.as_bytes(), days.chain(junk));
    let told = assert_undisturbed(&ada, 1 << 20);
    assert!(
        told.contains("left out (too-large)") || !long() && told.contains("left out (misplaced)"),
        "{told}"
    );
    // It is carried all the same, and plain git neither misses nor deletes it.
    let carried = || {
        ada.git(&["ls-tree", "-r", "--name-only", "HEAD", "sync"])
            .lines()
            .filter(|path| path.contains(EVE) || path.contains("notes"))
            .count()
    };
    assert_eq!(carried(), 48);
    ada.write(".local/share/claude-sync/repo/mine.txt", "mine\n");
    ada.git(&["add", "-A"]);
    ada.git(&["commit", "-q", "-m", "mine"]);
    assert_eq!(
        (carried(), ada.git(&["status", "--porcelain"])),
        (48, String::new())
    );
    ada.sync(&[]);
    assert_eq!(carried(), 48);
    // A clone that is set up now shows as little.
    let bob = world.machine("bob");
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..12));
    bob.init().sync(&[]);
    assert_eq!(bob.git(&["status", "--porcelain"]), "");
    assert!(shown(&bob) < 1 << 20);
    assert_eq!(bob.fleet().0, 7);
    assert!(
        bob.sync(&[])
            .out
            .starts_with("Nothing new in 1 transcript.")
    );
    assert!(bob.repo().join("mine.txt").exists());
}

/// What was hidden once is shown when it is small enough, and the other way round.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_file_that_becomes_small_is_shown_and_one_that_grows_goes() {
    let world = World::new();
    let (ada, eve) = stage(&world);
    let path = format!("sync/machines/{EVE}.20260310T000000Z.json");
    // Of two versions of a snapshot that with the greater id stays.
    let version = |size: usize, digit: char| -> String {
        let all = (0..).map(|at| format!("{}{at}", "a".repeat(size)));
        let fits = |text: &String| {
            let file = world.path().join("version");
            fs::write(&file, text).expect("written");
            let id = world.git(&eve, &["hash-object", &file.display().to_string()]);
            id.starts_with(digit)
        };
        all.into_iter().find(fits).expect("there are many")
    };
    for (size, digit) in [(5 << 20, '3'), (1, '6'), (5 << 20, '9'), (1, 'c')] {
        let (text, is_shown) = (version(size, digit), size == 1);
        world.git(&eve, &["fetch", "-q"]);
        world.git(&eve, &["reset", "-q", "--hard", "origin/main"]);
        push(&world, &eve, text.as_bytes(), std::iter::once(path.clone()));
        ada.sync(&[]);
        assert_eq!(
            ada.git(&["cat-file", "-s", &format!("HEAD:{path}")]).trim(),
            text.len().to_string()
        );
        assert_eq!(
            ada.repo().join(&path).exists(),
            is_shown,
            "{} bytes",
            text.len()
        );
        assert_eq!(ada.git(&["status", "--porcelain"]), "");
        assert!(ada.sync(&[]).out.starts_with("Nothing new"));
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn more_sessions_than_any_file_has_are_left_out() {
    let world = World::new();
    let (ada, eve) = stage(&world);
    let mut lines = String::new();
    (0..=100_000).for_each(|at| lines.push_str(&format!("{{\"session\":\"s{at}\",\"a\":1}}\n")));
    push(
        &world,
        &eve,
        (header("2026-03-10") + &lines).as_bytes(),
        std::iter::once(format!("sync/archive/2026/03/{EVE}/10.jsonl")),
    );
    let told = assert_undisturbed(&ada, 8 << 20);
    assert!(told.contains("left out (too-many-sessions)"), "{told}");
}

/// Claims of sessions were compared each with each: four times as many took sixteen times as long.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn claims_of_many_sessions_are_counted_once_each() {
    let world = World::new();
    let (ada, eve) = stage(&world);
    let count = if long() { 90_000 } else { 8_000 };
    let sessions: Vec<String> = (0..count)
        .map(|at| {
            format!(
                "\"s{at:06}\":{{\"project_name\":\"p\",\"first_seen\":\"2026-03-10T00:00:00Z\",\"last_updated\":\"2026-03-10T00:00:00Z\",\
                 \"usage_count\":1,\"summary\":{{\"total_requests\":1,\"total_input_tokens\":1,\"total_output_tokens\":1}}}}"
            )
        })
        .collect();
    let page = format!(
        "{{\"version\":\"1.0\",\"machine\":{{\"uuid\":\"{EVE}\",\"hostname\":\"eve\",\"updated_at\":\"2026-03-10T00:00:00Z\"}},\
         \"sync_metadata\":{{}},\"usage_summary\":{{}},\"sessions\":{{{}}}}}",
        sessions.join(",")
    );
    push(
        &world,
        &eve,
        page.as_bytes(),
        std::iter::once(format!("sync/machines/{EVE}.json")),
    );
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 3 + count);
    let ran = ada.try_sync(NOON, &["verify", "--read-data"]);
    assert!(!ran.out.contains("differently"), "{}", ran.out);
}
