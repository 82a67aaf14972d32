//! A machine's life: syncing again, losing things, late rows, tools of different age.

mod files;

use std::collections::BTreeMap;
use std::fs;

use crate::world::{Machine, Row, World, transcript};

pub fn same(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) {
    let names = |m: &BTreeMap<String, String>| m.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(a), names(b));
    a.iter()
        .for_each(|(name, text)| assert_eq!(text, &b[name], "{name}"));
}

fn day_files(machine: &Machine) -> Vec<String> {
    machine
        .files()
        .into_keys()
        .filter(|name| name.starts_with("sync/archive/"))
        .collect()
}

#[test]
fn nothing_new_changes_no_byte() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    machine.init().sync(&[]);
    let (head, files) = (machine.head(), machine.files());
    let quiet = machine.sync_at("2026-03-10T13:00:00Z", &[]);
    assert_eq!(quiet.out, "Nothing new in 1 transcript.\n");
    machine.sync_at("2026-03-10T14:00:00Z", &["--mode=full"]);
    machine.sync_at("2026-03-10T15:00:00Z", &[]);
    assert_eq!(machine.head(), head);
    same(&machine.files(), &files);
    assert_eq!(
        world
            .git(&world.path().join("remote.git"), &["rev-parse", "main"])
            .trim(),
        head
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn incremental_and_full_leave_the_same_day_files() {
    let archive = |full: bool| {
        let world = World::new();
        let machine = world.machine("ada");
        machine.init();
        for end in [3, 7, 20] {
            machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..end));
            machine.sync(&[if full {
                "--mode=full"
            } else {
                "--mode=incremental"
            }]);
        }
        machine
            .files()
            .into_iter()
            .filter(|(name, _)| name.starts_with("sync/archive/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(archive(true), archive(false));
}

#[test]
fn an_incremental_run_reads_only_what_was_appended() {
    let world = World::new();
    let machine = world.machine("ada");
    let path = ".claude/projects/p/s.jsonl";
    machine.write(path, &transcript("s1", 0..3));
    machine.init().sync(&[]);
    // Same length, another head: only a reader that starts over would see the request in it.
    let text = transcript("s1", 0..3).replacen(
        "msg_010000000000000000000000",
        "msg_010000000000000000000009",
        1,
    );
    machine.write(path, &(text + &transcript("s1", 3..4)));
    machine.sync(&[]);
    assert_eq!(
        machine.fleet().0,
        4,
        "the rewritten head was read again by an incremental run"
    );
    machine.sync(&["--mode=full"]);
    assert_eq!(machine.fleet().0, 5);
}

#[test]
fn transcripts_that_go_away_lower_nothing() {
    let world = World::new();
    let machine = world.machine("ada");
    let path = ".claude/projects/p/s.jsonl";
    machine.write(path, &transcript("s1", 0..10));
    machine.init().sync(&[]);
    let before = machine.fleet();
    let head = machine.head();
    for (what, text) in [
        ("truncated", transcript("s1", 0..2)),
        ("rewritten", transcript("s1", 5..6)),
        ("emptied", String::new()),
    ] {
        machine.write(path, &text);
        machine.sync(&[]);
        machine.sync(&["--mode=full"]);
        assert_eq!(
            (machine.fleet(), machine.head()),
            (before, head.clone()),
            "{what}"
        );
    }
    fs::remove_dir_all(machine.home.join(".claude/projects")).expect("removed");
    fs::remove_dir_all(machine.state()).expect("removed");
    machine.sync(&["--mode=full"]);
    assert_eq!((machine.fleet(), machine.head()), (before, head));
}

// The rule: a record stays in the file of the day that it was first seen on. A design that sealed days and moved late rows counted twice
// after per-path merges.
#[test]
fn a_final_row_after_midnight_stays_with_its_provisional_row() {
    for lose_index in [false, true] {
        let world = World::new();
        let machine = world.machine("ada");
        machine.init();
        let first = Row::new("s1", 1, "2026-03-09T23:59:58.000Z")
            .output(3)
            .open();
        machine.write(".claude/projects/p/s.jsonl", &first.line());
        machine.sync(&[]);
        let files = day_files(&machine);
        if lose_index {
            fs::remove_dir_all(machine.state()).expect("removed");
        }
        let last = Row::new("s1", 1, "2026-03-10T00:00:04.000Z").output(500);
        machine.write(".claude/projects/p/s.jsonl", &(first.line() + &last.line()));
        machine.sync(&[]);
        assert_eq!(machine.fleet(), (1, 500));
        assert_eq!(day_files(&machine), files);
        assert_eq!(
            machine.report(&["daily"])["daily"][0]["date"],
            "2026-03-09",
            "the earliest row's day"
        );
        machine.assert_sound();
    }
}

#[test]
fn a_late_subagent_file_with_an_earlier_row_moves_no_record() {
    for lose_index in [false, true] {
        let world = World::new();
        let machine = world.machine("ada");
        machine.init();
        machine.write(
            ".claude/projects/p/s.jsonl",
            &Row::new("s1", 1, "2026-03-10T00:00:03.000Z")
                .output(70)
                .line(),
        );
        machine.sync(&[]);
        let files = day_files(&machine);
        if lose_index {
            fs::remove_dir_all(machine.state()).expect("removed");
        }
        let early = Row::new("s1", 1, "2026-03-09T23:59:59.000Z")
            .output(500)
            .line()
            .replace(
                "\"type\":\"assistant\"",
                "\"type\":\"assistant\",\"isSidechain\":true",
            );
        machine.write(".claude/projects/p/s/subagents/agent-1.jsonl", &early);
        machine.sync(&[]);
        assert_eq!(
            machine.fleet(),
            (1, 500),
            "the row with the most output wins, whichever file has it"
        );
        assert_eq!(day_files(&machine), files);
        assert_eq!(machine.report(&["daily"])["daily"][0]["date"], "2026-03-09");
    }
}

#[test]
fn the_index_can_vanish_between_any_two_steps() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    for end in 1..6 {
        machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..end));
        machine.sync(&[]);
        fs::remove_dir_all(machine.state()).expect("removed");
        assert_eq!(machine.fleet().0, u64::from(end));
    }
}

