//! Groups and users of machines: who decides them, what reports and exports add up by them.

mod exports;
#[cfg(unix)]
mod private;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::verbs::pico;
use crate::world::{Machine, NOON, Row, World, run};

/// Ada's machine file.
const ADA: &str = "00616461-0000-4000-8000-000000000000.json";

/// Rows of one session of one machine, on two days, each with output of its own.
fn rows(session: &'static str, first: u32, count: u32) -> String {
    let row = |n: u32| {
        let day = 9 + n % 2;
        let time = format!("2026-03-{day:02}T08:{n:02}:00.000Z");
        Row::new(session, first + n, &time)
            .output(u64::from(first) + 7 * u64::from(n))
            .line()
    };
    (0..count).map(row).collect()
}

/// Four machines that synced: ada and bob in a group, cleo in another, dan in none.
fn team(world: &World) -> [Machine<'_>; 4] {
    let names = ["ada", "bob", "cleo", "dan"];
    let all = names.map(|name| world.machine(name));
    for (at, machine) in (0u32..).zip(&all) {
        let transcript = rows(names[at as usize], 100 * (at + 1), 3 + at);
        let project = format!(".claude/projects/p{}/s.jsonl", at % 2);
        machine.write(&project, &transcript);
        machine.init().sync(&[]);
    }
    let [ada, bob, cleo, dan] = &all;
    ada.sync(&["machine", "group", "backend"]);
    ada.sync(&["machine", "group", "bob", "backend"]);
    cleo.sync(&["machine", "group", "フロント"]);
    bob.sync(&["machine", "user", "Bea"]);
    cleo.sync(&["machine", "user", "Bea"]);
    dan.sync(&["machine", "user", "dan"]);
    ada.sync(&[]);
    all
}

/// Requests and cost by the names in a list of a report.
fn named(list: &Value, name: &str, cost: &str) -> BTreeMap<String, (u64, u128)> {
    let one = |row: &Value| {
        let key = row[name].as_str().expect("a name").to_owned();
        let requests = row["requests"].as_u64().expect("a number");
        (key, (requests, pico(&row[cost])))
    };
    let all: Vec<_> = list.as_array().expect("rows").iter().map(one).collect();
    let out: BTreeMap<_, _> = all.iter().cloned().collect();
    assert_eq!(out.len(), all.len(), "each name once: {list}");
    out
}

fn requests(machine: &Machine, args: &[&str]) -> u64 {
    let report = machine.report(args);
    report["totals"]["requests"].as_u64().expect("a number")
}

