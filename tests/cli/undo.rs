//! What was forgotten by mistake: days to come are no days to forget, what is held back is said, and what was forgotten can be taken back.

use std::fs;

use crate::world::{Machine, NOON, World, transcript};

fn project(name: &str, session: &'static str, requests: std::ops::Range<u32>) -> String {
    transcript(session, requests).replace(
        "/home/someone/work/shop",
        &format!("/home/someone/work/{name}"),
    )
}

/// Two machines that know each other.
fn two(world: &World) -> [Machine<'_>; 2] {
    let machines = ["ada", "bob"].map(|name| world.machine(name));
    for (at, machine) in machines.iter().enumerate() {
        let from = u32::try_from(at).expect("small") * 10;
        let text = transcript(["adas", "bobs"][at], from..from + 4)
            + &project("heron", ["ha", "hb"][at], 60 + from..62 + from);
        machine.write(".claude/projects/p/s.jsonl", &text);
        machine.init().sync(&[]);
    }
    machines.iter().for_each(|machine| drop(machine.sync(&[])));
    machines
}

fn clean_up(machine: &Machine) {
    fs::remove_dir_all(machine.home.join(".claude/projects"))
        .expect("Claude Code deletes transcripts");
}

fn bundles(machine: &Machine) -> usize {
    fs::read_dir(machine.state().join("undo")).map_or(0, |all| {
        all.flatten()
            .filter(|one| one.path().extension().is_some_and(|end| end == "bundle"))
            .count()
    })
}

// `forget --before 2206-01-01`, a typing error, silenced every machine for ever.
#[test]
fn days_to_come_are_not_forgotten() {
    let world = World::new();
    let [ada, _] = two(&world);
    for day in ["2206-01-01", "2026-03-11"] {
        let ran = ada.try_sync(NOON, &["forget", "--before", day, "--yes"]);
        assert!(ran.code == 2 && ran.err.contains("after today"), "{ran:?}");
    }
    assert_eq!(ada.fleet().0, 12);
}

