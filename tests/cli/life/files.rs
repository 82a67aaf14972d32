//! What the files of a machine have after its runs.

use super::day_files;
use crate::world::{Row, World, transcript};

#[test]
fn a_full_day_is_split_into_parts_and_updates_go_where_the_record_is() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    let rows = |n: std::ops::Range<u32>, output| -> String {
        n.map(|n| {
            Row::new(
                "s1",
                n,
                &format!(
                    "2026-03-10T08:{:02}:{:02}.{:03}Z",
                    n / 60 % 60,
                    n % 60,
                    n % 1000
                ),
            )
            .output(output)
            .line()
        })
        .collect()
    };
    machine.write(".claude/projects/p/a.jsonl", &rows(0..5000, 10));
    machine.sync(&[]);
    let parts = day_files(&machine);
    assert!(
        parts.len() > 1 && parts.iter().any(|name| name.ends_with("/10.2.jsonl")),
        "{parts:?}"
    );
    for (name, bytes) in machine
        .files()
        .iter()
        .filter(|(name, _)| name.contains("/archive/"))
    {
        assert!(
            bytes.len() <= (1 << 20) + 1000,
            "{name} has {} bytes",
            bytes.len()
        );
    }
    machine.write(".claude/projects/p/a.jsonl", &rows(0..5000, 11));
    machine.sync(&["--mode=full"]);
    assert_eq!(
        (machine.fleet(), day_files(&machine)),
        ((5000, 55_000), parts)
    );
}

#[test]
fn a_heartbeat_comes_once_a_day() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    let first = machine.head();
    machine.sync_at("2026-03-11T11:59:00Z", &[]);
    assert_eq!(machine.head(), first);
    machine.sync_at("2026-03-11T12:00:00Z", &[]);
    let second = machine.head();
    assert_ne!(second, first);
    machine.sync_at("2026-03-11T18:00:00Z", &[]);
    machine.sync_at("2026-03-11T18:00:00Z", &["--mode=full"]);
    assert_eq!(machine.head(), second);
    assert_eq!(
        machine.git(&["log", "-1", "--format=%s"]),
        "sync ada: nothing new\n"
    );
    let page = machine.git(&[
        "show",
        "HEAD:sync/machines/00616461-0000-4000-8000-000000000000.json",
    ]);
    assert!(
        page.contains("\"usage_records\": [\n"),
        "the page still tells of the last sync that brought something:\n{page}"
    );
}

#[test]
fn the_page_shows_the_two_newest_records_and_counts_all() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..7));
    machine.init().sync(&[]);
    let page: serde_json::Value = machine
        .files()
        .iter()
        .find_map(|(name, text)| {
            name.starts_with("sync/machines/")
                .then(|| serde_json::from_str(text).expect("JSON"))
        })
        .expect("a page");
    let session = page["sessions"]
        .as_object()
        .and_then(|all| all.values().next())
        .expect("a session");
    let shown: Vec<_> = session["usage_records"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|record| record["index"].as_u64())
        .collect();
    assert_eq!(shown, [Some(6), Some(7)], "the newest two, in order");
    assert_eq!(session["summary"]["total_requests"], 7);
    assert_eq!(page["usage_summary"]["total_requests"], 7);
}

#[test]
fn snapshots_are_kept_and_never_counted() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&["--snapshot"]);
    let name = "sync/machines/00616461-0000-4000-8000-000000000000.20260310T120000Z.json";
    assert!(
        machine.files().contains_key(name),
        "{:?}",
        machine.files().keys()
    );
    assert_eq!(
        (
            machine.fleet().0,
            machine.manifest_json()["global_summary"]["total_machines"].as_u64()
        ),
        (3, Some(1))
    );
}