#[test]
fn groups_and_users_add_up_to_the_whole() {
    let world = World::new();
    let [ada, ..] = team(&world);
    for (by, report) in [("group", "groups"), ("user", "users")] {
        let whole = ada.report(&["daily", "--by", by]);
        let rows = named(&ada.report(&[report])[report], by, "totalCost");
        let sum = |all: &BTreeMap<String, (u64, u128)>| {
            let both = all.values();
            both.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        let totals = &whole["totals"];
        let total = (
            totals["requests"].as_u64().expect("a number"),
            pico(&totals["totalCost"]),
        );
        assert_eq!(sum(&rows), total, "{report}");
        let mut days: BTreeMap<String, (u64, u128)> = BTreeMap::new();
        for day in whole["daily"].as_array().expect("days") {
            let parts = named(&day[format!("{by}Breakdowns")], by, "cost");
            let of_day = (
                day["requests"].as_u64().expect("a number"),
                pico(&day["totalCost"]),
            );
            assert_eq!(sum(&parts), of_day, "{day}");
            for (name, (requests, cost)) in parts {
                let sum = days.entry(name).or_default();
                *sum = (sum.0 + requests, sum.1 + cost);
            }
        }
        assert_eq!(days, rows, "days add up to the report by {by}");
        for (name, figures) in &rows {
            let option = format!("--{by}={name}");
            let own = ada.report(&["machines", &option]);
            let totals = &own["totals"];
            let own = (
                totals["requests"].as_u64().expect("a number"),
                pico(&totals["totalCost"]),
            );
            assert_eq!(&own, figures, "{option}");
        }
    }
    let by = |report: &str, name: &str| -> Vec<(String, u64)> {
        named(&ada.report(&[report])[report], name, "totalCost")
            .into_iter()
            .map(|(name, (requests, _))| (name, requests))
            .collect()
    };
    let text = |name: &str| name.to_owned();
    assert_eq!(
        by("groups", "group"),
        [(text(""), 6), (text("backend"), 7), (text("フロント"), 5)]
    );
    assert_eq!(
        by("users", "user"),
        [(text(""), 3), (text("Bea"), 9), (text("dan"), 6)]
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn filters_by_group_and_user_select_machines() {
    let world = World::new();
    let [ada, ..] = team(&world);
    assert_eq!(
        requests(&ada, &["daily", "--group", "backend", "--user", "Bea"]),
        4,
        "all options must fit"
    );
    assert_eq!(
        requests(&ada, &["daily", "--user", "Bea", "--user", "dan"]),
        15,
        "names of one option add up"
    );
    assert_eq!(
        requests(&ada, &["groups", "--machine", "ada", "--group", "backend"]),
        3
    );
    assert_eq!(
        requests(&ada, &["users", "--project", "shop", "--group", "backend"]),
        7
    );
    assert_eq!(requests(&ada, &["daily", "--group", ""]), 6);
    let mut seen = String::new();
    for args in [
        &["daily", "--group", "backen"][..],
        &["users", "--user", "eve"],
        &["daily", "--user", "dan", "--group", "backend"],
        &["daily", "--group", "x", "--source=local"],
    ] {
        let mut command = ada.command("claude-usage-tracker", NOON);
        let ran = run(command.env("COLUMNS", "300").args(args));
        seen.push_str(&format!("{args:?}\nexit code {}\n{}\n", ran.code, ran.err));
    }
    insta::assert_snapshot!("no_such_group", seen);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn tables_show_groups_and_users() {
    let world = World::new();
    let [ada, bob, ..] = team(&world);
    let seen = [
        ada.track(&["groups", "--compact"]),
        ada.track(&["users", "--by", "group", "--compact"]),
        ada.track(&["monthly", "--by", "group", "--compact"]),
        ada.track(&["monthly", "--by", "user", "--csv"]),
        ada.track(&["groups", "--csv"]),
        ada.sync(&["machine", "list"]),
    ];
    let seen: Vec<_> = seen.into_iter().map(|ran| ran.out).collect();
    insta::assert_snapshot!("groups", seen.join("\n"));
    let status = ada.sync(&["status"]).out;
    assert!(status.contains("\n  group       backend\n"), "{status}");
    bob.sync(&[]);
    let status = bob.sync(&["status"]).out;
    for line in [
        "  group       backend\n  user        Bea\n",
        "  ada   last sync just now, group backend\n",
        "  cleo  last sync just now, group フロント, user Bea\n",
    ] {
        assert!(status.contains(line), "{line}: {status}");
    }
    let machines = ada.report(&["machines"]);
    let tags = named_tags(&machines["machines"], "hostname");
    assert_eq!(tags["cleo"], ("フロント".to_owned(), "Bea".to_owned()));
    let listed: Value =
        serde_json::from_str(&ada.sync(&["machine", "list", "--json"]).out).expect("JSON");
    assert_eq!(named_tags(&listed["machines"], "label"), tags);
    let status: Value = serde_json::from_str(&ada.sync(&["status", "--json"]).out).expect("JSON");
    assert_eq!(named_tags(&status["machines"], "name"), tags);
}

/// Group and user by machine.
fn named_tags(list: &Value, name: &str) -> BTreeMap<String, (String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
    let one = |row: &Value| (text(row, name), (text(row, "group"), text(row, "user")));
    list.as_array().expect("machines").iter().map(one).collect()
}

/// Group and user of a machine, as another sees them.
fn tags(at: &Machine, of: &Machine) -> (String, String) {
    named_tags(&at.report(&["machines"])["machines"], "hostname")[&of.name].clone()
}

fn pair(group: &str, user: &str) -> (String, String) {
    (group.to_owned(), user.to_owned())
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn decisions_of_two_machines_converge_in_either_order() {
    for first in [0, 1] {
        let world = World::new();
        let (ada, bob) = (world.machine("ada"), world.machine("bob"));
        for machine in [&ada, &bob] {
            machine.init().sync(&[]);
        }
        ada.sync(&[]);
        // Neither sees what the other decides.
        let (remote, away) = (world.path().join("remote.git"), world.path().join("away"));
        std::fs::rename(&remote, &away).expect("moved");
        for (machine, args) in [
            (&ada, &["machine", "group", "bob", "aaa"][..]),
            (&bob, &["machine", "group", "zzz"]),
            (&bob, &["machine", "user", "Bea"]),
        ] {
            let ran = machine.try_sync(NOON, args);
            assert!(ran.err.contains("warning"), "{}", ran.err);
        }
        std::fs::rename(&away, &remote).expect("moved");
        let order = if first == 0 {
            [&ada, &bob]
        } else {
            [&bob, &ada]
        };
        for machine in order.into_iter().chain(order) {
            machine.sync(&[]);
        }
        assert_eq!(ada.manifest(), bob.manifest());
        assert_eq!(tags(&ada, &bob), pair("zzz", "Bea"));
        assert_eq!(tags(&bob, &bob), pair("zzz", "Bea"));
        ada.sync(&["machine", "group", "--undo", "bob"]);
        bob.sync(&["machine", "user", "--undo"]);
        ada.sync(&[]);
        assert_eq!(tags(&ada, &bob), pair("", ""), "both are taken back");
        assert_eq!(tags(&bob, &bob), pair("", ""));
        ada.assert_sound();
    }
}

#[test]
fn only_a_machine_itself_states_its_user() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for (machine, session) in [(&ada, "a"), (&bob, "b")] {
        machine.write(".claude/projects/p/s.jsonl", &rows(session, 100, 2));
        machine.init().sync(&[]);
    }
    let ran = ada.try_sync(NOON, &["machine", "user", "bob", "Bea"]);
    assert_eq!(ran.code, 2, "there is no way to name another machine");
    ada.sync(&[]);
    // Somebody writes it into a file of their own all the same.
    ada.sync(&["machine", "group", "bob", "backend"]);
    let file = ada.repo().join("sync/machines").join(ADA);
    let text = std::fs::read_to_string(&file).expect("a file");
    let forged = text.replace(r#""kind":"group","#, r#""kind":"user","#);
    let forged = forged.replace(r#""group":"backend""#, r#""user":"mallory""#);
    assert_ne!(forged, text);
    std::fs::write(&file, forged).expect("written");
    ada.git(&["commit", "-q", "--no-verify", "-am", "say who bob is"]);
    ada.sync(&[]);
    bob.sync(&[]);
    for machine in [&ada, &bob] {
        assert_eq!(tags(machine, &bob).1, "", "it is not ada's to say");
    }
    bob.sync(&["machine", "user", "Bea"]);
    ada.sync(&[]);
    assert_eq!(tags(&ada, &bob).1, "Bea");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_group_stays_with_the_machine() {
    let world = World::new();
    let [ada, bob, cleo, dan] = team(&world);
    // Renamed and retired.
    ada.sync(&["machine", "rename", "bob", "tower"]);
    ada.sync(&["machine", "retire", "tower"]);
    let groups = |at: &Machine| named(&at.report(&["groups"])["groups"], "group", "totalCost");
    assert_eq!(groups(&ada)["backend"].0, 7);
    // Merged: usage counts for the other machine, and so for its group.
    dan.sync(&[]);
    dan.sync(&["machine", "merge", "tower", "cleo"]);
    ada.sync(&[]);
    assert_eq!(groups(&ada)["backend"].0, 3);
    assert_eq!(groups(&ada)["フロント"].0, 9);
    dan.sync(&["machine", "merge", "tower", "cleo", "--undo"]);
    ada.sync(&[]);
    assert_eq!(groups(&ada)["backend"].0, 7);
    // Another id is another machine; the old one keeps what it has.
    cleo.sync(&["machine", "adopt"]);
    let new = cleo.sync(&["machine", "new-id"]).out;
    assert!(new.contains("with its label, group and user"), "{new}");
    cleo.write(".claude/projects/p0/t.jsonl", &rows("cleo2", 900, 2));
    // Copies of requests count for the machine that came first.
    cleo.sync_at("2026-03-10T13:00:00Z", &[]);
    assert_eq!(groups(&cleo)["フロント"].0, 5);
    assert_eq!(groups(&cleo)[""].0, 8);
    cleo.sync(&["machine", "group", "フロント"]);
    assert_eq!(groups(&cleo)["フロント"].0, 7);
    bob.sync(&[]);
    bob.assert_sound();
}

#[test]
fn names_are_checked_and_escaped() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &rows("s", 100, 2));
    ada.init().sync(&[]);
    let long = "x".repeat(101);
    for args in [
        &["machine", "group", "\u{1b}[31mred"][..],
        &["machine", "group", &long],
        &["machine", "user", "a\nb"],
        &["machine", "group"],
        &["machine", "user"],
        &["machine", "group", "--undo", "ada", "x"],
        &["machine", "user", "--undo", "x"],
    ] {
        assert_eq!(ada.try_sync(NOON, args).code, 2, "{args:?}");
    }
    let name = "\u{202e}x,\"y\"";
    let said = ada.sync(&["machine", "group", name]).out;
    ada.sync(&["machine", "user", name]);
    for text in [
        said,
        ada.sync(&["machine", "list"]).out,
        ada.sync(&["status"]).out,
        ada.track(&["groups"]).out,
        ada.track(&["daily", "--by", "user"]).out,
        ada.track(&["groups", "--csv"]).out,
        ada.track(&["groups", "--json"]).out,
        ada.track(&["export"]).out,
        ada.track(&["export", "--format", "jsonl"]).out,
        ada.track(&["export", "--format", "openmetrics"]).out,
    ] {
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
    assert_eq!(requests(&ada, &["daily", "--group", name]), 2);
    // Commit messages show no names.
    let messages = ada.git(&["log", "--format=%B"]);
    assert!(
        messages.contains("set the group of a machine")
            && messages.contains("name the user of a machine")
            && !messages.contains("x,"),
        "{messages}"
    );
}
