//! Who the machines are: copied ids, labels, retired and merged machines.

use std::fs;

use crate::world::{Machine, NOON, World, run, transcript};

const ADA: &str = "00616461-0000-4000-8000-000000000000";
const BOB: &str = "00626f62-0000-4000-8000-000000000000";

fn two(world: &World) -> (Machine<'_>, Machine<'_>) {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..6));
    ada.init().sync(&[]);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 4..9) + &transcript("bobs", 20..22)),
    );
    bob.init().sync(&[]);
    ada.sync(&[]);
    (ada, bob)
}

/// Requests by machine, by name.
fn by_machine(machine: &Machine) -> Vec<(String, u64)> {
    let report = machine.report(&["machines"]);
    let rows = report["machines"].as_array().expect("machines");
    let mut out: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["hostname"].as_str().expect("a name").to_owned(),
                row["requests"].as_u64().expect("a number"),
            )
        })
        .collect();
    out.sort();
    out
}

/// A computer whose home was copied from another's.
fn copy<'w>(world: &'w World, from: &Machine, name: &str) -> Machine<'w> {
    let home = world.path().join(name);
    let status = std::process::Command::new("cp")
        .arg("-a")
        .arg(&from.home)
        .arg(&home)
        .status()
        .expect("cp runs");
    assert!(status.success());
    Machine {
        world,
        name: name.to_owned(),
        home,
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_copied_home_is_told_and_loses_nothing() {
    let world = World::new();
    let (ada, bob) = two(&world);
    let copy = copy(&world, &ada, "copy");
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..12));
    copy.write(".claude/projects/p/t.jsonl", &transcript("copys", 30..34));
    let warned = copy.sync(&[]);
    insta::assert_snapshot!("copied_home", warned.err);
    assert_eq!(
        ada.sync(&[]).err,
        "warning: Another computer syncs with the id of this one, 00616461-0000-4000-8000-000000000000. Nothing is lost or counted twice; but give one of the two its own id: claude-sync machine new-id. Or, if this is the same machine after a move or a restored backup: claude-sync machine adopt\n"
    );
    copy.sync(&[]);
    bob.sync(&[]);
    // 0..12 of ada's and bob's share, bob's 2, the copy's 4.
    assert_eq!((ada.fleet().0, copy.fleet().0, bob.fleet().0), (18, 18, 18));
    assert_eq!(ada.manifest(), bob.manifest());
    let new = copy.sync(&["machine", "new-id"]);
    let id = fs::read_to_string(copy.home.join(".claude/machine_id")).expect("an id");
    assert!(
        new.out.contains(id.trim()) && !id.contains("00616461"),
        "{}",
        new.out
    );
    copy.write(".claude/projects/p/t.jsonl", &transcript("copys", 30..36));
    assert_eq!(copy.sync(&[]).err, "", "it has an id of its own now");
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 20, "what is under both ids counts once");
    assert_eq!(by_machine(&ada).len(), 3);
    assert_eq!(
        by_machine(&ada)
            .iter()
            .map(|(_, requests)| requests)
            .sum::<u64>(),
        20,
        "machines' figures add up"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_moved_machine_is_adopted() {
    let world = World::new();
    let (ada, _bob) = two(&world);
    let moved = copy(&world, &ada, "moved");
    assert!(moved.sync(&[]).err.contains("made on another computer"));
    let head = moved.head();
    moved.sync(&["machine", "adopt"]);
    assert_eq!(
        (moved.sync(&[]).err.as_str(), moved.head()),
        ("", head),
        "and nothing else changed"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn decisions_converge_whoever_takes_them() {
    let world = World::new();
    let (ada, bob) = two(&world);
    // Both rename the same machine while they do not see each other.
    let rename = |machine: &Machine, label: &str| {
        let mut command = machine.command("claude-sync", NOON);
        assert_eq!(
            run(command.args(["machine", "rename", label, "--machine", "ada"])).code,
            0
        );
    };
    rename(&ada, "workstation");
    rename(&bob, "tower");
    ada.sync(&[]);
    let tree = |machine: &Machine| machine.git(&["rev-parse", "HEAD^{tree}"]);
    assert_eq!(tree(&ada), tree(&bob));
    let name = |machine: &Machine| {
        by_machine(machine)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        name(&ada),
        ["bob", "tower"],
        "bob saw the first decision, so his is the later one"
    );
    assert_eq!(ada.manifest_json()["machines"][ADA]["label"], "tower");
    assert_eq!(
        ada.manifest_json()["machines"][ADA]["hostname"],
        "ada",
        "the host is still called what it is called"
    );
    rename(&ada, "");
    assert_eq!(name(&ada), ["ada", "bob"], "an empty label is none");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_retired_machine_keeps_its_history() {
    let world = World::new();
    let (ada, bob) = two(&world);
    let before = by_machine(&ada);
    ada.sync(&["machine", "retire", "bob"]);
    bob.sync(&["--download-all"]);
    for machine in [&ada, &bob] {
        let manifest = machine.manifest_json();
        assert_eq!(
            (
                &manifest["machines"][BOB]["status"],
                &manifest["machines"][BOB]["retired"]
            ),
            (&"inactive".into(), &true.into())
        );
        assert_eq!(manifest["global_summary"]["active_machines"], 1);
        assert_eq!(by_machine(machine), before);
    }
    ada.sync(&["machine", "retire", BOB, "--undo"]);
    assert_eq!(ada.manifest_json()["machines"][BOB]["status"], "active");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_old_id_counts_as_the_past_of_the_new_one() {
    let world = World::new();
    let (ada, bob) = two(&world);
    assert_eq!(
        by_machine(&ada),
        [("ada".to_owned(), 6), ("bob".to_owned(), 5)]
    );
    assert_eq!(
        ada.manifest_json()["sessions_index"]["shared"]["conflict_status"],
        "resolved"
    );
    bob.sync(&["machine", "merge", "ada", BOB]);
    ada.sync(&[]);
    for machine in [&ada, &bob] {
        assert_eq!(by_machine(machine), [("bob".to_owned(), 11)]);
        let manifest = machine.manifest_json();
        assert_eq!(manifest["machines"][ADA]["merged_into"], BOB);
        assert_eq!(
            manifest["sessions_index"]["shared"]["conflict_status"], "none",
            "one machine, after all"
        );
        machine.assert_sound();
    }
    assert_eq!(ada.manifest(), bob.manifest());
    insta::assert_snapshot!("machine_list", bob.sync(&["machine", "list"]).out);
    ada.sync(&["machine", "merge", "ada", "bob", "--undo"]);
    assert_eq!(
        by_machine(&ada),
        [("ada".to_owned(), 6), ("bob".to_owned(), 5)]
    );
}

#[test]
fn machines_that_nobody_knows() {
    let world = World::new();
    let (ada, bob) = two(&world);
    let mut seen = String::new();
    bob.sync(&["machine", "rename", "ada"]);
    ada.sync(&[]);
    for args in [
        ["machine", "retire", "eve"],
        ["machine", "retire", "ada"],
        ["machine", "rename", "\u{1b}[31mred"],
    ] {
        let mut command = ada.command("claude-sync", NOON);
        let ran = run(command.env("COLUMNS", "300").args(args));
        seen.push_str(&format!("{args:?}\nexit code {}\n{}\n", ran.code, ran.err));
    }
    insta::assert_snapshot!("no_such_machine", seen);
}
