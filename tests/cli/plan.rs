//! Plan limits: what Claude Code states is kept, synced, joined, and shown with who used it.

use std::fs;

use serde_json::{Value, json};

use crate::statusline::{input, statusline};
use crate::world::{Machine, NOON, Row, World, run};

/// Claude Code states how much of both windows was used, in percent.
fn state(machine: &Machine, now: &str, five_hour: u32, weekly: u32) {
    let mut input = input();
    input["rate_limits"]["five_hour"]["used_percentage"] = five_hour.into();
    input["rate_limits"]["seven_day"]["used_percentage"] = weekly.into();
    assert_eq!(statusline(machine, now, &input.to_string(), &[]).code, 0);
}

/// Its limits as JSON, at a time.
fn limits(machine: &Machine, now: &str, args: &[&str]) -> Value {
    let mut command = machine.command("claude-usage-tracker", now);
    let ran = run(command.args(["limits", "--json", "-z", "UTC"]).args(args));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    serde_json::from_str(&ran.out).expect("JSON")
}

/// Windows with what was used of them.
fn used(limits: &Value) -> Vec<(String, String)> {
    let all = limits["limits"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    all.map(|one| {
        (
            text(&one["account"]) + " " + &text(&one["window"]),
            one["usedPercent"].to_string(),
        )
    })
    .collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

fn usage(machine: &Machine, requests: std::ops::Range<u32>) {
    let row = |n| Row::new("s", n, &format!("2026-03-10T10:{:02}:00.000Z", n % 60)).output(1000);
    let name = format!(".claude/projects/p/{}.jsonl", requests.start);
    let rows: String = requests.map(|n| row(n).line()).collect();
    machine.write(&name, &rows);
}

/// The member of a machine's file, as it is in its work tree.
fn member(machine: &Machine) -> Value {
    let files = machine.files();
    let id = fs::read_to_string(machine.home.join(".claude/machine_id")).expect("an id");
    let text = &files[&format!("sync/machines/{}.json", id.trim())];
    serde_json::from_str::<Value>(text).expect("JSON")["limits"].clone()
}

/// The parts of a list of shares.
fn parts(usage: &Value, list: &str, part: &str) -> Vec<(String, f64)> {
    let all = usage[list].as_array().expect("a list").iter();
    let name = |one: &Value| one["name"].as_str().expect("a name").to_owned();
    all.map(|one| (name(one), one[part].as_f64().expect("a number")))
        .collect()
}

#[test]
fn the_newest_statement_of_any_machine_holds_and_its_use_is_split() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    usage(&ada, 0..3);
    usage(&bob, 100..101);
    state(&ada, "2026-03-10T11:00:00Z", 30, 40);
    state(&bob, "2026-03-10T11:30:00Z", 44, 39);
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&[]);
    let shown = limits(&ada, NOON, &[]);
    let wanted = pairs(&[("default five_hour", "44"), ("default seven_day", "39")]);
    assert_eq!(used(&shown), wanted);
    assert_eq!(shown, limits(&bob, NOON, &[]), "all machines show the same");
    let five = &shown["limits"][0];
    assert_eq!(five["resetsInSeconds"], 7800);
    assert_eq!(five["asOf"], "2026-03-10T11:30:00.000Z");
    let usage = &five["usage"];
    assert_eq!(
        parts(usage, "machines", "usedPercent"),
        [("ada".to_owned(), 33.0), ("bob".to_owned(), 11.0)]
    );
    assert_eq!(
        parts(usage, "machines", "sharePercent"),
        [("ada".to_owned(), 75.0), ("bob".to_owned(), 25.0)]
    );
    for list in ["projects", "sessions", "models"] {
        let sum: f64 = parts(usage, list, "usedPercent")
            .iter()
            .map(|(_, part)| part)
            .sum();
        assert!((sum - 44.0).abs() < 1e-9, "{list}: {usage}");
    }
    let table = |columns: &str| {
        let mut command = ada.command("claude-usage-tracker", NOON);
        command.env("COLUMNS", columns);
        run(command.args(["limits", "-z", "UTC"])).out
    };
    insta::assert_snapshot!(table("120") + "\n$ COLUMNS=60\n" + &table("60"));
    // A clock that is ahead: what it states is not newer, until that time comes.
    state(&bob, "2026-03-10T13:00:00Z", 20, 20);
    bob.sync_at("2026-03-10T13:30:00Z", &[]);
    ada.sync(&[]);
    assert_eq!(used(&limits(&ada, NOON, &[])), wanted);
    let later = pairs(&[("default five_hour", "20"), ("default seven_day", "20")]);
    assert_eq!(used(&limits(&ada, "2026-03-10T13:00:00Z", &[])), later);
}

