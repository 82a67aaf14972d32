//! A machine and its remote: with none, with others' data, away, rejected, rewritten; and what lies in the repository beside the data.

use std::fs;

use crate::life::same;
use crate::world::{NOON, World, transcript};

#[test]
fn without_set_up_a_run_keeps_history_locally_and_a_remote_can_be_added_later() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    let ran = machine.sync(&[]);
    assert!(
        ran.out
            .contains("No set-up found: made a repository for this machine only")
            && ran.out.contains("Synced 3 records"),
        "{}",
        ran.out
    );
    fs::remove_dir_all(machine.home.join(".claude/projects")).expect("removed");
    machine.init().sync(&[]);
    let other = world.machine("bob");
    other.init();
    assert_eq!(other.fleet().0, 3);
}

#[test]
fn local_history_joins_a_remote_that_has_data_already() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.sync(&[]);
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..14));
    bob.init().sync(&[]);
    ada.init().sync(&[]);
    bob.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (7, 7));
    assert_eq!(ada.manifest(), bob.manifest());
}

#[test]
fn download_all_brings_everything_and_writes_nothing() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    bob.init();
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..14));
    let ran = bob.sync(&["--download-all"]);
    assert_eq!(ran.out, "Received the data of 1 machine.\n");
    assert_eq!(bob.fleet().0, 3);
    assert_eq!(
        world
            .git(&world.path().join("remote.git"), &["rev-parse", "main"])
            .trim(),
        ada.head()
    );
    assert_eq!(
        bob.sync(&["--download-all"]).out,
        "Nothing new from other machines.\n"
    );
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 7, "what was not written then is written now");
}

#[test]
fn commits_wait_for_the_remote_and_are_pushed_as_one() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init().sync(&[]);
    let hidden = world.path().join("hidden.git");
    fs::rename(world.path().join("remote.git"), &hidden).expect("renamed");
    for end in [2, 5] {
        machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..end));
        let ran = machine.try_sync(NOON, &[]);
        assert_eq!(ran.code, 7, "{}", ran.err);
    }
    assert_eq!(
        machine
            .git(&["rev-list", "--count", "origin/main..HEAD"])
            .trim(),
        "2"
    );
    fs::rename(&hidden, world.path().join("remote.git")).expect("renamed");
    let ran = machine.sync(&[]);
    assert!(ran.out.contains("Pushed."), "{}", ran.out);
    let remote = world.path().join("remote.git");
    assert_eq!(
        world.git(&remote, &["log", "-1", "--format=%s"]),
        "sync ada: 5 records in 1 session, $0.03\n"
    );
    assert_eq!(
        world.git(&remote, &["rev-list", "--count", "main"]).trim(),
        "3",
        "set up, first sync, and one for both that waited"
    );
    assert_eq!(machine.sync(&[]).out, "Nothing new in 1 transcript.\n");
}

#[test]
fn a_rejected_push_is_tried_again_on_the_new_tip() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..14));
    // The remote lets bob in while ada's push is on its way: a hook pushes for him, once.
    let hook = world.path().join("remote.git/hooks/pre-receive");
    bob.sync(&["--offline"]);
    let flag = world.path().join("raced");
    fs::write(
        &hook,
        format!(
            "#!/bin/sh\n[ -e {flag} ] && exit 0\ntouch {flag}\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
             git fetch -q {bob} +main:refs/heads/race && git update-ref refs/heads/main refs/heads/race && git update-ref -d refs/heads/race\n",
            flag = flag.display(),
            bob = bob.repo().display()
        ),
    )
    .expect("a hook");
    std::process::Command::new("chmod")
        .arg("+x")
        .arg(&hook)
        .status()
        .expect("chmod");
    let ran = ada.sync(&[]);
    assert!(
        ran.out.contains("Pushed, after 1 other machine's push."),
        "{}{}",
        ran.out,
        ran.err
    );
    bob.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (7, 7));
    assert_eq!(ada.head(), bob.head());
    assert_eq!(
        ada.git(&["log", "--merges", "--format=%s"]),
        "",
        "history is linear"
    );
}

// The rule: every run's tree is join(HEAD, known, tip). A blind fast-forward let a revert on one machine delete another's year.
#[test]
fn what_git_takes_back_the_next_run_brings_back() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..14));
    bob.init().sync(&[]);
    ada.sync(&[]);
    // A revert that is pushed.
    bob.git(&["revert", "--no-edit", "HEAD"]);
    bob.git(&["push", "-q", "--no-verify"]);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (7, 7));
    // A remote that somebody rewound and force-pushed.
    let first = ada.git(&["rev-list", "--max-parents=0", "HEAD"]);
    world.git(
        &world.path().join("remote.git"),
        &["update-ref", "refs/heads/main", first.trim()],
    );
    ada.sync(&[]);
    bob.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (7, 7));
    // A remote that was emptied.
    world.git(
        &world.path().join("remote.git"),
        &["update-ref", "-d", "refs/heads/main"],
    );
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (7, 7));
    assert_eq!(ada.head(), bob.head());
    ada.assert_sound();
}

#[test]
fn a_log_that_people_and_programs_can_read() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    bob.init().sync_at("2026-03-10T12:30:00Z", &[]);
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("s1", 0..4) + &transcript("s2", 7..8)),
    );
    ada.sync_at("2026-03-10T13:00:00Z", &[]);
    insta::assert_snapshot!(ada.git(&["log", "--format=%an <%ae>%n%B"]));
    assert_eq!(
        ada.git(&[
            "log",
            "-1",
            "--format=%(trailers:key=Records-Added,key=Cost-Added-USD)"
        ]),
        "Records-Added: 2\nCost-Added-USD: 0.01085\n\n"
    );
}

#[test]
fn a_users_own_files_and_commits_survive() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    fs::write(bob.repo().join("NOTES.md"), "mine\n").expect("written");
    bob.git(&["add", "NOTES.md"]);
    bob.git(&["commit", "-qm", "Add my notes"]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.sync(&[]);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!(
        fs::read_to_string(ada.repo().join("NOTES.md")).expect("there"),
        "mine\n"
    );
    assert!(ada.git(&["log", "--format=%B"]).contains("- Add my notes"));
    // A change that is not committed stays as it is.
    fs::write(ada.repo().join("NOTES.md"), "changed\n").expect("written");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.sync(&[]);
    assert_eq!(
        fs::read_to_string(ada.repo().join("NOTES.md")).expect("there"),
        "changed\n"
    );
}

#[test]
fn damage_to_the_work_tree_is_repaired() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    let files = machine.files();
    fs::write(machine.repo().join("sync/manifest.json"), "half a fi").expect("written");
    fs::remove_dir_all(machine.repo().join("sync/archive")).expect("removed");
    machine.sync(&[]);
    same(&machine.files(), &files);
}

#[test]
fn an_address_that_git_rewrites_is_the_same_when_it_is_given_again() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(
        ".gitconfig",
        &format!(
            "[url \"file://{}/\"]\n\tinsteadOf = git@github.com:\n",
            world.path().display()
        ),
    );
    ada.sync(&["init", "git@github.com:remote.git"]);
    ada.sync(&[]);
    ada.sync(&["init", "git@github.com:remote.git"]);
    assert_eq!(
        ada.try_sync(NOON, &["init", "git@github.com:another.git"])
            .code,
        4,
        "another one is another one"
    );
    assert_eq!(
        world
            .git(&world.path().join("remote.git"), &["rev-parse", "main"])
            .trim(),
        ada.head()
    );
}
