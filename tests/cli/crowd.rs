//! Many machines, one bare remote, all at once.

use std::thread;

use crate::scale::tries;
use crate::world::{Machine, NOON, Ran, Row, World};

/// Everybody syncs in the same moment.
fn all_at_once(machines: &[Machine]) -> Vec<Ran> {
    thread::scope(|scope| {
        let runs: Vec<_> = machines
            .iter()
            .map(|machine| scope.spawn(|| machine.try_sync(NOON, &[])))
            .collect();
        runs.into_iter()
            .map(|run| run.join().expect("no panic"))
            .collect()
    })
}

fn crowd<'w>(world: &'w World, init: &[&str]) -> Vec<Machine<'w>> {
    let count = tries(8, 50);
    let remote = world.remote();
    (0..count)
        .map(|n| {
            let machine = world.machine(&format!("m{n:03}"));
            machine.write(
                ".claude/machine_id",
                &format!("{n:08}-0000-4000-8000-000000000000"),
            );
            let rows: String = (0..4)
                .map(|r| {
                    Row::new(
                        "crowded",
                        n * 10 + r,
                        &format!("2026-03-10T{:02}:{:02}:00.000Z", n % 24, r),
                    )
                    .line()
                })
                .collect();
            machine.write(".claude/projects/p/s.jsonl", &rows);
            machine.sync(&[init, &[&remote]].concat());
            machine
        })
        .collect()
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_shared_branch() {
    let world = World::new();
    let machines = crowd(&world, &["init"]);
    let ran = all_at_once(&machines);
    for (machine, ran) in machines.iter().zip(&ran) {
        assert_eq!(ran.code, 0, "{}: {}{}", machine.name, ran.out, ran.err);
    }
    let remote = world.path().join("remote.git");
    let commits = world.git(&remote, &["log", "--format=%s", "main"]);
    let syncs = commits
        .lines()
        .filter(|subject| subject.starts_with("sync "))
        .count();
    assert_eq!(syncs, machines.len(), "one commit a machine:\n{commits}");
    assert_eq!(
        world
            .git(&remote, &["rev-list", "--merges", "--count", "main"])
            .trim(),
        "0",
        "history is linear"
    );
    for machine in [&machines[0], &machines[machines.len() - 1]] {
        machine.sync(&[]);
        assert_eq!(
            machine.fleet().0,
            machines.len() as u64 * 4,
            "nothing is lost"
        );
        machine.assert_sound();
    }
    let retries: Vec<&str> = ran
        .iter()
        .filter_map(|ran| ran.out.split("after ").nth(1)?.split(' ').next())
        .collect();
    println!("{} machines, retries: {retries:?}", machines.len());
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_branch_per_machine() {
    let world = World::new();
    let machines = crowd(&world, &["init", "--branch-per-machine"]);
    for (machine, ran) in machines.iter().zip(all_at_once(&machines)) {
        assert_eq!(ran.code, 0, "{}: {}{}", machine.name, ran.out, ran.err);
        assert!(
            !ran.out.contains("after "),
            "{}: nobody is ever rejected: {}",
            machine.name,
            ran.out
        );
    }
    let last = &machines[machines.len() - 1];
    last.sync(&["--download-all"]);
    assert_eq!(last.fleet().0, machines.len() as u64 * 4);
    let remote = world.path().join("remote.git");
    assert_eq!(
        world
            .git(&remote, &["for-each-ref", "refs/heads/"])
            .lines()
            .count(),
        machines.len()
    );
}