// An earlier version took that day all the same: every machine ignores it, and says so.
#[test]
fn a_tombstone_for_days_to_come_does_nothing_and_is_named() {
    let world = World::new();
    let [ada, bob] = two(&world);
    let old = "00006f6c-0000-4000-8000-000000000000";
    let page = format!(
        "{{\"version\":\"1.1\",\"machine\":{{\"uuid\":\"{old}\",\"hostname\":\"old\",\"revision\":3,\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-03-10T00:00:00Z\"}},\"sync_metadata\":{{}},\"usage_summary\":{{}},\"sessions\":{{}},\"decisions\":[{{\"kind\":\"forgotten\",\"subject\":\"before:2206-01-01\",\"revision\":1,\"all\":true}}]}}"
    );
    ada.write(
        &format!(".local/share/claude-sync/repo/sync/machines/{old}.json"),
        &page,
    );
    ada.git(&["add", "sync"]);
    ada.git(&["commit", "-qm", "what an earlier version decided"]);
    ada.write(".claude/projects/p/t.jsonl", &transcript("later", 90..93));
    let ran = ada.sync(&[]);
    assert!(
        ran.err.contains("before 2206-01-01") && ran.err.contains("claude-sync forget --undo"),
        "{}{}",
        ran.out,
        ran.err
    );
    let ran = bob.sync(&[]);
    assert!(
        ran.err.contains("before 2206-01-01"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!((ada.fleet().0, bob.fleet().0), (15, 15));
    bob.sync(&["forget", "--undo"]);
    let quiet = ada.sync(&[]);
    assert!(!quiet.err.contains("2206"), "{}", quiet.err);
    // It stays away when that day has come.
    ada.sync_at("2206-01-02T12:00:00Z", &[]);
    ada.sync_at("2206-01-03T12:00:00Z", &["--mode=full"]);
    assert_eq!(ada.fleet().0, 15);
}

#[test]
fn what_is_held_back_is_counted_and_said() {
    let world = World::new();
    let [ada, bob] = two(&world);
    ada.sync(&["forget", "--project", "heron", "--yes"]);
    bob.sync(&[]);
    let ran = bob.sync(&["--mode=full"]);
    assert!(
        ran.out.contains("Held back 2 requests") && ran.out.contains("claude-sync forget --undo"),
        "{}",
        ran.out
    );
    let json: serde_json::Value =
        serde_json::from_str(&bob.sync(&["--mode=full", "--json"]).out).expect("JSON");
    assert_eq!(json["held_back"], 2);
    bob.write(
        ".claude/projects/p/t.jsonl",
        &project("heron", "later", 80..83),
    );
    let ran = bob.sync(&[]);
    assert!(ran.out.contains("Held back 3 requests"), "{}", ran.out);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_was_forgotten_comes_back_whole_and_everywhere() {
    for by in ["the machine that forgot", "another machine"] {
        let world = World::new();
        let [ada, bob] = two(&world);
        let before = ada.report(&["daily"])["totals"].clone();
        let ran = ada.sync(&[
            "forget",
            "--project",
            "heron",
            "--before",
            "2026-03-10",
            "--yes",
        ]);
        assert!(
            ran.out.contains("Forgot 4 requests"),
            "{}{}",
            ran.out,
            ran.err
        );
        bob.sync(&[]);
        assert_eq!((ada.fleet().0, bob.fleet().0), (8, 8));
        // Nobody has the transcripts any more.
        [&ada, &bob].into_iter().for_each(clean_up);
        assert_eq!(bundles(&ada), 1);
        let day = "2026-03-16T12:00:00Z";
        if by == "another machine" {
            let ran = bob.sync_at(day, &["forget", "--undo", "--project", "heron"]);
            assert!(
                ran.out.contains("Took back 1 decision"),
                "{}{}",
                ran.out,
                ran.err
            );
            assert_eq!(bob.fleet().0, 8, "{by}: bob has nothing of it");
            ada.sync_at(day, &[]);
            bob.sync_at(day, &["forget", "--undo", "--before", "2026-03-10"]);
        } else {
            let ran = ada.sync_at(day, &["forget", "--undo"]);
            assert!(
                ran.out.contains("Took back 2 decisions"),
                "{}{}",
                ran.out,
                ran.err
            );
        }
        [&ada, &bob, &ada]
            .into_iter()
            .for_each(|machine| drop(machine.sync_at(day, &[])));
        for machine in [&ada, &bob] {
            assert_eq!(
                machine.report(&["daily"])["totals"],
                before,
                "{by}: {}",
                machine.name
            );
            machine.assert_sound();
            let ran = machine.try_sync(day, &["verify", "--read-data"]);
            assert_eq!(ran.code, 0, "{by}: {}", ran.out);
        }
        assert_eq!(ada.manifest(), bob.manifest(), "{by}");
        assert_eq!(bundles(&ada), 0, "{by}");
        let quiet = ada.sync_at(day, &["--mode=full"]);
        assert!(quiet.out.starts_with("Nothing new"), "{by}: {}", quiet.out);
        // It can be forgotten once more.
        ada.sync_at(day, &["forget", "--project", "heron", "--yes"]);
        bob.sync_at(day, &[]);
        assert_eq!((ada.fleet().0, bob.fleet().0), (8, 8), "{by}");
    }
}

// A machine that was away forgets and remembers in whatever order it hears of both.
#[test]
fn an_undone_tombstone_joins_in_any_order() {
    let world = World::new();
    let [ada, bob] = two(&world);
    let eve = world.machine("eve");
    eve.write(
        ".claude/projects/p/s.jsonl",
        &project("heron", "he", 40..43),
    );
    eve.init().sync(&[]);
    ada.sync(&[]);
    bob.sync(&[]);
    // Eve goes on while she is away.
    eve.write(
        ".claude/projects/p/t.jsonl",
        &project("heron", "hf", 44..46),
    );
    eve.sync(&["--offline"]);
    ada.sync(&["forget", "--project", "heron", "--yes"]);
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 8);
    ada.sync(&["forget", "--undo"]);
    eve.sync(&[]);
    for machine in [&bob, &ada, &eve, &bob, &ada, &eve] {
        machine.sync(&[]);
    }
    for machine in [&ada, &bob, &eve] {
        assert_eq!(machine.fleet().0, 8 + 4 + 5, "{}", machine.name);
        machine.assert_sound();
    }
    assert_eq!(ada.manifest(), eve.manifest());
    assert_eq!(ada.manifest(), bob.manifest());
}

#[test]
fn after_a_week_it_is_too_late_and_nothing_is_kept() {
    let world = World::new();
    let [ada, bob] = two(&world);
    ada.sync(&["forget", "--project", "heron", "--yes"]);
    assert_eq!(bundles(&ada), 1);
    bob.sync(&["forget", "--session", "bobs", "--yes", "--for-good"]);
    assert_eq!(bundles(&bob), 0, "--for-good keeps nothing");
    let late = "2026-03-18T12:00:00Z";
    ada.sync_at(late, &[]);
    assert_eq!(bundles(&ada), 0);
    let ran = ada.try_sync(late, &["forget", "--undo", "--project", "heron"]);
    assert!(
        ran.code == 2 && ran.err.contains("more than 7 days ago"),
        "{ran:?}"
    );
    let ran = ada.try_sync(late, &["forget", "--undo", "--project", "stork"]);
    assert!(
        ran.code == 2 && ran.err.contains("nothing that was forgotten fits"),
        "{ran:?}"
    );
    assert_eq!(ada.fleet().0, 4);
}
