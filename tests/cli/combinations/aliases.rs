//! Merged machines are aliases: their records, claims and totals are those of the machine that they were merged into.

use super::{
    Claim, LATE, by_machine, check, check_all, configure, file_1_0, id, import_day, put, rows,
    seed, use_late, used,
};
use crate::world::{Machine, NOON, World, transcript};

const OLD: &str = "0000601d-0000-4000-8000-000000000000";
const OLDER: &str = "000601de-0000-4000-8000-000000000000";

fn claim(session: &'static str, listed: &[u32], claimed: std::ops::Range<u32>) -> Claim {
    Claim {
        session,
        listed: listed.to_vec(),
        claimed,
        dollars: None,
    }
}

/// A fleet of ada and of ids that other tools wrote 1.0 files for.
fn join<'w>(
    world: &'w World,
    files: &[(&str, &[Claim])],
    session: &'static str,
    requests: std::ops::Range<u32>,
) -> Machine<'w> {
    let files: Vec<_> = files
        .iter()
        .map(|(id, claims)| (format!("sync/machines/{id}.json"), file_1_0(id, claims)))
        .collect();
    seed(
        world,
        &files
            .iter()
            .map(|(path, text)| (path.as_str(), text.clone()))
            .collect::<Vec<_>>(),
    );
    let ada = world.machine("ada");
    put(&ada, "own", &transcript(session, requests));
    ada.init().sync(&[]);
    ada
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_claim_of_an_alias_is_counted_with_its_targets_records() {
    let world = World::new();
    let ada = join(&world, &[(OLD, &[claim("s1", &[0, 1], 0..5)])], "s1", 0..3);
    ada.sync(&["machine", "merge", OLD, &id(&ada)]);
    check(&ada, used(0..5), "merged");
    assert_eq!(by_machine(&ada), rows([("ada", 5)]));
    put(&ada, "own", &transcript("s1", 0..5));
    ada.sync(&[]);
    check(&ada, used(0..5), "with transcripts of all");
    put(&ada, "own", &transcript("s1", 0..6));
    ada.sync(&[]);
    check(&ada, used(0..6), "with more than was claimed");
}

#[test]
fn a_claim_that_its_targets_records_show_adds_nothing() {
    let world = World::new();
    let ada = join(&world, &[(OLD, &[claim("s1", &[], 0..5)])], "s1", 0..5);
    ada.sync(&["machine", "merge", OLD, &id(&ada)]);
    check(&ada, used(0..5), "merged");
}

#[test]
fn claims_of_two_aliases_about_one_session_are_joined_by_maximum() {
    let world = World::new();
    let ada = join(
        &world,
        &[
            (OLD, &[claim("s1", &[0], 0..5)]),
            (OLDER, &[claim("s1", &[1], 0..4)]),
        ],
        "s2",
        50..51,
    );
    for old in [OLDER, OLD] {
        ada.sync(&["machine", "merge", old, &id(&ada)]);
    }
    check(&ada, used((0..5).chain(50..51)), "merged");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn claims_of_an_alias_about_another_session_add_up() {
    let world = World::new();
    let ada = join(
        &world,
        &[(OLD, &[claim("s0", &[20, 21], 20..25)])],
        "s1",
        0..3,
    );
    check(&ada, used((0..3).chain(20..25)), "before");
    ada.sync(&["machine", "merge", OLD, &id(&ada)]);
    check(&ada, used((0..3).chain(20..25)), "merged");
    ada.sync(&["machine", "merge", OLD, &id(&ada), "--undo"]);
    check(&ada, used((0..3).chain(20..25)), "undone");
}

#[test]
fn claims_of_an_alias_and_its_target_about_one_session_are_joined_by_maximum() {
    let world = World::new();
    let ada = world.machine("ada");
    let own = id(&ada);
    let ada = join(
        &world,
        &[
            (OLD, &[claim("s1", &[], 0..5)]),
            (&own, &[claim("s1", &[], 0..4)]),
        ],
        "s2",
        50..51,
    );
    ada.sync(&["machine", "merge", OLD, &own]);
    check(&ada, used((0..5).chain(50..51)), "merged");
}

/// Ada becomes bob, who imports totals for a day on which ada has records.
fn succeed(world: &World) -> [Machine<'_>; 2] {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    bob.init();
    import_day(&bob, "2026-03-10", used(0..8), "UTC");
    check_all(
        &[&ada, &bob],
        NOON,
        used(0..5) + used(0..8).uncounted(),
        "two machines",
    );
    bob.sync(&["machine", "merge", "ada", "bob"]);
    check_all(
        &[&ada, &bob],
        NOON,
        used(0..5) + used(5..8).uncounted(),
        "merged",
    );
    [ada, bob]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn pruned_records_of_an_alias_show_their_part_of_its_targets_totals() {
    let world = World::new();
    let [ada, bob] = succeed(&world);
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check_all(
        &[&ada, &bob],
        LATE,
        used(0..5) + used(5..8).uncounted() + late,
        "after retention",
    );
    assert_eq!(by_machine(&bob), rows([("bob", 6)]));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn records_of_an_alias_that_were_pruned_first_show_their_part_too() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    bob.init();
    import_day(&bob, "2026-03-10", used(0..8), "UTC");
    bob.sync(&["machine", "merge", "ada", "bob"]);
    check_all(
        &[&ada, &bob],
        LATE,
        used(0..5) + used(5..8).uncounted() + late,
        "merged",
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn pruned_records_of_an_alias_are_the_requests_of_its_summary_only_target() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    configure(&bob, true, None);
    put(&bob, "s1", &transcript("s1", 0..8));
    bob.init().sync(&[]);
    bob.sync(&["machine", "merge", "ada", "bob"]);
    check_all(&[&ada, &bob], NOON, used(0..8), "merged");
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check_all(&[&ada, &bob], LATE, used(0..8) + late, "after retention");
}
