//! Reports show what this machine's transcripts have beyond its last sync, as that sync would count it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{Machine, NOON, Row, World, run, transcript};

/// What reports show that must be the same before a sync and after it.
fn shown(machine: &Machine) -> Vec<String> {
    let reports = [
        "daily", "session", "machines", "projects", "models", "blocks",
    ];
    let show = |report: &&str| {
        let mut report = machine.report(&[report]);
        // The sync itself changes when the machine last synced.
        if let Some(rows) = report["machines"].as_array_mut() {
            for row in rows {
                row["lastSync"] = serde_json::Value::Null;
            }
        }
        report.to_string()
    };
    reports.iter().map(show).collect()
}

/// The bytes of every file below a folder. `SQLite` keeps files of its own beside an index.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            out.extend(files(&path));
        } else if !name.ends_with("-shm") && !name.ends_with("-wal") {
            out.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    out
}

/// Asserts that reports show before a sync what they show after it, and that they write nothing.
fn sync_changes_no_report(machine: &Machine) {
    let found = files(&machine.home);
    let before = shown(machine);
    let left = files(&machine.home);
    let changed: Vec<_> = found
        .iter()
        .chain(&left)
        .map(|(path, _)| path)
        .filter(|path| found.get(*path) != left.get(*path))
        .collect();
    assert!(changed.is_empty(), "a report wrote {changed:?}");
    machine.sync(&["--offline"]);
    assert_eq!(before, shown(machine), "{}", machine.name);
}

fn append(machine: &Machine, path: &str, text: &str) {
    let path = format!(".claude/projects/p/{path}");
    let old = fs::read_to_string(machine.home.join(&path)).unwrap_or_default();
    machine.write(&path, &(old + text));
}

/// Use of each kind after the first sync: a new session, a request that grows, a session resumed
/// in another file, a session of another hour, and one of several days.
fn uses(machine: &Machine) {
    append(machine, "s.jsonl", &transcript("s", 3..9));
    sync_changes_no_report(machine);
    let open = Row::new("s", 9, "2026-03-10T09:30:00.000Z")
        .output(5)
        .open();
    append(machine, "s.jsonl", &open.line());
    sync_changes_no_report(machine);
    let done = Row::new("s", 9, "2026-03-10T09:30:01.000Z").output(500);
    append(machine, "s.jsonl", &done.line());
    sync_changes_no_report(machine);
    let early = Row::new("s", 3, "2026-03-09T08:00:00.000Z");
    append(
        machine,
        "resumed.jsonl",
        &(early.line() + &transcript("r", 0..5)),
    );
    sync_changes_no_report(machine);
    append(machine, "t.jsonl", &transcript("t", 100..104));
    sync_changes_no_report(machine);
    let days = (5..9).map(|day| Row::new("d", 200 + day, &format!("2026-03-0{day}T10:00:00.000Z")));
    let days: String = days.map(|row| row.line()).collect();
    append(machine, "d.jsonl", &days);
    sync_changes_no_report(machine);
}

fn begin<'w>(world: &'w World, init: &[&str]) -> Machine<'w> {
    let ada = world.machine("ada");
    append(&ada, "s.jsonl", &transcript("s", 0..3));
    let remote = world.remote();
    ada.sync(&[&["init", &remote], init].concat());
    ada.sync(&[]);
    ada
}

