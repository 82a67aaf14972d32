//! `claude-sync compact`: old commits are folded, all machines join the new history, and the old one stays away.

mod folding;
#[cfg(unix)]
mod joining;

use std::path::{Path, PathBuf};

use crate::world::{Machine, World, transcript};

pub fn remote(world: &World) -> PathBuf {
    world.path().join("remote.git")
}

/// Machines that have synced some times, in turns.
pub fn fleet<'w>(world: &'w World, names: &[&str]) -> Vec<Machine<'w>> {
    let machines: Vec<Machine> = names.iter().map(|name| world.machine(name)).collect();
    for round in 0..3 {
        for (at, machine) in machines.iter().enumerate() {
            use_it(
                machine,
                u32::try_from(at * 100 + round * 10).expect("small"),
            );
            if round == 0 {
                machine.init();
            }
            machine.sync(&[]);
        }
    }
    machines
}

/// Two new requests.
pub fn use_it(machine: &Machine, from: u32) {
    let path = format!(".claude/projects/p/s{from}.jsonl");
    machine.write(&path, &transcript("work", from..from + 2));
}

pub fn roots(world: &World) -> Vec<String> {
    let all = world.git(&remote(world), &["rev-list", "--max-parents=0", "main"]);
    all.lines().map(str::to_owned).collect()
}

pub fn commits(world: &World, repo: &Path) -> usize {
    let count = world.git(repo, &["rev-list", "--count", "main"]);
    count.trim().parse().expect("a number")
}

/// Everybody syncs until all have the same, and nothing is lost.
pub fn assert_joined(world: &World, machines: &[Machine], requests: u64) {
    for _ in 0..2 {
        machines.iter().for_each(|machine| drop(machine.sync(&[])));
    }
    for machine in machines {
        let totals = machine.report(&["daily"])["totals"].clone();
        assert_eq!(totals["requests"], requests, "{}", machine.name);
        assert_eq!(machine.head(), machines[0].head(), "{}", machine.name);
        assert_eq!(machine.git(&["status", "--porcelain"]), "");
        machine.sync(&["verify", "--read-data"]);
    }
    assert_eq!(roots(world).len(), 1, "one history");
    world.git(&remote(world), &["fsck", "--strict"]);
}
