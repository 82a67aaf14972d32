//! How far automatic syncs stay apart in fleets of several machines.

use serde_json::Value;

use crate::world::{Machine, NOON, Ran, World, run, transcript};

fn auto(machine: &Machine, now: &str, args: &[&str]) -> Ran {
    run(machine.command("claude-sync", now).arg("auto").args(args))
}

/// Adds requests, and has Claude Code's hook or the timer start a sync. Returns whether it synced.
fn synced(machine: &Machine, now: &str, requests: u32, args: &[&str]) -> bool {
    machine.write(
        ".claude/projects/p/s.jsonl",
        &transcript("ada", 0..requests),
    );
    let commits = || machine.git(&["rev-list", "--count", "HEAD"]);
    let before = commits();
    let ran = auto(machine, now, &[&["run", "--trigger"], args].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    commits() != before
}

/// Two machines of which each adds ten minutes to the interval.
fn fleet(world: &World) -> Machine<'_> {
    let (bob, ada) = (world.machine("bob"), world.machine("ada"));
    for (machine, session) in [(&bob, "bob"), (&ada, "ada")] {
        machine.init();
        machine.write(".claude/projects/p/s.jsonl", &transcript(session, 0..1));
        machine.sync(&[]);
    }
    ada.sync(&["config", "set", "auto_sync.seconds_per_machine", "600"]);
    ada
}

#[test]
fn hooks_wait_longer_where_more_machines_sync() {
    let world = World::new();
    let ada = fleet(&world);
    assert!(synced(&ada, NOON, 2, &["hook"]));
    assert!(!synced(&ada, "2026-03-10T12:10:00Z", 3, &["hook"]));
    assert!(synced(&ada, "2026-03-10T12:20:00Z", 3, &["hook"]));
    // A laptop may be closed after a session.
    assert!(!synced(
        &ada,
        "2026-03-10T12:24:00Z",
        4,
        &["hook", "--session-end"]
    ));
    assert!(synced(
        &ada,
        "2026-03-10T12:25:00Z",
        4,
        &["hook", "--session-end"]
    ));
    // A timer takes what is left within the hour.
    assert!(synced(&ada, "2026-03-10T12:26:00Z", 5, &["timer"]));
    ada.sync(&["config", "set", "auto_sync.after_each_session", "false"]);
    let end = ["hook", "--session-end"];
    assert!(!synced(&ada, "2026-03-10T12:45:00Z", 6, &end));
    assert!(synced(&ada, "2026-03-10T12:46:00Z", 6, &end));
}

#[test]
fn timers_wait_where_syncs_stay_more_than_an_hour_apart() {
    let world = World::new();
    let ada = fleet(&world);
    ada.sync(&["config", "set", "auto_sync.seconds_per_machine", "6000"]);
    ada.sync(&[
        "config",
        "set",
        "auto_sync.maximum_interval_seconds",
        "9000",
    ]);
    assert!(synced(&ada, NOON, 2, &["timer"]));
    assert!(!synced(&ada, "2026-03-10T13:00:00Z", 3, &["timer"]));
    assert!(!synced(&ada, "2026-03-10T14:00:00Z", 3, &["timer"]));
    assert!(synced(&ada, "2026-03-10T14:28:00Z", 3, &["timer"]));
}

#[test]
fn a_machine_that_did_not_sync_for_a_week_slows_nobody() {
    let world = World::new();
    let ada = fleet(&world);
    let later = "2026-03-20T12:00:00Z";
    assert!(synced(&ada, later, 2, &["hook"]));
    assert!(synced(&ada, "2026-03-20T12:10:00Z", 3, &["hook"]));
    let status = auto(&ada, later, &["status", "--json"]).out;
    let status: Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(
        (&status["machines"], &status["interval_seconds"]),
        (&1.into(), &600.into())
    );
}

#[test]
fn status_shows_the_pace_of_a_large_fleet() {
    let world = World::new();
    let ada = fleet(&world);
    auto(&ada, NOON, &["enable", "--scheduler", "none"]);
    let shown = auto(&ada, NOON, &["status"]).out;
    assert!(
        shown.contains("pace: 20 minutes apart, because 2 machines synced in the last 7 days"),
        "{shown}"
    );
    ada.sync(&["config", "unset", "auto_sync.seconds_per_machine"]);
    let shown = auto(&ada, NOON, &["status"]).out;
    assert!(!shown.contains("pace"), "{shown}");
}