#[test]
fn a_report_shows_what_the_next_sync_will_count() {
    let world = World::new();
    uses(&begin(&world, &[]));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_report_of_an_encrypted_fleet_shows_what_the_next_sync_will_count() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.sync(&["key", "init"]);
    ada.write(
        ".config/claude-sync/config.json",
        r#"{"privacy_settings":{"encryption":"at-rest"}}"#,
    );
    uses(&begin(&world, &[]));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_report_of_a_machine_with_a_branch_shows_what_the_next_sync_will_count() {
    let world = World::new();
    uses(&begin(&world, &["--branch-per-machine"]));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_report_keeps_to_the_settings_that_a_sync_keeps_to() {
    for settings in [
        r#"{"summary_only":true}"#,
        r#"{"privacy_settings":{"exclude_project_names":true}}"#,
    ] {
        let world = World::new();
        let ada = world.machine("ada");
        ada.write(".config/claude-sync/config.json", settings);
        uses(&begin(&world, &[]));
    }
}

#[test]
fn what_is_forgotten_stays_out_of_a_report_before_a_sync() {
    let world = World::new();
    let ada = begin(&world, &[]);
    ada.sync(&["forget", "--session", "s", "--yes"]);
    append(&ada, "again.jsonl", &transcript("s", 0..6));
    append(&ada, "kept.jsonl", &transcript("kept", 20..22));
    let report = ada.report(&["daily"]);
    assert_eq!(report["totals"]["requests"], 2, "{report}");
    sync_changes_no_report(&ada);
}

#[test]
fn what_was_synced_can_be_asked_for_alone() {
    let world = World::new();
    let ada = begin(&world, &[]);
    append(&ada, "s.jsonl", &transcript("s", 3..5));
    let requests = |args: &[&str]| ada.report(args)["totals"]["requests"].as_u64();
    assert_eq!(requests(&["daily"]), Some(5));
    assert_eq!(requests(&["daily", "--synced-only"]), Some(3));
}

#[test]
fn without_a_set_up_the_transcripts_of_this_machine_are_shown() {
    let world = World::new();
    let ada = world.machine("ada");
    append(&ada, "s.jsonl", &transcript("s", 0..3));
    let ran = ada.track(&[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("2026-03-10"), "{}", ran.out);
    assert_eq!(
        ran.err,
        "Only this machine: claude-sync is not set up. To add machines: claude-sync init\n"
    );
    assert_eq!(ada.report(&["daily"])["totals"]["requests"], 3);
    assert_eq!(ada.track(&["--quiet"]).err, "");
    // What was asked for by name is not replaced.
    assert_eq!(ada.track(&["--source=sync"]).code, 4);
    assert_eq!(ada.track(&["--synced-only"]).code, 4);
    assert_eq!(ada.track(&["--source=local", "--synced-only"]).code, 2);
}

#[test]
fn an_encrypted_fleet_without_its_key_is_an_error() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.sync(&["key", "init"]);
    ada.write(
        ".config/claude-sync/config.json",
        r#"{"privacy_settings":{"encryption":"at-rest"}}"#,
    );
    let ada = begin(&world, &[]);
    fs::remove_file(ada.home.join(".config/claude-sync/key")).expect("removed");
    let ran = ada.track(&["daily"]);
    assert_eq!(ran.code, 9, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("claude-sync key import"), "{}", ran.err);
    assert_eq!(ran.out, "");
}

// Its own usage disappeared from the report with the first new line.
#[test]
fn a_machine_that_waits_for_the_key_shows_what_it_synced() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for (machine, session, from) in [(&ada, "a", 0), (&bob, "b", 50)] {
        append(machine, "s.jsonl", &transcript(session, from..from + 2));
        machine.init().sync(&[]);
    }
    ada.sync(&[]);
    ada.sync(&["key", "init"]);
    ada.sync(&["config", "set", "privacy_settings.encryption", "at-rest"]);
    ada.sync(&[]);
    assert_eq!(bob.try_sync(NOON, &[]).code, 7, "it waits for the key");
    let requests = || bob.report(&["daily"])["totals"]["requests"].clone();
    assert_eq!(requests(), 4);
    append(&bob, "t.jsonl", &transcript("more", 60..61));
    assert_eq!(requests(), 4, "nothing of what it synced is left out");
    let told = bob.track(&["daily"]).err;
    assert!(told.contains("since its last sync is left out"), "{told}");
    let told = bob.try_sync(NOON, &["status"]).err;
    assert!(
        told.contains("which is not on this machine, and syncs fail"),
        "{told}"
    );
    let doctor = bob.try_sync(NOON, &["doctor", "--offline"]).out;
    assert!(
        doctor.contains("the repository is encrypted with the key"),
        "{doctor}"
    );
}

#[test]
fn a_clock_that_is_ahead_makes_no_active_block() {
    let world = World::new();
    let ada = world.machine("ada");
    let row = |n, time: &str| Row::new("s", n, time).line();
    append(&ada, "s.jsonl", &row(1, "2026-03-10T12:40:00.000Z"));
    ada.init().sync(&[]);
    let blocks = |now: &str| {
        let mut command = ada.command("claude-usage-tracker", now);
        let ran = run(command.args(["blocks", "--json", "-z", "UTC"]));
        serde_json::from_str::<serde_json::Value>(&ran.out).expect("JSON")["blocks"][0]["isActive"]
            .clone()
    };
    assert_eq!(blocks(NOON), false);
    assert_eq!(blocks("2026-03-10T12:41:00Z"), true);
}

#[test]
fn other_machines_figures_are_as_old_as_the_last_sync_that_reached_the_remote() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    append(&bob, "b.jsonl", &transcript("b", 50..52));
    bob.init().sync(&[]);
    append(&ada, "s.jsonl", &transcript("s", 0..3));
    ada.init().sync(&[]);
    let line = "Figures of other machines are from 3 hours ago";
    let at = |now: &str| run(ada.command("claude-usage-tracker", now).arg("daily")).out;
    assert!(
        !at(NOON).contains("Figures of other machines"),
        "{}",
        at(NOON)
    );
    // A commit that does not reach the remote brings nothing of the others.
    append(&ada, "s.jsonl", &transcript("s", 3..5));
    ada.sync_at("2026-03-10T15:00:00Z", &["--offline"]);
    assert!(at("2026-03-10T15:00:00Z").contains(line));
    // A sync that finds nothing new makes no commit, and reaches it.
    ada.sync_at("2026-03-10T15:00:00Z", &[]);
    ada.sync_at("2026-03-10T18:00:00Z", &[]);
    assert!(!at("2026-03-10T18:00:00Z").contains("Figures of other machines"));
}

/// After an update, or a lost index, reports would read everything until something new is synced.
#[test]
fn a_sync_without_news_makes_the_index_again() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("work", 0..3));
    ada.init().sync(&[]);
    fs::remove_dir_all(ada.state()).expect("removed");
    let head = ada.head();
    ada.sync(&[]);
    assert_eq!(ada.head(), head, "nothing is new");
    let index = rusqlite::Connection::open(ada.state().join("index.sqlite")).expect("opens");
    let count = "SELECT count(*) FROM portions";
    let portions: i64 = index
        .query_row(count, [], |row| row.get(0))
        .expect("counts");
    assert!(portions > 0, "the index has no digests");
}
