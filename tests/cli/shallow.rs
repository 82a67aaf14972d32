//! A new machine fetches the newest commit of each branch: joins, pushes, compaction and forgetting work without the rest, and commands
//! that show history fetch it.

use std::fs;

use crate::world::{Machine, World, transcript};

fn use_it(machine: &Machine, from: u32) {
    let path = format!(".claude/projects/p/s{from}.jsonl");
    machine.write(&path, &transcript("work", from..from + 2));
}

fn commits(machine: &Machine) -> usize {
    let count = machine.git(&["rev-list", "--count", "HEAD"]);
    count.trim().parse().expect("a number")
}

fn is_shallow(machine: &Machine) -> bool {
    machine
        .git(&["rev-parse", "--is-shallow-repository"])
        .trim()
        == "true"
}

/// A machine with a history of five syncs, and a new one that joined it.
fn two(world: &World) -> [Machine<'_>; 2] {
    let ada = world.machine("ada");
    for round in 0..5 {
        use_it(&ada, round * 10);
        if round == 0 {
            ada.init();
        }
        ada.sync(&[]);
    }
    let bob = world.machine("bob");
    use_it(&bob, 100);
    bob.init();
    assert!(is_shallow(&bob));
    assert_eq!(commits(&bob), 1, "the newest commit alone");
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 12);
    [ada, bob]
}

fn assert_joined(machines: &[&Machine], requests: u64) {
    for machine in machines.iter().chain(machines) {
        machine.sync(&[]);
    }
    for machine in machines {
        assert_eq!(machine.fleet().0, requests, "{}", machine.name);
        assert_eq!(machine.head(), machines[0].head());
        machine.assert_sound();
        machine.sync(&["verify", "--read-data"]);
        machine.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_new_machine_fetches_no_history_and_shows_all_of_it() {
    let world = World::new();
    let [ada, bob] = two(&world);
    assert_joined(&[&ada, &bob], 12);
    assert!(is_shallow(&bob), "a sync fetches none of it");
    let newest = bob.sync(&["log", "-n", "1"]);
    assert!(is_shallow(&bob), "{}", newest.out);
    let log = bob.sync(&["log"]).out;
    assert_eq!(log, ada.sync(&["log"]).out);
    assert!(!is_shallow(&bob));
    let world = World::new();
    let [_, bob] = two(&world);
    bob.sync(&["diff", "HEAD~4"]);
    assert!(!is_shallow(&bob));
    let world = World::new();
    let [_, bob] = two(&world);
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("away.git"),
    )
    .expect("moved");
    let log = bob.sync(&["log"]);
    assert!(
        log.err.contains("older commits are not on this machine"),
        "{}",
        log.err
    );
    fs::rename(
        world.path().join("away.git"),
        world.path().join("remote.git"),
    )
    .expect("moved");
    let list = bob.sync(&["restore", "--list"]).out;
    assert_eq!(list.lines().count(), commits(&bob));
}

#[test]
fn plain_git_works_in_a_shallow_clone() {
    let world = World::new();
    let [ada, bob] = two(&world);
    use_it(&ada, 200);
    ada.sync(&[]);
    use_it(&bob, 210);
    bob.sync(&["--offline"]);
    bob.git(&["pull", "-q", "--no-rebase", "--no-edit"]);
    use_it(&ada, 220);
    ada.sync(&[]);
    use_it(&bob, 230);
    bob.sync(&["--offline"]);
    bob.git(&["pull", "-q", "--rebase"]);
    bob.sync(&["resolve"]);
    bob.git(&["push", "-q"]);
    assert!(is_shallow(&bob));
    assert_joined(&[&ada, &bob], 12 + 8);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn histories_that_begin_anew_reach_a_shallow_clone() {
    let world = World::new();
    let [ada, bob] = two(&world);
    use_it(&bob, 300);
    bob.sync(&["--offline"]);
    ada.sync(&["compact", "--keep", "0d"]);
    assert_joined(&[&ada, &bob], 14);
    use_it(&bob, 310);
    bob.sync(&["--offline"]);
    let secret = transcript("secret", 320..322);
    ada.write(".claude/projects/p/secret.jsonl", &secret);
    ada.sync(&[]);
    ada.sync(&["forget", "--session", "secret", "--yes"]);
    assert_joined(&[&ada, &bob], 16);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_shallow_clone_compacts_and_forgets() {
    let world = World::new();
    let [ada, bob] = two(&world);
    let ran = bob.sync(&["compact", "--keep", "0d"]);
    assert!(
        ran.out.starts_with("Compacted the history: 7 commits"),
        "{}",
        ran.out
    );
    assert_joined(&[&ada, &bob], 12);
    let world = World::new();
    let [ada, bob] = two(&world);
    let secret = transcript("secret", 320..322);
    bob.write(".claude/projects/p/secret.jsonl", &secret);
    bob.sync(&[]);
    bob.sync(&["forget", "--session", "secret", "--yes"]);
    assert_joined(&[&ada, &bob], 12);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_remote_that_lost_everything_gets_all_of_it_from_a_shallow_clone() {
    let world = World::new();
    let [ada, bob] = two(&world);
    let remote = world.path().join("remote.git");
    fs::remove_dir_all(&remote).expect("removed");
    world.git(
        world.path(),
        &["init", "-q", "--bare", "-b", "main", "remote.git"],
    );
    bob.sync(&[]);
    assert_joined(&[&ada, &bob], 12);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_older_state_by_force_takes_nothing_from_a_shallow_clone() {
    let world = World::new();
    let [ada, bob] = two(&world);
    ada.git(&[
        "push",
        "-q",
        "--no-verify",
        "--force",
        "origin",
        "HEAD~3:main",
    ]);
    use_it(&bob, 400);
    bob.sync(&[]);
    assert_joined(&[&ada, &bob], 14);
}

// The rule: no push brings a history that ends where a shallow clone does. A remote that had lost a machine's own branch refused every
// push of the machine from then on.
#[test]
fn a_branch_of_a_machine_that_the_remote_lost_comes_back_from_a_shallow_clone() {
    let world = World::new();
    let ada = world.machine("ada");
    for round in 0..3 {
        use_it(&ada, round * 10);
        if round == 0 {
            ada.sync(&["init", "--branch-per-machine", &world.remote()]);
        }
        ada.sync(&[]);
    }
    fs::remove_dir_all(ada.repo()).expect("removed");
    ada.sync(&["init", &world.remote()]);
    assert!(is_shallow(&ada));
    use_it(&ada, 100);
    ada.sync(&[]);
    let remote = world.path().join("remote.git");
    let branches = || {
        world.git(
            &remote,
            &[
                "branch",
                "--list",
                "*machines*",
                "--format=%(refname:short)",
            ],
        )
    };
    let own = branches().trim().to_owned();
    world.git(&remote, &["branch", "-D", &own]);
    use_it(&ada, 200);
    ada.sync(&[]);
    assert_eq!(branches().trim(), own);
    let bob = world.machine("bob");
    bob.sync(&["init", &world.remote()]);
    bob.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (10, 10));
}
