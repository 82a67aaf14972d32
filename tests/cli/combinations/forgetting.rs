//! What was forgotten stays forgotten: under other session ids, on all machines, and by a record's own day.

use super::{
    LATE, archive, by_day, by_session, check, check_all, clean_up, configure, history,
    import_backup, put, rows, settle, use_late, used,
};
use crate::world::{Machine, NOON, Row, World, transcript};

/// Ada, who forgets session `s1` of five requests and keeps two of another.
fn forget<'w>(world: &'w World, summary_only: bool, files: &[(&str, String)]) -> Machine<'w> {
    let ada = world.machine("ada");
    configure(&ada, summary_only, None);
    put(&ada, "other", &transcript("other", 30..32));
    for (name, text) in files {
        put(&ada, name, text);
    }
    ada.init().sync(&[]);
    ada.sync(&["forget", "--session", "s1", "--yes"]);
    ada
}

fn first() -> String {
    transcript("s1", 0..5)
}

/// The resumption of the session under another id: its requests, and two new ones.
fn resumed() -> String {
    transcript("s2", 0..5) + &transcript("s2", 20..22)
}

/// What remains once the resumption is synced.
fn left() -> impl Iterator<Item = u32> + Clone {
    (30..32).chain(20..22)
}

fn resume_later(summary_only: bool) {
    let world = World::new();
    let ada = forget(&world, summary_only, &[("s1", first())]);
    check(&ada, used(30..32), "forgotten");
    // The run after it reads everything, and the next one only what is new.
    ada.sync(&[]);
    put(&ada, "s2", &resumed());
    ada.sync(&[]);
    check(&ada, used(left()), "resumed");
    clean_up(&ada, "s1");
    ada.sync(&["--mode=full"]);
    check(
        &ada,
        used(left()),
        "after the first transcript was cleaned up",
    );
    assert_eq!(by_session(&ada), rows([("other", 2), ("s2", 2)]));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_forgotten_session_stays_forgotten_when_it_is_resumed() {
    resume_later(false);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_forgotten_session_stays_forgotten_when_it_is_resumed_on_a_summary_only_machine() {
    resume_later(true);
}

#[test]
fn a_forgotten_session_stays_forgotten_when_its_first_transcript_is_cleaned_up() {
    let world = World::new();
    let ada = forget(&world, false, &[("s1", first()), ("s2", resumed())]);
    check(&ada, used(left()), "forgotten");
    clean_up(&ada, "s1");
    ada.sync(&["--mode=full"]);
    check(
        &ada,
        used(left()),
        "after the first transcript was cleaned up",
    );
}

#[test]
fn forgetting_a_copy_forgets_the_requests_of_its_original() {
    let world = World::new();
    let ada = world.machine("ada");
    put(&ada, "other", &transcript("other", 30..32));
    put(&ada, "s2", &resumed());
    ada.init().sync(&[]);
    ada.sync(&["forget", "--session", "s2", "--yes"]);
    put(&ada, "s1", &first());
    ada.sync(&[]);
    ada.sync(&["--mode=full"]);
    check(&ada, used(30..32), "the original came later");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_forgotten_session_stays_forgotten_on_a_machine_that_resumes_it() {
    let world = World::new();
    let ada = forget(&world, false, &[("s1", first())]);
    let bob = world.machine("bob");
    put(&bob, "s2", &resumed());
    bob.init();
    check_all(
        &[&ada, &bob],
        NOON,
        used(left()),
        "resumed on another machine",
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_session_is_forgotten_with_the_copies_that_other_machines_have_of_it() {
    let world = World::new();
    let bob = world.machine("bob");
    put(&bob, "s2", &resumed());
    bob.init().sync(&[]);
    let ada = forget(&world, false, &[("s1", first())]);
    check_all(
        &[&ada, &bob],
        NOON,
        used(left()),
        "the other machine had it before",
    );
    settle(&[&bob], NOON);
    bob.sync(&["--mode=full"]);
    check_all(&[&bob, &ada], NOON, used(left()), "and read it again");
}

#[test]
fn a_forgotten_session_is_not_imported_under_another_id() {
    let world = World::new();
    let ada = forget(&world, false, &[("s1", first())]);
    import_backup(&ada, &resumed());
    check(&ada, used(left()), "imported");
}

#[test]
fn a_forgotten_project_stays_forgotten_when_its_session_goes_on_elsewhere() {
    let world = World::new();
    let ada = world.machine("ada");
    let secret = |text: &str| text.replace("/work/shop", "/work/heron");
    put(&ada, "other", &transcript("other", 30..32));
    put(&ada, "s1", &secret(&first()));
    ada.init().sync(&[]);
    ada.sync(&["forget", "--project", "heron", "--yes"]);
    put(&ada, "s2", &resumed());
    ada.sync(&[]);
    clean_up(&ada, "s1");
    ada.sync(&["--mode=full"]);
    check(&ada, used(left()), "resumed in another folder");
}

#[test]
fn a_forgotten_session_stays_forgotten_after_retention() {
    let world = World::new();
    let ada = forget(&world, false, &[("s1", first())]);
    configure(&ada, false, Some(3));
    clean_up(&ada, "s1");
    put(&ada, "s2", &resumed());
    let late = use_late(&ada);
    check(&ada, used(left()) + late, "pruned");
    ada.sync_at(LATE, &["--mode=full"]);
    check(&ada, used(left()) + late, "read again");
}

/// A request that is first seen on the 10th and began on the 9th, and three more of the 10th.
fn redated(world: &World) -> Machine<'_> {
    let ada = world.machine("ada");
    put(
        &ada,
        "s1",
        &(Row::new("s1", 1, "2026-03-10T00:00:01.000Z").line() + &transcript("s1", 2..5)),
    );
    ada.init().sync(&[]);
    put(
        &ada,
        "s1a",
        &Row::new("s1", 1, "2026-03-09T23:59:59.000Z")
            .output(5)
            .open()
            .line(),
    );
    ada.sync(&[]);
    assert_eq!(by_day(&ada), rows([("2026-03-09", 1), ("2026-03-10", 3)]));
    ada
}

#[test]
fn forgetting_goes_by_the_day_of_a_record_not_of_its_file() {
    let world = World::new();
    let ada = redated(&world);
    let forgotten = ada.sync(&["forget", "--before", "2026-03-10", "--yes"]);
    assert!(
        forgotten.out.contains("Forgot 1 request"),
        "{}",
        forgotten.out
    );
    check(&ada, used(2..5), "forgotten");
    ada.sync(&["--mode=full"]);
    check(&ada, used(2..5), "read again");
    let remote = history(&world, &world.path().join("remote.git"));
    assert!(
        !remote.contains("2026-03-09T23:59"),
        "the remote still has it"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn forgetting_goes_by_the_day_of_a_pruned_record() {
    let world = World::new();
    let ada = redated(&world);
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    assert!(!archive(&ada).contains("T08:02"), "nothing was pruned");
    ada.sync_at(LATE, &["forget", "--before", "2026-03-10", "--yes"]);
    check(&ada, used(2..5) + late, "forgotten");
    ada.sync_at(LATE, &["--mode=full"]);
    check(&ada, used(2..5) + late, "read again");
}

#[test]
fn an_earlier_row_that_comes_after_forgetting_brings_nothing_back() {
    let world = World::new();
    let ada = world.machine("ada");
    put(
        &ada,
        "s1",
        &(Row::new("s1", 1, "2026-03-10T00:00:01.000Z").line() + &transcript("s1", 2..5)),
    );
    ada.init().sync(&[]);
    ada.sync(&["forget", "--before", "2026-03-10", "--ahead", "--yes"]);
    put(
        &ada,
        "s1a",
        &Row::new("s1", 1, "2026-03-09T23:59:59.000Z")
            .output(5)
            .open()
            .line(),
    );
    ada.sync(&[]);
    ada.sync(&["--mode=full"]);
    check(&ada, used(2..5), "the request began on a forgotten day");
}
