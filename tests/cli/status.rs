//! `claude-sync status`: what waits, how the others stand, and what is about to be lost.

use std::fs::{self, File};
use std::time::SystemTime;

use serde_json::Value;

use crate::world::{Machine, NOON, Ran, World, transcript};

fn is_valid(name: &str, value: &Value) {
    let path = format!(
        "{}/fixtures/schemas/output/{name}.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let schema = serde_json::from_str(&fs::read_to_string(path).expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
}

fn status(machine: &Machine, now: &str) -> Ran {
    let ran = machine.try_sync(now, &["status"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran
}

fn told(ran: &Ran) -> String {
    format!("{}{}", ran.out, ran.err)
}

fn json(machine: &Machine, now: &str) -> Value {
    let value =
        serde_json::from_str(&machine.sync_at(now, &["status", "--json"]).out).expect("JSON");
    is_valid("status", &value);
    value
}

/// The transcript was last written at a time in 2026.
fn touch(machine: &Machine, path: &str, time: &str) {
    let file = File::options()
        .write(true)
        .open(machine.home.join(path))
        .expect("a file");
    let time = chrono::DateTime::parse_from_rfc3339(time).expect("a time");
    file.set_modified(SystemTime::from(time)).expect("set");
}

#[test]
fn a_sync_without_news_is_a_sync() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..2));
    ada.init().sync(&[]);
    ada.sync_at("2026-03-10T15:00:00Z", &[]);
    let later = "2026-03-10T15:10:00Z";
    let told = told(&status(&ada, later));
    assert!(told.contains("last sync   10 minutes ago"), "{told}");
    assert_eq!(
        json(&ada, later)["last_exchange"],
        "2026-03-10T15:00:00.000Z"
    );
}

#[test]
fn the_requests_of_this_machine_in_the_repository_are_told() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let synced = |machine: &Machine| json(machine, NOON)["synced_requests"].clone();
    assert_eq!(synced(&ada), Value::Null, "there is no repository");
    assert!(!told(&status(&ada, NOON)).contains("in the repository"));
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.init();
    assert_eq!(synced(&ada), 0, "nothing is synced yet");
    ada.sync(&[]);
    bob.write(".claude/projects/p/s2.jsonl", &transcript("s2", 10..13));
    bob.init().sync(&[]);
    ada.sync(&["--download-all"]);
    // Not synced yet.
    ada.write(".claude/projects/p/s3.jsonl", &transcript("s3", 20..22));
    for (machine, requests) in [(&ada, 5), (&bob, 3)] {
        assert_eq!(synced(machine), requests);
        let line = format!("  synced      {requests} requests in the repository");
        let told = told(&status(machine, NOON));
        assert!(told.lines().any(|shown| shown == line), "{told}");
    }
    // As reports count them.
    let report = ada.report(&["machines", "--synced-only", "--machine", "ada"]);
    assert_eq!(synced(&ada), report["totals"]["requests"]);
    ada.sync(&[]);
    assert_eq!(synced(&ada), 7);
}

#[test]
fn what_waits_is_told_until_it_is_synced() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let world_path = world.path().display().to_string();
    let mut steps = vec![told(&status(&ada, NOON))];
    ada.init();
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.write(
        ".claude/projects/p/s1/subagents/agent-a1.jsonl",
        &transcript("s1", 5..7),
    );
    ada.write(".claude/projects/p/s2.jsonl", &transcript("s2", 10..12));
    for path in ["s1.jsonl", "s1/subagents/agent-a1.jsonl", "s2.jsonl"] {
        touch(&ada, &format!(".claude/projects/p/{path}"), NOON);
    }
    steps.push(told(&status(&ada, NOON)));
    ada.sync(&[]);
    bob.init().sync(&[]);
    ada.sync_at("2026-03-10T15:00:00Z", &["--download-all"]);
    steps.push(told(&status(&ada, "2026-03-10T15:00:00Z")));
    // The remote goes away, and there is something to push.
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("away.git"),
    )
    .expect("moved");
    ada.write(".claude/projects/p/s3.jsonl", &transcript("s3", 20..22));
    touch(&ada, ".claude/projects/p/s3.jsonl", "2026-03-10T15:30:00Z");
    assert_eq!(ada.try_sync("2026-03-10T16:00:00Z", &["--quiet"]).code, 7);
    steps.push(told(&status(&ada, "2026-04-10T16:00:00Z")));
    let value = json(&ada, "2026-03-10T16:00:00Z");
    assert_eq!(
        (&value["unpushed_commits"], &value["retry"]["failures"]),
        (&1.into(), &1.into())
    );
    assert_eq!(value["machines"].as_array().expect("machines").len(), 2);
    let auto = serde_json::from_str(&ada.sync(&["auto", "status", "--json"]).out).expect("JSON");
    is_valid("auto-status", &auto);
    insta::assert_snapshot!(steps.join("\n----\n").replace(&world_path, "[WORLD]"));
}

#[test]
fn transcripts_that_go_before_they_are_synced_are_told() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    touch(&ada, ".claude/projects/p/s1.jsonl", NOON);
    let warned = |now: &str| status(&ada, now).err.contains("cleanupPeriodDays");
    // 30 days by default; without automatic sync a week before.
    assert!(!warned("2026-04-01T12:00:00Z"));
    assert!(warned("2026-04-02T13:00:00Z"));
    assert!(
        status(&ada, "2026-06-02T13:00:00Z")
            .err
            .contains("any time now")
    );
    ada.write(".claude/settings.json", "{\"cleanupPeriodDays\": 90}");
    assert!(!warned("2026-04-02T13:00:00Z"));
    // With automatic sync nobody needs a week.
    ada.write(".claude/settings.json", "{\"cleanupPeriodDays\": 30}");
    ada.sync(&["auto", "enable", "--scheduler", "none"]);
    assert!(!warned("2026-04-02T13:00:00Z"));
    assert!(warned("2026-04-08T13:00:00Z"));
    ada.sync(&["auto", "disable"]);
    ada.write(".claude/settings.json", "{\"cleanupPeriodDays\": 0}");
    assert!(warned(NOON), "nothing is kept");
    ada.write(".claude/settings.json", "{}");
    ada.sync(&[]);
    assert!(!warned("2026-04-02T13:00:00Z"), "what is synced may go");
}

#[test]
fn conflicts_and_machines_that_stay_away_are_told() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for (machine, requests) in [(&ada, 0..3), (&bob, 0..4)] {
        machine.init();
        machine.write(".claude/projects/p/s1.jsonl", &transcript("s1", requests));
        machine.sync(&[]);
    }
    bob.break_checksum();
    ada.sync(&["--download-all"]);
    let ran = status(&ada, "2026-03-30T12:00:00Z");
    assert!(
        ran.out
            .contains("1 session to look at: claude-sync conflicts"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains(
            "bob last synced 20 days ago. If it will not again: claude-sync machine retire bob"
        ),
        "{}",
        ran.err
    );
    ada.sync(&["machine", "retire", "bob"]);
    let ran = status(&ada, "2026-03-30T12:00:00Z");
    assert!(
        ran.out.contains(", retired") && !ran.err.contains("bob"),
        "{}",
        told(&ran)
    );
}
