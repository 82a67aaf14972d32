//! Blocks of five hours, as ccusage has them.

use crate::world::{Row, World};

/// As ccusage 20.0.24 has it for the same rows: a block takes a request five hours after its start, a gap begins five hours after the
/// last request before it.
#[test]
fn blocks_are_those_of_ccusage() {
    let world = World::new();
    let ada = world.machine("ada");
    let times = [
        "10T08:12:00",
        "10T09:00:00",
        "10T12:59:59",
        "10T13:05:00",
        "10T20:30:00",
        "11T01:00:00",
    ];
    let rows: String = (0..)
        .zip(times)
        .map(|(n, time)| Row::new("s", n, &format!("2026-03-{time}.000Z")).line())
        .collect();
    ada.write(".claude/projects/p/s.jsonl", &rows);
    ada.init().sync(&[]);
    let report = ada.report(&["blocks"]);
    let blocks = report["blocks"].as_array().expect("blocks");
    let shape: Vec<(&str, &str, Option<&str>, u64)> = blocks
        .iter()
        .map(|block| {
            let text = |key: &str| block[key].as_str().expect("a text");
            (
                text("id"),
                text("endTime"),
                block["actualEndTime"].as_str(),
                block["entries"].as_u64().expect("a count"),
            )
        })
        .collect();
    assert_eq!(
        shape,
        [
            (
                "2026-03-10T08:00:00.000Z",
                "2026-03-10T13:00:00.000Z",
                Some("2026-03-10T12:59:59.000Z"),
                3
            ),
            (
                "2026-03-10T13:00:00.000Z",
                "2026-03-10T18:00:00.000Z",
                Some("2026-03-10T13:05:00.000Z"),
                1
            ),
            (
                "gap-2026-03-10T18:05:00.000Z",
                "2026-03-10T20:30:00.000Z",
                None,
                0
            ),
            (
                "2026-03-10T20:00:00.000Z",
                "2026-03-11T01:00:00.000Z",
                Some("2026-03-11T01:00:00.000Z"),
                2
            ),
        ]
    );
    let daily = ada.report(&["daily"]);
    let sum: u64 = blocks
        .iter()
        .map(|block| block["totalTokens"].as_u64().expect("a count"))
        .sum();
    assert_eq!(Some(sum), daily["totals"]["totalTokens"].as_u64());
    assert_eq!(blocks[0]["isActive"], true, "the clock says noon");
    assert!(
        blocks[0]["projection"]["remainingMinutes"] == 60 && blocks[1]["burnRate"].is_null(),
        "{report:#}"
    );
    let table = ada.track(&["blocks", "-z", "UTC"]).out;
    assert!(
        table.contains("2026-03-10 08:00 ┆ 4h 47m, active") && table.contains("Active: "),
        "{table}"
    );
}