#[test]
fn a_repository_restored_from_a_backup_gets_back_what_the_index_had_seen() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.sync(&[]);
    let backup = world.path().join("backup");
    world.git(
        world.path(),
        &[
            "clone",
            "-q",
            "--no-local",
            "--mirror",
            &machine.repo().display().to_string(),
            "backup",
        ],
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..8));
    machine.sync(&[]);
    fs::remove_dir_all(machine.repo()).expect("removed");
    world.git(
        world.path(),
        &[
            "clone",
            "-q",
            &backup.display().to_string(),
            &machine.repo().display().to_string(),
        ],
    );
    machine.git(&["remote", "remove", "origin"]);
    machine.sync(&[]);
    assert_eq!(machine.fleet().0, 8);
}

#[test]
fn an_unterminated_last_line_counts_once() {
    let world = World::new();
    let machine = world.machine("ada");
    let path = ".claude/projects/p/s.jsonl";
    let text = transcript("s1", 0..3);
    machine.init();
    machine.write(path, text.trim_end());
    machine.sync(&[]);
    assert_eq!(
        machine.fleet().0,
        3,
        "a complete object without its line break is a row"
    );
    for cut in [text.len() + 5, text.len() + 120] {
        let longer = transcript("s1", 0..4);
        machine.write(path, &longer[..cut]);
        let ran = machine.sync(&[]);
        assert_eq!(
            (machine.fleet().0, ran.err.as_str()),
            (3, ""),
            "half a line is still being written: no row, no complaint"
        );
    }
    machine.write(path, &transcript("s1", 0..4));
    machine.sync(&[]);
    assert_eq!(machine.fleet().0, 4);
}

#[test]
fn summary_only_records_have_no_time_of_day_and_keep_totals() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&["--summary-only"]);
    let text = day_files(&ada)
        .iter()
        .map(|name| ada.files()[name].clone())
        .collect::<String>();
    assert!(!text.contains("T08:"), "no time left the machine:\n{text}");
    assert_eq!(text.matches("\"id\"").count(), 5, "{text}");
    assert_eq!(ada.fleet().0, 5);
    let before = (ada.head(), ada.files());
    ada.sync(&["--summary-only"]);
    ada.sync(&["--summary-only", "--mode=full"]);
    assert_eq!((ada.head(), ada.files()), before);
    // The same session on two machines: each request counts once.
    bob.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    bob.init().sync(&["--summary-only"]);
    assert_eq!(bob.fleet().0, 5);
    assert_eq!(
        bob.manifest_json()["sessions_index"]["s1"]["conflict_status"],
        "resolved"
    );
    bob.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..7));
    bob.sync(&["--summary-only"]);
    assert_eq!(bob.fleet().0, 7);
    // Switching back lengthens no record that was written without a time.
    ada.sync(&["--mode=full"]);
    assert!(
        !day_files(&ada)
            .iter()
            .any(|name| ada.files()[name].contains("T08:"))
    );
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 7);
}
