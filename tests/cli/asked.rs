//! The commands of `claude-usage-tracker`: their place in the line, days as words, the user's own defaults, blocks, hints.

use serde_json::Value;

use crate::world::{Machine, NOON, Ran, Row, World, run, transcript};

fn fleet(world: &World) -> Machine<'_> {
    let ada = world.machine("ada");
    let mut text = transcript("0fae0449-64d3-4788-8622-d3a47d82c14b", 0..4);
    // NOON is that of Tuesday, 10 March.
    for (n, day) in [(50, "08"), (51, "09")] {
        let row = Row::new("s2", n, &format!("2026-03-{day}T10:00:00.000Z"));
        text.push_str(&row.output(50_000 + u64::from(n)).line());
    }
    ada.write(".claude/projects/p/s.jsonl", &text);
    ada.init().sync(&[]);
    ada
}

fn days(machine: &Machine, args: &[&str]) -> Vec<String> {
    let ran = machine.track(&[args, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    let days = report["daily"].as_array().expect("days").iter();
    days.map(|day| day["date"].as_str().expect("a date")[8..].to_owned())
        .collect()
}

#[test]
fn options_may_stand_before_or_behind_the_command_or_alone() {
    let world = World::new();
    let ada = fleet(&world);
    let all = days(&ada, &["daily"]);
    assert_eq!(all, ["08", "09", "10"]);
    assert_eq!(days(&ada, &[]), all);
    assert_eq!(days(&ada, &["-z", "UTC", "daily"]), all);
    assert_eq!(
        days(&ada, &["--order", "desc", "daily"]),
        ["10", "09", "08"]
    );
    let help = ada.track(&["weekly", "--help"]).out;
    assert!(
        help.contains("--start-of-week") && help.contains("claude-usage-tracker weekly --last 4"),
        "{help}"
    );
    assert_eq!(
        ada.track(&["sessions", "--json"]).out,
        ada.track(&["session", "--json"]).out
    );
}

#[test]
fn days_may_be_words() {
    let world = World::new();
    let ada = fleet(&world);
    assert_eq!(days(&ada, &["--since", "today"]), ["10"]);
    assert_eq!(
        days(&ada, &["--since", "yesterday", "--until", "yesterday"]),
        ["09"]
    );
    assert_eq!(days(&ada, &["--since", "monday"]), ["09", "10"]);
    assert_eq!(days(&ada, &["--since", "2w", "--until", "2d"]), ["08"]);
    let wrong = ada.track(&["--since", "someday"]);
    assert!(wrong.code == 2 && wrong.err.contains("2w"), "{}", wrong.err);
    let none = ada.track(&["--since", "2026-01-01", "--until", "2026-01-02"]);
    assert_eq!(none.out, "No usage from 2026-01-01 to 2026-01-02.\n");
}

#[test]
fn rows_are_sorted_by_what_was_asked_for() {
    let world = World::new();
    let ada = fleet(&world);
    assert_eq!(days(&ada, &["--sort", "cost"]), ["09", "08", "10"]);
    assert_eq!(
        days(&ada, &["--sort", "cost", "--order", "asc"]),
        ["10", "08", "09"]
    );
    assert_eq!(days(&ada, &["--sort", "name"]), ["08", "09", "10"]);
}

#[test]
fn defaults_of_ones_own_hold_unless_an_option_says_otherwise() {
    let world = World::new();
    let ada = fleet(&world);
    let set = |key: &str, value: &str| ada.sync(&["config", "set", key, value]);
    set("tracker.order", "desc");
    set("tracker.timezone", "Asia/Tokyo");
    set("tracker.columns", "[\"cost\"]");
    assert_eq!(days(&ada, &[]), ["10", "09", "08"]);
    assert_eq!(days(&ada, &["--order", "asc"]), ["08", "09", "10"]);
    let table = ada.track(&["daily", "-z", "UTC"]).out;
    assert!(
        table.contains("Cost (USD)") && !table.contains("Output"),
        "{table}"
    );
    let table = ada.track(&["daily", "--columns", "output"]).out;
    assert!(
        !table.contains("Cost (USD)") && table.contains("Output"),
        "{table}"
    );
    let table = ada.track(&["daily", "--compact"]).out;
    assert!(
        table.contains("Output"),
        "a default is no conflict: {table}"
    );
    let help = ada.track(&["daily", "--help"]).out;
    assert!(help.contains("[default: Asia/Tokyo]"), "{help}");
    let wrong = ada.try_sync(NOON, &["config", "set", "tracker.timezone", "Europe/Berln"]);
    assert!(
        wrong.code != 0 && wrong.err.contains("time zone"),
        "{}",
        wrong.err
    );
}

#[test]
fn blocks_can_be_the_current_one_recent_ones_or_of_another_length() {
    let world = World::new();
    let ada = fleet(&world);
    let blocks = |args: &[&str]| -> Vec<Value> {
        let report = ada.report(&[&["blocks"], args].concat());
        report["blocks"].as_array().expect("blocks").clone()
    };
    let used = |all: &[Value]| all.iter().filter(|block| block["isGap"] == false).count();
    assert_eq!(used(&blocks(&[])), 3);
    let active = blocks(&["--active"]);
    assert!(
        active.len() == 1 && active[0]["isActive"] == true,
        "{active:?}"
    );
    assert_eq!(used(&blocks(&["--recent"])), 3);
    assert_eq!(blocks(&["--active", "--session-length", "2.5"]).len(), 0);
    let limited = &blocks(&["--token-limit", "max"])[0]["tokenLimitStatus"];
    assert!(limited["limit"].as_u64() > Some(50_000), "{limited}");
    let table = ada
        .track(&["blocks", "--token-limit", "100,000", "-z", "UTC"])
        .out;
    assert!(
        table.contains("Of Limit") && table.contains("53%"),
        "{table}"
    );
    assert!(
        table.contains("Total") && table.contains("3 blocks"),
        "{table}"
    );
    let wrong = ada.track(&["blocks", "-n", "0"]);
    assert!(
        wrong.code == 2 && wrong.err.contains("such as 5"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_word_of_another_program_gets_a_hint() {
    let world = World::new();
    let ada = world.machine("ada");
    let hint = |ran: Ran, hint: &str| {
        assert!(ran.code == 2 && ran.err.contains(hint), "{}", ran.err);
    };
    for word in ["sync", "push", "pull"] {
        hint(
            ada.try_sync(NOON, &[word]),
            "tip: claude-sync without a command",
        );
    }
    hint(
        ada.track(&["today"]),
        "tip: claude-usage-tracker daily --since today",
    );
    hint(
        ada.track(&["--active"]),
        "tip: claude-usage-tracker blocks --active",
    );
}

#[test]
fn a_machine_is_renamed_by_two_names() {
    let world = World::new();
    let ada = fleet(&world);
    ada.sync(&["machine", "rename", "ada", "laptop"]);
    assert!(ada.track(&["machines"]).out.contains("laptop"));
    let twice = ada.try_sync(
        NOON,
        &["machine", "rename", "laptop", "x", "--machine", "laptop"],
    );
    assert!(
        twice.code == 2 && twice.err.contains("twice"),
        "{}",
        twice.err
    );
}

/// What a terminal shows: `None` where there is no `script`.
fn on_terminal(machine: &Machine, size: &str, args: &str) -> Option<String> {
    if !crate::shells::is_there("script", &["--version"]) {
        return None;
    }
    let program = machine.command("claude-usage-tracker", NOON);
    let line = format!("stty {size}; '{}' {args}", program.get_program().display());
    let mut command = std::process::Command::new("script");
    command.env_clear();
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .env("TERM", "xterm")
        .env("CLAUDE_SYNC_PAGER", "sed s/^/PAGED:/")
        .args(["-qec", &line, "/dev/null"]);
    Some(run(command).out)
}

#[test]
fn long_tables_go_through_the_pager_and_totals_are_bold() {
    let world = World::new();
    let ada = fleet(&world);
    let Some(high) = on_terminal(&ada, "rows 40 cols 100", "daily") else {
        return;
    };
    assert!(!high.contains("PAGED"), "{high}");
    assert!(high.contains("\u{1b}[1m│ Total"), "{high}");
    let low = on_terminal(&ada, "rows 5 cols 100", "daily").expect("script");
    assert!(low.contains("PAGED:"), "{low}");
    let without = on_terminal(&ada, "rows 5 cols 100", "daily --no-pager").expect("script");
    assert!(!without.contains("PAGED"), "{without}");
}
