//! Machines that only a 1.0 manifest names, without a file of their own, count and can be named.

use serde_json::{Value, json};

use super::{Figures, check, check_all, number, put, seed, used};
use crate::world::{Machine, NOON, World, transcript};

const LAPTOP: &str = "0000601d-0000-4000-8000-000000000000";

/// A 1.0 manifest that names one machine, of 50 requests, and so many sessions.
fn manifest(sessions: u32) -> String {
    let session = |n: u32| {
        let value = json!({
            "machines": [LAPTOP], "project_name": "shop", "first_seen": "2026-01-01T00:00:00Z", "last_updated": "2026-02-01T00:00:00Z",
            "total_usage_count": 1, "conflict_status": "none",
        });
        (format!("conversation_{n:020}"), value)
    };
    json!({
        "$schema": "https://claude-usage-tracker.com/schemas/v1/manifest.json", "version": "1.0",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-02-01T00:00:00Z",
        "machines": { LAPTOP: {
            "hostname": "old-laptop", "platform": "win32", "first_seen": "2026-01-01T00:00:00Z", "last_sync": "2026-02-01T00:00:00Z",
            "last_sync_mode": "full", "status": "inactive",
            "usage_summary": { "total_requests": 50, "total_cost_usd": 5.25, "last_usage": "2026-02-01T00:00:00Z" },
        } },
        "global_summary": {
            "total_machines": 1, "active_machines": 0, "total_requests": 50, "total_input_tokens": 0, "total_output_tokens": 0,
            "total_cache_creation_tokens": 0, "total_cache_read_tokens": 0, "total_cost_usd": 5.25,
            "first_usage": "2026-01-01T00:00:00Z", "last_usage": "2026-02-01T00:00:00Z", "last_updated": "2026-02-01T00:00:00Z",
        },
        "sessions_index": (0..sessions).map(session).collect::<serde_json::Map<_, _>>(),
    })
    .to_string()
}

/// What the old laptop used, as far as is known.
fn laptop() -> Figures {
    Figures {
        requests: 50,
        tokens: [0; 4],
        cost: 5_250_000_000_000,
    }
}

/// A fleet of ada, with three requests, and the old laptop.
fn join(world: &World, sessions: u32) -> Machine<'_> {
    seed(world, &[("sync/manifest.json", manifest(sessions))]);
    let ada = world.machine("ada");
    put(&ada, "s1", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    ada
}

/// The old laptop in a machine's manifest.
fn entry(machine: &Machine) -> Value {
    machine.manifest_json()["machines"][LAPTOP].clone()
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn reports_count_machines_that_only_a_1_0_manifest_names() {
    let world = World::new();
    let ada = join(&world, 3);
    assert_eq!(
        number(&ada.manifest_json()["global_summary"], "total_requests"),
        53
    );
    check(&ada, used(0..3) + laptop(), "adopted");
    let bob = world.machine("bob");
    put(&bob, "s2", &transcript("s2", 10..12));
    bob.init();
    check_all(
        &[&ada, &bob],
        NOON,
        used((0..3).chain(10..12)) + laptop(),
        "another machine",
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_1_0_manifest_of_two_mebibytes_is_adopted() {
    let world = World::new();
    let ada = join(&world, 10_000);
    assert_eq!(number(&entry(&ada)["usage_summary"], "total_requests"), 50);
    check(&ada, used(0..3) + laptop(), "adopted");
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.sync(&[]);
    check(&ada, used(0..5) + laptop(), "later");
}

#[test]
fn a_machine_that_only_a_1_0_manifest_names_can_be_renamed_and_retired() {
    let world = World::new();
    let ada = join(&world, 3);
    ada.sync(&["machine", "rename", "attic", "--machine", "old-laptop"]);
    assert_eq!(entry(&ada)["label"], "attic");
    ada.sync(&["machine", "retire", LAPTOP]);
    assert_eq!(entry(&ada)["retired"], true);
    check(&ada, used(0..3) + laptop(), "renamed and retired");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_that_only_a_1_0_manifest_names_can_be_forgotten() {
    for name in [LAPTOP, "old-laptop"] {
        let world = World::new();
        let ada = join(&world, 3);
        let bob = world.machine("bob");
        put(&bob, "s2", &transcript("s2", 10..12));
        bob.init().sync(&[]);
        ada.sync(&["forget", "--machine", name, "--yes"]);
        check(&ada, used((0..3).chain(10..12)), "forgotten");
        check_all(
            &[&ada, &bob],
            NOON,
            used((0..3).chain(10..12)),
            "on all machines",
        );
        let all = super::history(&world, &world.path().join("remote.git"));
        assert!(
            !all.contains("old-laptop") && !all.contains("conversation_"),
            "the remote still has it"
        );
    }
}
