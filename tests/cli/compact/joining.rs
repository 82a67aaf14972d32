//! Machines in every state join a compacted history.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use super::{assert_joined, fleet, roots, use_it};
use crate::world::{NOON, World, transcript};

#[test]
#[ignore = "slow: run with --include-ignored"]
fn machines_in_every_state_join_the_new_history() {
    let world = World::new();
    let machines = fleet(&world, &["ada", "bob", "cyd", "dan", "eve"]);
    let [ada, bob, cyd, dan, eve] = &machines[..] else {
        unreachable!("five machines")
    };
    // Away, with commits of its own and of its user's.
    use_it(bob, 600);
    bob.sync(&["--offline"]);
    fs::write(bob.repo().join("notes.txt"), "bob was here\n").expect("written");
    bob.git(&["add", "notes.txt"]);
    bob.git(&["commit", "-q", "--no-verify", "-m", "my notes"]);
    // Killed before its push.
    use_it(cyd, 610);
    let mut command = cyd.command("claude-sync", NOON);
    let path = format!(
        "{}:{}",
        killer(&world).display(),
        std::env::var("PATH").expect("a PATH")
    );
    command.env("PATH", path);
    crate::world::run(command);
    let ran = ada.sync(&["compact", "--keep", "0d"]);
    assert!(ran.out.starts_with("Compacted the history"), "{}", ran.out);
    let root = roots(&world);
    // Plain git: a pull refuses, a rebase brings what was not pushed.
    let pulled = dan.try_git(&["pull", "--no-rebase"]);
    assert_ne!(pulled.code, 0, "git refuses unrelated histories");
    use_it(eve, 620);
    eve.sync(&["--offline"]);
    eve.git(&["pull", "-q", "--rebase"]);
    eve.git(&["push", "-q"]);
    assert_joined(&world, &machines, 30 + 6);
    assert_eq!(roots(&world), root, "no old root came back");
    assert_eq!(
        fs::read_to_string(ada.repo().join("notes.txt")).expect("there"),
        "bob was here\n"
    );
}

/// A folder with a `git` that kills the program that calls it to push.
fn killer(world: &World) -> PathBuf {
    let folder = world.path().join("killer");
    fs::create_dir_all(&folder).expect("a folder");
    let git = String::from_utf8(
        Command::new("sh")
            .args(["-c", "command -v git"])
            .output()
            .expect("sh runs")
            .stdout,
    )
    .expect("a path");
    let script = format!(
        "#!/bin/sh\nfor word in \"$@\"; do\n  if [ \"$word\" = push ]; then kill -9 $PPID; exit 1; fi\ndone\nexec {} \"$@\"\n",
        git.trim()
    );
    fs::write(folder.join("git"), script).expect("written");
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode;
    fs::set_permissions(folder.join("git"), mode(0o755)).expect("executable");
    folder
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_killed_compaction_is_done_by_the_next_run() {
    let world = World::new();
    let machines = fleet(&world, &["ada", "bob"]);
    let [ada, bob] = &machines[..] else {
        unreachable!("two machines")
    };
    let mut command = ada.command("claude-sync", NOON);
    let path = format!(
        "{}:{}",
        killer(&world).display(),
        std::env::var("PATH").expect("a PATH")
    );
    command.env("PATH", path).args(["compact", "--keep", "0d"]);
    crate::world::run(command);
    let old = roots(&world);
    use_it(bob, 500);
    bob.sync(&[]);
    assert_eq!(roots(&world), old, "nothing was pushed");
    ada.sync(&[]);
    assert_ne!(roots(&world), old);
    assert_joined(&world, &machines, 12 + 2);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn two_at_once_end_in_one_history() {
    let world = World::new();
    let machines = fleet(&world, &["ada", "bob", "cyd"]);
    thread::scope(|scope| {
        for machine in &machines[..2] {
            scope.spawn(|| machine.sync(&["compact", "--keep", "0d"]));
        }
    });
    assert_joined(&world, &machines, 18);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_old_history_cannot_be_pushed_back() {
    let world = World::new();
    let machines = fleet(&world, &["ada", "bob", "cyd"]);
    let [ada, bob, cyd] = &machines[..] else {
        unreachable!("three machines")
    };
    // A server takes no commits of a shallow clone whose parents it does not have.
    bob.sync(&["log"]);
    ada.sync(&["compact", "--keep", "0d"]);
    let root = roots(&world);
    use_it(ada, 700);
    ada.sync(&[]);
    bob.git(&["fetch", "-q"]);
    let forced = bob.try_git(&["push", "--force", "origin", "HEAD:main"]);
    assert_ne!(forced.code, 0, "{}", forced.err);
    bob.git(&[
        "merge",
        "-q",
        "--no-edit",
        "--allow-unrelated-histories",
        "origin/main",
    ]);
    let pushed = bob.try_git(&["push", "origin", "HEAD:main"]);
    assert_ne!(pushed.code, 0, "{}", pushed.err);
    assert!(
        pushed
            .err
            .contains("begins the history of before the branch was compacted"),
        "{}",
        pushed.err
    );
    // Around the hooks: the next run of a machine that has the new history replaces it.
    bob.git(&["push", "-q", "--no-verify", "origin", "HEAD:main"]);
    assert_eq!(roots(&world).len(), 2);
    use_it(cyd, 710);
    ada.sync(&[]);
    assert_eq!(roots(&world), root);
    assert_joined(&world, &machines, 18 + 4);
    assert_eq!(roots(&world), root);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_is_forgotten_later_begins_a_history_that_holds() {
    let world = World::new();
    let machines = fleet(&world, &["ada", "bob"]);
    let [ada, bob] = &machines[..] else {
        unreachable!("two machines")
    };
    ada.sync(&["compact", "--keep", "0d"]);
    bob.sync(&[]);
    let later = transcript("secret", 800..803);
    bob.write(".claude/projects/p/secret.jsonl", &later);
    bob.sync(&[]);
    bob.sync(&["forget", "--session", "secret", "--yes"]);
    use_it(ada, 900);
    assert_joined(&world, &machines, 12 + 2);
    ada.sync(&["compact", "--keep", "0d"]);
    assert_joined(&world, &machines, 12 + 2);
}

// A machine that knew the compacted history pushed it over the one without the forgotten data, and
// each push was refused.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_is_forgotten_in_an_old_history_stays_forgotten_where_the_new_one_is_known() {
    let world = World::new();
    let machines = fleet(&world, &["ada", "bob", "cyd"]);
    let [ada, bob, cyd] = &machines[..] else {
        unreachable!("three machines")
    };
    ada.write(".claude/projects/p/g.jsonl", &transcript("gone", 700..703));
    for machine in [ada, bob, cyd] {
        machine.sync(&[]);
    }
    let remote = world.path().join("remote.git");
    let old = world.git(&remote, &["rev-parse", "main"]);
    let ran = ada.sync(&["compact", "--keep", "0d"]);
    assert!(ran.out.starts_with("Compacted the history"), "{}", ran.out);
    bob.sync(&[]);
    // Somebody rewinds the remote, and cyd has never seen the compacted history.
    world.git(&remote, &["update-ref", "refs/heads/main", old.trim()]);
    cyd.sync(&["forget", "--session", "gone", "--yes"]);
    bob.sync(&[]);
    assert_joined(&world, &machines, 18);
}
