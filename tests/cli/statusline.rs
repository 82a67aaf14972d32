//! The status line: whatever Claude Code passes, it prints one sensible line and no error.

use std::fs::File;

use serde_json::{Value, json};

use crate::world::{Machine, NOON, Ran, World, ran};

/// Runs the status line with a text on its standard input.
pub fn statusline(machine: &Machine, now: &str, input: &str, args: &[&str]) -> Ran {
    machine.write("input.json", input);
    let input = File::open(machine.home.join("input.json")).expect("opened");
    let mut command = machine.command("claude-usage-tracker", now);
    command.args(["statusline", "-z", "UTC"]).args(args);
    command.env_remove("COLUMNS");
    ran(command.stdin(input).output().expect("runs"))
}

/// What a current version of Claude Code passes, at noon.
pub fn input() -> Value {
    json!({
        "session_id": "s1",
        "model": { "id": "claude-opus-4-8", "display_name": "Opus 4.8" },
        "workspace": { "current_dir": "/work/shop" },
        "cost": { "total_cost_usd": 1.239 },
        "context_window": { "used_percentage": 42, "context_window_size": 200_000 },
        "rate_limits": {
            "five_hour": { "used_percentage": 63.4, "resets_at": 1_773_151_800 },
            "seven_day": { "used_percentage": 41, "resets_at": "2026-03-13T16:00:00.000Z" },
        },
    })
}

const WHOLE: &str = "Opus 4.8 | ctx 42% | $1.24 session / $0.00 today | 5h 63% (2h 10m) | week 41% (3d 4h) | this machine only: claude-sync init\n";

/// Fields, each with the part of the line that is gone or another one without it.
const FIELDS: [(&str, &str, &str); 8] = [
    ("/model/display_name", "Opus 4.8", "claude-opus-4-8"),
    ("/model", "Opus 4.8 | ", ""),
    ("/context_window/used_percentage", "ctx 42% | ", ""),
    ("/context_window", "ctx 42% | ", ""),
    ("/cost/total_cost_usd", "$1.24 session / ", ""),
    ("/cost", "$1.24 session / ", ""),
    (
        "/rate_limits/five_hour/used_percentage",
        "5h 63% (2h 10m) | ",
        "",
    ),
    ("/rate_limits/five_hour", "5h 63% (2h 10m) | ", ""),
];

/// The input with another value at a place; none takes it away.
fn with(at: &str, value: Option<Value>) -> String {
    let mut input = input();
    let (place, name) = at.rsplit_once('/').expect("a place");
    let object = input.pointer_mut(place).expect("there").as_object_mut();
    let object = object.expect("an object");
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.remove(name)),
    }
    input.to_string()
}

