//! Levels of detail: full records, records without a time of day (`--summary-only`) and pruned ones are the same requests.

use super::{
    LATE, archive, by_day, by_machine, by_session, check, check_all, clean_up, configure,
    import_backup, put, rows, settle, use_late, used,
};
use crate::world::{Machine, NOON, World, transcript};

/// A session, and the transcript of its resumption, which repeats it under another session id.
fn original_and_copy() -> (String, String) {
    (
        transcript("s1", 0..10),
        transcript("s2", 0..10) + &transcript("s2", 20..23),
    )
}

/// The requests of both.
fn both() -> impl Iterator<Item = u32> {
    (0..10).chain(20..23)
}

#[test]
fn a_resumed_session_counts_once_after_its_original_is_cleaned_up() {
    let world = World::new();
    let ada = world.machine("ada");
    let (original, copy) = original_and_copy();
    configure(&ada, true, None);
    put(&ada, "s1", &original);
    put(&ada, "s2", &copy);
    ada.init().sync(&[]);
    check(&ada, used(both()), "beside its original");
    clean_up(&ada, "s1");
    ada.sync(&["--mode=full"]);
    check(&ada, used(both()), "after the original was cleaned up");
    assert_eq!(by_session(&ada), rows([("s1", 10), ("s2", 3)]));
}

#[test]
fn an_original_that_arrives_after_its_copy_adds_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    let (original, copy) = original_and_copy();
    configure(&ada, true, None);
    put(&ada, "s2", &copy);
    ada.init().sync(&[]);
    put(&ada, "s1", &original);
    ada.sync(&[]);
    check(&ada, used(both()), "the original came later");
    assert_eq!(by_session(&ada), rows([("s1", 10), ("s2", 3)]));
}

#[test]
fn two_summary_only_machines_share_a_resumed_session() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let (original, copy) = original_and_copy();
    for (machine, text) in [(&ada, &original), (&bob, &copy)] {
        configure(machine, true, None);
        put(machine, "s", text);
        machine.init().sync(&[]);
    }
    check_all(
        &[&ada, &bob],
        NOON,
        used(both()),
        "the copy is on the other machine",
    );
}

#[test]
fn a_summary_only_copy_and_a_full_one_are_the_same_request() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let (original, copy) = original_and_copy();
    configure(&ada, true, None);
    for (machine, text) in [(&ada, &original), (&bob, &copy)] {
        put(machine, "s", text);
        machine.init().sync(&[]);
    }
    check_all(
        &[&ada, &bob],
        NOON,
        used(both()),
        "one machine keeps details",
    );
    assert_eq!(
        by_session(&ada),
        rows([("s2", 13)]),
        "the most detailed copy speaks"
    );
    assert_eq!(by_machine(&ada), rows([("bob", 13)]));
}

/// Syncs original and copy in one mode; then the original is cleaned up and the mode changes.
fn switch(first: bool, second: bool) {
    let world = World::new();
    let ada = world.machine("ada");
    let (original, copy) = original_and_copy();
    configure(&ada, first, None);
    put(&ada, "s1", &original);
    put(&ada, "s2", &copy);
    ada.init().sync(&[]);
    check(&ada, used(both()), "before");
    clean_up(&ada, "s1");
    configure(&ada, second, None);
    ada.sync(&["--mode=full"]);
    check(&ada, used(both()), "after");
    configure(&ada, first, None);
    ada.sync(&["--mode=full"]);
    check(&ada, used(both()), "and back");
}

#[test]
fn switching_to_summary_only_counts_a_resumed_session_once() {
    switch(false, true);
}

#[test]
fn switching_from_summary_only_counts_a_resumed_session_once() {
    switch(true, false);
}

#[test]
fn a_summary_only_machine_writes_a_line_a_request_without_a_time_of_day() {
    let world = World::new();
    let ada = world.machine("ada");
    configure(&ada, true, None);
    put(&ada, "s1", &transcript("s1", 0..10));
    ada.init().sync(&[]);
    check(&ada, used(0..10), "summary-only");
    let files = archive(&ada);
    assert_eq!(files.matches("\"id\":").count(), 10, "{files}");
    let all: String = ada.files().into_values().collect();
    assert!(!all.contains("T08:0"), "a time of day left the machine");
    assert_eq!(
        (by_session(&ada), by_day(&ada)),
        (rows([("s1", 10)]), rows([("2026-03-10", 10)]))
    );
}

