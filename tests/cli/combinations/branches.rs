//! Machines with a branch of their own and machines on the shared branch are one fleet.

use super::{check_all, configure, put, settle, used};
use crate::world::{Machine, NOON, World, transcript};

fn join<'w>(
    world: &'w World,
    name: &str,
    own_branch: bool,
    requests: std::ops::Range<u32>,
) -> Machine<'w> {
    let machine = world.machine(name);
    put(&machine, "s", &transcript("shared", requests));
    let remote = world.remote();
    let args: &[&str] = if own_branch {
        &["init", "--branch-per-machine", &remote]
    } else {
        &["init", &remote]
    };
    machine.sync(args);
    machine.sync(&[]);
    machine
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_with_its_own_branch_joins_a_fleet_on_the_shared_branch() {
    let world = World::new();
    let ada = join(&world, "ada", false, 0..5);
    let bob = join(&world, "bob", true, 10..20);
    check_all(&[&ada, &bob], NOON, used((0..5).chain(10..20)), "both");
    put(&ada, "s", &transcript("shared", 0..7));
    put(&bob, "s", &transcript("shared", 10..22));
    check_all(&[&bob, &ada], NOON, used((0..7).chain(10..22)), "later");
}

#[test]
fn a_machine_on_the_shared_branch_joins_a_fleet_with_branches_of_their_own() {
    let world = World::new();
    // Ada sets up before bob's branch is there, and syncs after it.
    let ada = world.machine("ada");
    put(&ada, "s", &transcript("shared", 0..5));
    ada.init();
    let bob = join(&world, "bob", true, 10..20);
    check_all(&[&ada, &bob], NOON, used((0..5).chain(10..20)), "both");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn three_machines_with_mixed_branches_see_each_other() {
    let world = World::new();
    let ada = join(&world, "ada", false, 0..5);
    let bob = join(&world, "bob", true, 3..12);
    let eve = join(&world, "eve", false, 10..15);
    check_all(&[&ada, &bob, &eve], NOON, used(0..15), "all");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_that_changes_to_a_branch_of_its_own_is_seen_further_on() {
    let world = World::new();
    let (ada, bob) = (
        join(&world, "ada", false, 0..5),
        join(&world, "bob", false, 10..12),
    );
    settle(&[&ada, &bob], NOON);
    bob.sync(&["init", "--branch-per-machine", &world.remote()]);
    put(&bob, "s", &transcript("shared", 10..20));
    check_all(&[&bob, &ada], NOON, used((0..5).chain(10..20)), "both");
    configure(&bob, true, None);
    put(&bob, "s", &transcript("shared", 10..21));
    check_all(
        &[&bob, &ada],
        NOON,
        used((0..5).chain(10..21)),
        "summary-only",
    );
}