fn line(world: &World, number: usize, input: &str) -> String {
    // What was stated before would be shown.
    let machine = world.machine(&format!("m{number}"));
    let ran = statusline(&machine, NOON, input, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{input:.200}");
    ran.out
}

#[test]
fn a_field_that_is_missing_null_of_another_kind_or_long_is_left_out() {
    let world = World::new();
    assert_eq!(line(&world, 0, &input().to_string()), WHOLE);
    let long = "x".repeat(1 << 20);
    let odd = |at: &str| {
        let mut odd = vec![
            None,
            Some(Value::Null),
            Some(json!([1])),
            Some(json!(true)),
            Some(json!([[long]])),
        ];
        if at != "/model/display_name" {
            odd.extend([Some(json!("text")), Some(json!(long))]);
        }
        if at.ends_with("used_percentage") || at.ends_with("usd") {
            odd.push(Some(json!(-1)));
        }
        odd
    };
    let mut number = 1;
    for (at, part, instead) in FIELDS {
        for value in odd(at) {
            let wanted = WHOLE.replace(part, instead);
            assert_eq!(
                line(&world, number, &with(at, value.clone())),
                wanted,
                "{at} = {value:.80?}"
            );
            number += 1;
        }
    }
    let name = with("/model/display_name", Some(json!(long)));
    let wanted = WHOLE.replace("Opus 4.8", &("x".repeat(40) + "…"));
    assert_eq!(line(&world, number, &name), wanted, "a name of 1 MB is cut");
    let all = format!("{{\"unknown\":\"{long}\",{}", &input().to_string()[1..]);
    assert_eq!(
        line(&world, number + 1, &all),
        WHOLE,
        "an unknown field of 1 MB"
    );
}

#[test]
fn the_end_of_a_limit_is_seconds_or_a_text_or_not_there() {
    let world = World::new();
    let ends = [
        (json!(1_773_151_800), "5h 63% (2h 10m)"),
        (json!(1_773_151_800.25), "5h 63% (2h 10m)"),
        (json!("2026-03-10T14:10:00Z"), "5h 63% (2h 10m)"),
        (json!("2026-03-10T15:10:00.5+01:00"), "5h 63% (2h 10m)"),
        (Value::Null, "5h 63%"),
        (json!("soon"), "5h 63%"),
        (json!([]), "5h 63%"),
        (json!("9".repeat(1 << 20)), "5h 63%"),
        (json!(-5), "5h 63%"),
    ];
    for (number, (end, wanted)) in ends.into_iter().enumerate() {
        let input = with("/rate_limits/five_hour/resets_at", Some(end.clone()));
        let wanted = WHOLE.replace("5h 63% (2h 10m)", wanted);
        assert_eq!(line(&world, number, &input), wanted, "{end:.80}");
    }
    let input = with(
        "/rate_limits/five_hour/resets_at",
        Some(json!(1_773_100_000)),
    );
    let wanted = WHOLE.replace("5h 63% (2h 10m) | ", "");
    assert_eq!(line(&world, 99, &input), wanted, "a window that has ended");
}

#[test]
fn what_is_no_object_leaves_a_line_too() {
    let world = World::new();
    let deep = "[".repeat(1 << 20);
    for (number, input) in ["", "no JSON", "[]", "null", "{", &deep, "\u{0}"]
        .iter()
        .enumerate()
    {
        assert_eq!(
            line(&world, number, input),
            "$0.00 today | this machine only: claude-sync init\n"
        );
    }
    let ada = world.machine("ada");
    let ran = statusline(&ada, NOON, "", &["--format", "{model}{ctx}"]);
    assert_eq!((ran.out.as_str(), ran.code), ("-\n", 0), "never blank");
}

#[test]
fn the_line_has_the_parts_that_are_asked_for_and_that_fit() {
    let world = World::new();
    let ada = world.machine("ada");
    let text = input().to_string();
    let of = |args: &[&str]| statusline(&ada, NOON, &text, args).out;
    assert_eq!(
        of(&["--format", "{model}: {weekly}, {five_hour}"]),
        "Opus 4.8: week 41% (3d 4h), 5h 63% (2h 10m)\n"
    );
    assert_eq!(
        of(&["--format", "[{block}] {seven_day} {none} {"]),
        "[week 41% (3d 4h) {\n"
    );
    let narrow = |columns: &str| {
        let mut command = ada.command("claude-usage-tracker", NOON);
        let input = File::open(ada.home.join("input.json")).expect("opened");
        command
            .args(["statusline", "-z", "UTC"])
            .env("COLUMNS", columns);
        ran(command.stdin(input).output().expect("runs")).out
    };
    assert_eq!(
        narrow("60"),
        "Opus 4.8 | ctx 42% | 5h 63% (2h 10m) | week 41% (3d 4h)\n"
    );
    assert_eq!(narrow("20"), "5h 63% (2h 10m)\n");
    for odd in ["", "0", "x", "-1"] {
        assert_eq!(narrow(odd), WHOLE, "{odd}");
    }
}

#[test]
fn shares_are_colored_from_their_thresholds_on() {
    let world = World::new();
    let ada = world.machine("ada");
    let mut input = input();
    input["rate_limits"]["five_hour"]["used_percentage"] = json!(75);
    input["rate_limits"]["seven_day"]["used_percentage"] = json!(99.5);
    let text = input.to_string();
    let of = |args: &[&str]| {
        let format = ["--format", "{ctx} {five_hour} {weekly}"];
        statusline(&ada, NOON, &text, &[&format, args].concat()).out
    };
    let plain = "ctx 42% 5h 75% (2h 10m) week 99% (3d 4h)\n";
    assert_eq!(of(&["--color", "never"]), plain);
    assert_eq!(
        of(&["--color", "always"]),
        "ctx 42% \u{1b}[33m5h 75% (2h 10m)\u{1b}[0m \u{1b}[31mweek 99% (3d 4h)\u{1b}[0m\n"
    );
}
