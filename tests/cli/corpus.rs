//! Real transcripts, where `CLAUDE_SYNC_TRANSCRIPTS` names a folder of them with the figures that a correct reader counts.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::verbs::pico;
use crate::world::{Machine, World, corpus};

/// The expected figures are rounded to micro-dollars; ours are exact. They agree where they are half a micro-dollar apart at most.
fn check_cost(ours: u128, expected: &Value, what: &str) {
    let difference = ours.abs_diff(pico(expected));
    assert!(
        difference <= 500_000,
        "{what}: cost {ours} picodollars instead of {expected} dollars"
    );
}

fn check(group: &Value, cost: &str, expected: &Value, what: &str) {
    for (ours, theirs) in [
        ("inputTokens", "input"),
        ("outputTokens", "output"),
        ("cacheCreationTokens", "cache_creation"),
        ("cacheReadTokens", "cache_read"),
        ("requests", "requests"),
    ] {
        assert_eq!(group[ours], expected[theirs], "{what}: {theirs}");
    }
    check_cost(pico(&group[cost]), &expected["cost"], what);
}

fn check_all(daily: &Value, expected: &Value) {
    check(&daily["totals"], "totalCost", &expected["totals"], "totals");
    let days = daily["daily"].as_array().expect("days");
    assert_eq!(
        days.len(),
        expected["days_utc"].as_object().expect("days").len()
    );
    for day in days {
        let date = day["date"].as_str().expect("a date");
        check(day, "totalCost", &expected["days_utc"][date], date);
    }
}

/// Per-model figures come from the days' breakdowns. Requests in fast mode stand there apart; the
/// expected figures have one row a model.
fn check_models(daily: &Value, expected: &Value) {
    for (model, want) in expected["models"].as_object().expect("models") {
        let parts = daily["daily"]
            .as_array()
            .expect("days")
            .iter()
            .flat_map(|day| day["modelBreakdowns"].as_array().expect("parts"));
        let parts: Vec<_> = parts
            .filter(|part| {
                let name = part["modelName"].as_str().expect("a name");
                name.strip_suffix("-fast").unwrap_or(name) == model
            })
            .collect();
        let sum = |key: &str| {
            parts
                .iter()
                .map(|part| part[key].as_u64().expect("a number"))
                .sum::<u64>()
        };
        for (ours, theirs) in [
            ("inputTokens", "input"),
            ("outputTokens", "output"),
            ("cacheCreationTokens", "cache_creation"),
            ("cacheReadTokens", "cache_read"),
            ("requests", "requests"),
        ] {
            assert_eq!(sum(ours), want[theirs], "{model}: {theirs}");
        }
        check_cost(
            parts.iter().map(|part| pico(&part["cost"])).sum(),
            &want["cost"],
            model,
        );
    }
}

fn expected(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("EXPECTED.json")).expect("readable"))
        .expect("JSON")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut todo = vec![folder.join("projects")];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).expect("a folder").flatten() {
            if entry.path().is_dir() {
                todo.push(entry.path());
            } else {
                out.push(entry.path());
            }
        }
    }
    out.sort();
    out
}

fn copy(machine: &Machine, folder: &Path, file: &Path) {
    let to = machine
        .home
        .join(".claude")
        .join(file.strip_prefix(folder).expect("below"));
    fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
    fs::copy(file, to).expect("a copy");
}

#[test]
fn real_transcripts_count_exactly() {
    let Some(folder) = corpus() else { return };
    let expected = expected(&folder);
    let world = World::new();
    let machine = world.machine("solo");
    files(&folder)
        .iter()
        .for_each(|file| copy(&machine, &folder, file));
    let local = machine.report(&["daily", "--source=local"]);
    check_all(&local, &expected);
    check_models(&local, &expected);
    machine.init().sync(&[]);
    let synced = machine.report(&["daily"]);
    check_all(&synced, &expected);
    check_models(&synced, &expected);
    let sessions = machine.report(&["session"]);
    assert_eq!(
        sessions["sessions"].as_array().expect("sessions").len() as u64,
        expected["sessions"].as_u64().expect("a number")
    );
    check(
        &sessions["totals"],
        "totalCost",
        &expected["totals"],
        "sessions",
    );
    machine.assert_sound();
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn three_machines_with_overlaps_agree_in_any_order() {
    let Some(folder) = corpus() else { return };
    let expected = expected(&folder);
    let all = files(&folder);
    let mut manifests = Vec::new();
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let world = World::new();
        let machines = ["ada", "bob", "cyd"].map(|name| world.machine(name));
        // Every third file lies on two machines, every seventh on all three.
        for (n, file) in all.iter().enumerate() {
            for (at, machine) in machines.iter().enumerate() {
                if n % 3 == at || (n % 9 == 0 && (n + 1) % 3 == at) || n % 7 == 0 {
                    copy(machine, &folder, file);
                }
            }
        }
        for at in order {
            machines[at].init().sync(&[]);
        }
        for machine in &machines {
            machine.git(&["pull", "-q"]);
            machine.assert_sound();
            check_all(&machine.report(&["daily"]), &expected);
            let fleet = machine.report(&["machines"]);
            check(
                &fleet["totals"],
                "totalCost",
                &expected["totals"],
                "machines",
            );
            assert_eq!(machine.manifest(), machines[0].manifest());
        }
        let mut manifest = machines[0].manifest_json();
        assert_eq!(
            manifest["global_summary"]["total_requests"],
            expected["totals"]["requests"]
        );
        manifests.push(std::mem::take(&mut manifest));
    }
    // The clock stands still, so the order leaves no trace at all.
    for manifest in &manifests[1..] {
        assert_eq!(manifest, &manifests[0]);
    }
}

#[test]
fn real_transcripts_can_vanish_with_the_index() {
    let Some(folder) = corpus() else { return };
    let expected = expected(&folder);
    let world = World::new();
    let machine = world.machine("solo");
    files(&folder)
        .iter()
        .for_each(|file| copy(&machine, &folder, file));
    machine.init().sync(&[]);
    let head = machine.head();
    fs::remove_dir_all(machine.home.join(".claude/projects")).expect("removed");
    fs::remove_dir_all(machine.state()).expect("removed");
    machine.sync(&["--mode=full"]);
    assert_eq!(machine.head(), head);
    check_all(&machine.report(&["daily"]), &expected);
}

#[test]
fn no_word_of_a_conversation_is_in_the_repository() {
    let Some(folder) = corpus() else { return };
    let world = World::new();
    let machine = world.machine("solo");
    files(&folder)
        .iter()
        .for_each(|file| copy(&machine, &folder, file));
    machine.init().sync(&[]);
    // The corpus' prose is scrubbed to runs of x; its paths are below /home/dev.
    for (name, text) in machine.files() {
        for word in ["xxx", "/home/dev", "gitBranch", "parentUuid", "tool_use"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
}