#[test]
fn windows_that_ended_are_shown_where_they_are_asked_for() {
    let world = World::new();
    let ada = world.machine("ada");
    usage(&ada, 0..3);
    state(&ada, "2026-03-10T11:00:00Z", 30, 40);
    let count = |now: &str, args: &[&str]| used(&limits(&ada, now, args)).len();
    let later = "2026-03-10T15:00:00Z";
    assert_eq!(
        (
            count(NOON, &[]),
            count(later, &[]),
            count(later, &["--last", "1"])
        ),
        (2, 1, 2)
    );
    let past = limits(&ada, later, &["--last", "1"]);
    assert_eq!(
        (
            &past["limits"][0]["isCurrent"],
            &past["limits"][0]["usedPercent"]
        ),
        (&json!(false), &json!(30))
    );
    assert_eq!(
        parts(&past["limits"][0]["usage"], "sessions", "usedPercent"),
        [("s".to_owned(), 30.0)]
    );
    let unknown = ada.track(&["limits", "--account", "work"]);
    assert!(
        unknown.code == 2 && unknown.err.contains("known accounts: default"),
        "{}",
        unknown.err
    );
}

#[test]
fn limits_alone_make_a_commit_at_most_once_an_hour() {
    let world = World::new();
    let ada = world.machine("ada");
    usage(&ada, 0..3);
    ada.init().sync(&[]);
    let first = ada.head();
    state(&ada, "2026-03-10T12:10:00Z", 30, 40);
    ada.sync_at("2026-03-10T12:59:59Z", &[]);
    assert_eq!((ada.head(), member(&ada)), (first.clone(), Value::Null));
    ada.sync_at("2026-03-10T13:00:00Z", &[]);
    let second = ada.head();
    assert_ne!(second, first);
    assert_eq!(member(&ada)[0]["points"], json!([[1_773_144_600, 3000]]));
    ada.sync_at("2026-03-10T14:30:00Z", &["--mode=full"]);
    assert_eq!(ada.head(), second, "nothing is new");
    // With usage they go along at any time.
    state(&ada, "2026-03-10T13:05:00Z", 35, 40);
    usage(&ada, 10..12);
    ada.sync_at("2026-03-10T13:10:00Z", &[]);
    assert_eq!(
        member(&ada)[0]["points"].as_array().expect("points").len(),
        2
    );
    ada.assert_sound();
}

#[test]
fn limits_stay_at_home_where_that_is_set_and_are_shown_there() {
    let world = World::new();
    let settings = [
        json!({ "privacy_settings": { "limits": false } }),
        json!({ "summary_only": true }),
    ];
    for (number, setting) in settings.iter().enumerate() {
        let ada = world.machine(&format!("ada{number}"));
        ada.write(".config/claude-sync/config.json", &setting.to_string());
        usage(&ada, 0..3);
        state(&ada, "2026-03-10T11:00:00Z", 30, 40);
        ada.init().sync(&[]);
        assert_eq!(member(&ada), Value::Null, "{setting}");
        assert_eq!(used(&limits(&ada, NOON, &[])).len(), 2, "{setting}");
        let line = statusline(&ada, NOON, "", &["--format", "{five_hour}"]).out;
        assert_eq!(line, "5h 30% (2h 10m)\n", "{setting}");
    }
}

#[test]
fn accounts_are_told_apart_by_folder_and_named_by_the_user() {
    let world = World::new();
    let ada = world.machine("ada");
    usage(&ada, 0..3);
    ada.write(".claude-secret/settings.json", "{}");
    ada.write(".claude-work/settings.json", "{}");
    let config = json!({
        "accounts": { "~/.claude-work": "work" },
        "privacy_settings": { "exclude_project_names": true },
    });
    ada.write(".config/claude-sync/config.json", &config.to_string());
    state(&ada, "2026-03-10T11:00:00Z", 30, 40);
    for folder in [".claude-work", ".claude-secret"] {
        let mut command = ada.command("claude-usage-tracker", "2026-03-10T11:00:00Z");
        let input = fs::File::open(ada.home.join("input.json")).expect("opened");
        command
            .arg("statusline")
            .env("CLAUDE_CONFIG_DIR", ada.home.join(folder));
        assert!(
            command
                .stdin(input)
                .output()
                .expect("runs")
                .status
                .success()
        );
    }
    let shown = used(&limits(&ada, NOON, &[]));
    assert!(
        shown.len() == 6 && shown[0].0 == "claude-secret five_hour",
        "{shown:?}"
    );
    assert_eq!(used(&limits(&ada, NOON, &["--account", "work"])).len(), 2);
    ada.init().sync(&[]);
    let left: Vec<Value> = member(&ada).as_array().expect("limits").clone();
    let accounts: Vec<_> = left.iter().map(|one| one["account"].as_str()).collect();
    assert_eq!(
        accounts,
        [Some("default"), Some("default"), Some("work"), Some("work")]
    );
    assert!(!world.stored(&ada.repo()).contains("secret"));
}

