//! Forgotten data stays away when a machine that was offline uses plain git.

use super::{check, check_all, history, put, settle, used};
use crate::world::{Machine, NOON, Ran, World, transcript};

/// The session that is forgotten. Its name is looked for in histories.
const SECRET: &str = "secretly";

/// Ada and bob have everything; bob makes so many commits offline, and ada forgets a session.
fn part(world: &World, commits: u32) -> [Machine<'_>; 2] {
    let machines = ["ada", "bob"].map(|name| world.machine(name));
    for (machine, from) in machines.iter().zip([0, 10]) {
        put(
            machine,
            "s",
            &transcript(["adas", "bobs"][usize::from(from > 0)], from..from + 3),
        );
        put(machine, "secret", &transcript(SECRET, 40 + from..42 + from));
        machine.init().sync(&[]);
    }
    settle(&[&machines[0], &machines[1]], NOON);
    let [ada, bob] = &machines;
    // A shallow clone could not push an old history: git has none, and the remote refuses it.
    bob.git(&["fetch", "-q", "--unshallow"]);
    for n in 0..commits {
        put(bob, "more", &transcript("more", 60..61 + n));
        bob.sync(&["--offline"]);
    }
    ada.sync(&["forget", "--session", SECRET, "--yes"]);
    bob.git(&["fetch", "-q"]);
    machines
}

fn used_by_both(commits: u32) -> super::Figures {
    used((0..3).chain(10..13).chain(60..60 + commits))
}

fn remote_history(world: &World) -> String {
    history(world, &world.path().join("remote.git"))
}

fn without_hooks(machine: &Machine) {
    machine.git(&["config", "core.hooksPath", "/dev/null"]);
}

fn with_hooks(machine: &Machine) {
    machine.git(&["config", "--unset", "core.hooksPath"]);
}

fn pull(machine: &Machine) -> Ran {
    machine.try_git(&[
        "pull",
        "-q",
        "--no-rebase",
        "--no-edit",
        "--allow-unrelated-histories",
    ])
}

fn push(machine: &Machine) -> Ran {
    machine.try_git(&["push", "origin", "HEAD:main"])
}

/// A push is refused, and the remote stays clean; then a sync brings what bob has, and nothing of what was forgotten.
fn assert_refused(world: &World, machines: &[Machine; 2], commits: u32) {
    let bob = &machines[1];
    assert!(
        bob.git(&["log", "-p", "-m", "origin/main..HEAD"])
            .contains(SECRET),
        "bob has nothing to push"
    );
    let pushed = push(bob);
    let remote = remote_history(world);
    assert_ne!(
        pushed.code,
        0,
        "the push was accepted; the remote has the session: {}",
        remote.contains(SECRET)
    );
    assert!(!remote.contains(SECRET), "the remote has it");
    bob.sync(&[]);
    assert!(
        !remote_history(world).contains(SECRET),
        "the sync pushed it"
    );
    check_all(&[bob, &machines[0]], NOON, used_by_both(commits), "synced");
    assert!(
        !remote_history(world).contains(SECRET),
        "a later sync pushed it"
    );
}

/// A push without hooks arrives; the next sync of this machine cleans tree and history.
fn assert_cleaned(world: &World, machines: &[Machine; 2], cleaner: usize, commits: u32) {
    let bob = &machines[1];
    let pushed = push(bob);
    assert_eq!(pushed.code, 0, "{}", pushed.err);
    assert!(
        remote_history(world).contains(SECRET),
        "nothing forgotten was pushed"
    );
    with_hooks(bob);
    machines[cleaner].sync(&[]);
    check(&machines[cleaner], used_by_both(commits), "after one run");
    assert!(
        !remote_history(world).contains(SECRET),
        "the remote's history has it after one run"
    );
    check_all(
        &[&machines[0], bob],
        NOON,
        used_by_both(commits),
        "after runs of all",
    );
    assert!(
        !remote_history(world).contains(SECRET),
        "a later run pushed it"
    );
    for machine in machines {
        machine.sync(&["--mode=full"]);
        assert!(
            !machine.git(&["log", "-p", "-m", "HEAD"]).contains(SECRET),
            "{} has it",
            machine.name
        );
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_that_was_offline_brings_no_forgotten_data_with_a_sync() {
    let world = World::new();
    let [ada, bob] = part(&world, 2);
    bob.sync(&[]);
    check_all(&[&bob, &ada], NOON, used_by_both(2), "synced");
    assert!(
        !remote_history(&world).contains(SECRET),
        "the sync pushed it"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_push_of_a_merge_with_forgotten_data_is_refused() {
    let world = World::new();
    let machines = part(&world, 0);
    let pulled = pull(&machines[1]);
    assert_eq!(pulled.code, 0, "{}", pulled.err);
    assert_refused(&world, &machines, 0);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_push_of_a_merge_of_several_commits_with_forgotten_data_is_refused() {
    let world = World::new();
    let machines = part(&world, 2);
    let pulled = pull(&machines[1]);
    assert_eq!(pulled.code, 0, "{}", pulled.err);
    assert_refused(&world, &machines, 2);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_push_of_a_clean_tree_with_a_history_of_forgotten_data_is_refused() {
    let world = World::new();
    let machines = part(&world, 0);
    let bob = &machines[1];
    pull(bob);
    bob.git(&["checkout", "-q", "origin/main", "--", "sync"]);
    bob.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "as the remote has it",
    ]);
    assert_refused(&world, &machines, 0);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_push_of_rebased_commits_with_forgotten_data_is_refused() {
    let world = World::new();
    let machines = part(&world, 2);
    let bob = &machines[1];
    rebase(bob);
    assert_refused(&world, &machines, 2);
}

/// Replays all of a machine's commits onto the remote's new root. `ours` of a rebase is what it replays onto.
fn rebase(machine: &Machine) {
    let rebased = machine.try_git(&["rebase", "-q", "origin/main"]);
    assert_eq!(rebased.code, 0, "{}{}", rebased.out, rebased.err);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_next_run_of_the_same_machine_cleans_what_was_pushed_without_hooks() {
    let world = World::new();
    let machines = part(&world, 0);
    without_hooks(&machines[1]);
    pull(&machines[1]);
    assert_cleaned(&world, &machines, 1, 0);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_next_run_of_another_machine_cleans_what_was_pushed_without_hooks() {
    let world = World::new();
    let machines = part(&world, 0);
    without_hooks(&machines[1]);
    pull(&machines[1]);
    assert_cleaned(&world, &machines, 0, 0);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_next_run_cleans_several_commits_that_were_pushed_without_hooks() {
    let world = World::new();
    let machines = part(&world, 2);
    without_hooks(&machines[1]);
    pull(&machines[1]);
    assert_cleaned(&world, &machines, 0, 2);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_next_run_cleans_rebased_commits_that_were_pushed_without_hooks() {
    let world = World::new();
    let machines = part(&world, 2);
    without_hooks(&machines[1]);
    rebase(&machines[1]);
    assert_cleaned(&world, &machines, 0, 2);
}