/// Checks 17 requests, prunes them, and checks them again beside one later request.
fn prune(machines: &[&Machine]) {
    check_all(
        machines,
        NOON,
        used((0..10).chain(20..27)),
        "before retention",
    );
    configure(machines[0], machines.len() == 1, Some(3));
    let late = use_late(machines[0]);
    check_all(
        machines,
        LATE,
        used((0..10).chain(20..27)) + late,
        "after retention",
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn pruned_records_do_not_hide_another_session_of_a_summary_only_machine() {
    let world = World::new();
    let ada = world.machine("ada");
    put(&ada, "s1", &transcript("s1", 0..10));
    ada.init().sync(&[]);
    clean_up(&ada, "s1");
    put(&ada, "s2", &transcript("s2", 20..27));
    configure(&ada, true, None);
    ada.sync(&[]);
    prune(&[&ada]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn pruned_records_of_a_backup_do_not_hide_another_session() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    import_backup(&ada, &transcript("s1", 0..10));
    put(&ada, "s2", &transcript("s2", 20..27));
    configure(&ada, true, None);
    ada.sync(&[]);
    prune(&[&ada]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn pruned_records_of_a_merged_machine_do_not_hide_those_of_its_successor() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    put(&ada, "s1", &transcript("s1", 0..10));
    ada.init().sync(&[]);
    put(&bob, "s2", &transcript("s2", 20..27));
    configure(&bob, true, None);
    bob.init().sync(&[]);
    bob.sync(&["machine", "merge", "ada", "bob"]);
    prune(&[&ada, &bob]);
    assert_eq!(by_machine(&ada), rows([("bob", 18)]));
}

/// Two machines have one session, and one of them prunes it.
fn prune_one_copy(other_is_summary_only: bool) {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    configure(&bob, other_is_summary_only, None);
    for machine in [&ada, &bob] {
        put(machine, "s1", &transcript("s1", 0..5));
        machine.init().sync(&[]);
    }
    check_all(&[&ada, &bob], NOON, used(0..5), "before");
    assert_eq!(by_machine(&bob), rows([("ada", 5)]));
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check_all(&[&ada, &bob], LATE, used(0..5) + late, "after");
    assert!(
        !archive_of(&ada, "ada").contains("T08:01"),
        "ada pruned nothing"
    );
    for machine in [&ada, &bob] {
        assert_eq!(by_session(machine), rows([("late", 1), ("s1", 5)]));
        assert_eq!(
            by_machine(machine),
            rows([("ada", 1), ("bob", 5)]),
            "who holds more detail owns a request"
        );
        assert_eq!(
            machine.manifest_json()["sessions_index"]["s1"]["total_usage_count"],
            5
        );
    }
}

/// The day files of one of the machines that a machine knows.
fn archive_of(machine: &Machine, name: &str) -> String {
    let id = super::id(&machine.world.machine(name));
    let files = machine.files().into_iter();
    files
        .filter(|(path, _)| path.contains("/archive/") && path.contains(&id))
        .map(|(_, text)| text)
        .collect()
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_pruned_copy_does_not_hide_a_full_one() {
    prune_one_copy(false);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_pruned_copy_does_not_hide_a_summary_only_one() {
    prune_one_copy(true);
}

#[test]
fn what_was_pruned_stays_pruned_when_an_older_version_comes_back() {
    let world = World::new();
    let ada = world.machine("ada");
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    let full = ada.head();
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    clean_up(&ada, "s1");
    ada.git(&["checkout", "-q", &full, "--", "sync/archive/2026/03"]);
    ada.git(&["commit", "-qm", "an older version"]);
    settle(&[&ada], LATE);
    check(&ada, used(0..5) + late, "after the older version came back");
    assert!(!archive(&ada).contains("T08:01"), "times are back");
}