#[test]
fn forgetting_and_retention_take_limits_out() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for (machine, first) in [(&ada, 0), (&bob, 100)] {
        usage(machine, first..first + 3);
        state(machine, "2026-03-10T11:00:00Z", 30, 40);
        machine.init().sync(&[]);
    }
    let count = |machine: &Machine| member(machine).as_array().map(Vec::len);
    assert_eq!(count(&bob), Some(2));
    let forget = ["forget", "--machine", "ada", "--yes"];
    bob.sync_at("2026-04-01T12:00:00Z", &forget);
    ada.sync_at("2026-04-01T13:00:00Z", &[]);
    assert_eq!(count(&ada), None);
    let forget = ["forget", "--before", "2026-03-12", "--yes"];
    bob.sync_at("2026-04-01T14:00:00Z", &forget);
    let ends = member(&bob)[0]["ends"].clone();
    assert_eq!(
        (count(&bob), ends),
        (Some(1), json!("2026-03-13T16:00:00.000Z"))
    );
    bob.sync_at("2026-04-01T16:00:00Z", &[]);
    assert_eq!(count(&bob), Some(1), "it does not come back");
    let eve = world.machine("eve");
    let retention = json!({ "privacy_settings": { "retention_days": 1 } });
    eve.write(".config/claude-sync/config.json", &retention.to_string());
    state(&eve, "2026-03-10T11:00:00Z", 30, 40);
    let row = |n, time: &str| Row::new("s", n, time).line();
    let rows = row(500, "2026-03-10T10:00:00.000Z") + &row(501, "2026-03-12T10:00:00.000Z");
    eve.write(".claude/projects/p/s.jsonl", &rows);
    eve.init().sync_at("2026-03-20T12:00:00Z", &[]);
    eve.sync_at("2026-03-21T14:00:00Z", &[]);
    assert_eq!(count(&eve), Some(1), "retention takes out the other");
}

#[test]
fn a_share_of_a_plan_limit_has_an_exit_code_of_its_own() {
    let world = World::new();
    let ada = world.machine("ada");
    let budget = |args: &[&str]| {
        let mut command = ada.command("claude-usage-tracker", NOON);
        run(command.args(["budget", "-z", "UTC"]).args(args))
    };
    let ran = budget(&["--five-hour", "80%", "--check"]);
    assert_eq!(ran.code, 0, "nothing is known: {}", ran.err);
    assert!(
        ran.out.contains("No current plan limit is known"),
        "{}",
        ran.out
    );
    usage(&ada, 0..3);
    state(&ada, "2026-03-10T11:00:00Z", 80, 40);
    ada.init().sync(&[]);
    for (args, code) in [
        (
            &["--five-hour", "80%", "--weekly", "90%", "--check"][..],
            20,
        ),
        (&["--five-hour", "80.5%", "--weekly", "90%", "--check"], 0),
        (&["--weekly", "40", "--check"], 0),
        (&["--weekly", "40%", "--check"], 20),
        (&["--weekly", "40%"], 0),
        (&["--monthly", "0.01", "--weekly", "40%", "--check"], 17),
        (&["--five-hour", "0%"], 2),
        (&["--weekly", "101%"], 2),
        (&["--five-hour", "x"], 2),
    ] {
        let ran = budget(args);
        assert_eq!(ran.code, code, "{args:?}: {}{}", ran.out, ran.err);
    }
    assert_eq!(
        budget(&["--five-hour", "80%", "--weekly", "90%"]).out,
        "5 hours: 80% of 80% used, reached; resets in 2h 10m\nweek: 40% of 90% used, not reached; resets in 3d 4h\n"
    );
    let value: Value =
        serde_json::from_str(&budget(&["--weekly", "40%", "--json"]).out).expect("JSON");
    assert_eq!(
        (&value["plan"][0]["reached"], &value["budgets"]),
        (&json!(true), &json!([]))
    );
}
