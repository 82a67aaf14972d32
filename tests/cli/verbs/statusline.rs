//! The status line.

use crate::world::{Machine, Row, World};

/// Runs the status line with what Claude Code says on its standard input.
fn statusline(machine: &Machine, now: &str, told: &str) -> String {
    let mut command = machine.command("claude-usage-tracker", now);
    machine.write("told.json", told);
    let told = std::fs::File::open(machine.home.join("told.json")).expect("opened");
    let out = command
        .args(["statusline", "-z", "UTC"])
        .stdin(told)
        .output()
        .expect("runs");
    let ran = crate::world::ran(out);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ran.out
}

#[test]
fn the_status_line_has_the_days_and_the_blocks_cost_of_all_machines() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let told = r#"{"session_id":"x","model":{"id":"claude-opus-4-8","display_name":"Opus\u001b[31m 4.8"},"cost":{"total_cost_usd":1.239}}"#;
    assert_eq!(
        statusline(&ada, crate::world::NOON, told),
        "Opus\\u{1b}[31m 4.8 | $1.24 session / $0.00 today | this machine only: claude-sync init\n"
    );
    let row = |n, time: &str| Row::new("s", n, time).output(100_000).line();
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(row(1, "2026-03-09T23:59:59.000Z") + &row(2, "2026-03-10T02:00:00.000Z")),
    );
    bob.write(
        ".claude/projects/p/t.jsonl",
        &row(3, "2026-03-10T09:30:00.000Z"),
    );
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&[]);
    let today = ada.report(&["daily", "--since", "2026-03-10"])["totals"]["totalCost"].to_string();
    assert!(today.starts_with("5.00"), "{today}");
    assert_eq!(
        statusline(&ada, crate::world::NOON, told),
        "Opus\\u{1b}[31m 4.8 | $1.24 session / $5.01 today / $2.50 block (2h 0m left)\n"
    );
    bob.write(
        ".claude/projects/p/later.jsonl",
        &row(4, "2026-03-10T16:30:00.000Z"),
    );
    bob.sync(&[]);
    ada.sync(&[]);
    let ahead = statusline(&ada, "2026-03-10T15:30:00Z", "");
    assert_eq!(
        ahead, "$7.51 today | synced 3 hours ago\n",
        "a block of a clock that is ahead is not the one that goes on"
    );
    assert_eq!(
        statusline(&ada, "2026-03-11T00:30:00Z", "no JSON"),
        "$0.00 today | synced 12 hours ago\n"
    );
    assert_eq!(
        statusline(
            &ada,
            crate::world::NOON,
            r#"{"model":null,"cost":{"total_cost_usd":-1e400}}"#
        ),
        "$7.51 today / $2.50 block (2h 0m left)\n"
    );
}
