//! Git's hooks: what they refuse, what they let pass, and that a user's own run first.

use std::fs;
use std::path::Path;

use crate::plain_git::diverged;
use crate::world::{Machine, Ran, World, transcript};

const DAY: &str = "sync/archive/2026/03/00616461-0000-4000-8000-000000000000/10.jsonl";

fn synced(world: &World) -> Machine<'_> {
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    machine.init().sync(&[]);
    machine
}

fn edit(machine: &Machine, path: &str, change: impl Fn(String) -> String) {
    let file = machine.repo().join(path);
    fs::write(&file, change(fs::read_to_string(&file).expect("there"))).expect("written");
}

fn commit(machine: &Machine) {
    machine.git(&["add", "-A"]);
    machine.git(&["commit", "-qm", "by hand"]);
}

fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

fn refused(ran: &Ran, why: &str) {
    assert!(
        ran.code != 0 && ran.err.contains(why),
        "expected to be refused for \"{why}\":\n{}",
        ran.err
    );
}

#[test]
fn a_users_own_hook_runs_first() {
    let world = World::new();
    let machine = world.machine("ada");
    world.git(
        world.path(),
        &[
            "init",
            "-q",
            "-b",
            "main",
            &machine.repo().display().to_string(),
        ],
    );
    let hooks = machine.repo().join(".git/hooks");
    executable(
        &hooks.join("pre-push"),
        "#!/bin/sh\necho \"mine: $1 $(cut -d' ' -f3)\" >> ../../../../own-hook\ntest ! -e ../../../../no\n",
    );
    machine.init();
    machine.init();
    assert!(
        fs::read_to_string(hooks.join("pre-push.user"))
            .expect("kept")
            .contains("mine:")
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    machine.sync(&[]);
    assert!(
        !machine.home.join("own-hook").exists(),
        "pushes of claude-sync itself run no local hooks"
    );
    fs::write(machine.repo().join("NOTES.md"), "mine\n").expect("written");
    commit(&machine);
    machine.git(&["push", "-q"]);
    let told = fs::read_to_string(machine.home.join("own-hook")).expect("it ran");
    assert_eq!(
        told, "mine: origin refs/heads/main\n",
        "with the arguments and the input that git gives"
    );
    machine.write("no", "");
    fs::write(machine.repo().join("NOTES.md"), "mine too\n").expect("written");
    commit(&machine);
    assert_ne!(
        machine.try_git(&["push", "-q"]).code,
        0,
        "a hook of the user's that refuses is obeyed"
    );
    machine.sync(&["uninstall", "--yes"]);
    assert!(
        fs::read_to_string(hooks.join("pre-push"))
            .expect("there")
            .contains("mine:")
            && !hooks.join("pre-push.user").exists()
    );
}

#[test]
fn the_folder_that_the_user_chose_is_respected() {
    let world = World::new();
    let machine = world.machine("ada");
    world.git(
        world.path(),
        &[
            "init",
            "-q",
            "-b",
            "main",
            &machine.repo().display().to_string(),
        ],
    );
    machine.git(&["config", "core.hooksPath", "my-hooks"]);
    machine.init();
    assert!(
        machine.repo().join("my-hooks/pre-push").is_file()
            && !machine.repo().join(".git/hooks/pre-push").exists()
    );

    let other = world.machine("bob");
    other.write(".gitconfig", "[core]\n\thooksPath = ~/everywhere\n");
    let ran = other.sync(&["init", &world.remote()]);
    assert!(
        ran.out
            .contains("No hooks were installed, because your git uses those in"),
        "{}",
        ran.out
    );
    assert!(
        !other.home.join("everywhere").exists()
            && !other.repo().join(".git/hooks/pre-push").exists()
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_push_that_would_break_something_is_refused() {
    type Change = (&'static str, &'static str, fn(&Machine));
    let changes: [Change; 6] = [
        ("lost", "5 records would be lost or lowered", |m| {
            fs::remove_file(m.repo().join(DAY)).expect("gone");
        }),
        ("lowered", "1 record would be lost or lowered", |m| {
            edit(m, DAY, |text| {
                text.replacen("\"output_tokens\":104", "\"output_tokens\":4", 1)
            });
        }),
        ("tampered", "checksums would fail in 1 session", |m| {
            edit(m, DAY, |text| {
                text.replacen("\"output_tokens\":104", "\"output_tokens\":999", 1)
            });
        }),
        (
            "markers",
            "2 lines that are no records, such as conflict markers",
            |m| {
                edit(m, DAY, |text| {
                    format!("{text}<<<<<<< HEAD\n>>>>>>> theirs\n")
                });
            },
        ),
        ("unreadable", "would not be readable any more", |m| {
            edit(m, DAY, |_| "nothing\n".to_owned());
        }),
        ("stale", "would not match the files beside it", |m| {
            edit(
                m,
                "sync/machines/00616461-0000-4000-8000-000000000000.json",
                |text| text.replace("\"hostname\": \"ada\"", "\"hostname\": \"ida\""),
            );
        }),
    ];
    for (name, why, change) in changes {
        let world = World::new();
        let machine = synced(&world);
        change(&machine);
        commit(&machine);
        refused(&machine.try_git(&["push", "-q"]), why);
        // What is refused is mended by the tool, and then goes through.
        machine.sync(&[]);
        machine.assert_sound();
        assert_eq!(machine.fleet().0, 5, "{name}");
        assert_eq!(
            machine.git(&["rev-parse", "HEAD"]),
            machine.git(&["rev-parse", "origin/main"]),
            "{name}"
        );
    }
    let world = World::new();
    let (ada, bob) = diverged(&world, true);
    refused(
        &bob.try_git(&["push", "-q", "--force"]),
        "the remote has commits that were never fetched here",
    );
    bob.git(&["fetch", "-q"]);
    refused(
        &bob.try_git(&["push", "-q", "--force"]),
        "would be lost or lowered",
    );
    drop(ada);
}

/// The rule: a push is never refused for damage that the remote already has.
#[test]
fn damage_that_is_there_already_stops_nobody() {
    let world = World::new();
    let machine = synced(&world);
    edit(&machine, DAY, |text| {
        text.replacen("\"output_tokens\":104", "\"output_tokens\":999", 1) + "<<<<<<< HEAD\n"
    });
    commit(&machine);
    machine.git(&["push", "-q", "--no-verify"]);
    fs::write(machine.repo().join("NOTES.md"), "mine\n").expect("written");
    commit(&machine);
    machine.git(&["push", "-q"]);
}

/// A bare repository whose owner installed `pre-receive`.
fn guarded(world: &World) {
    let program = env!("CARGO_BIN_EXE_claude-sync");
    let remote = world.path().join("remote.git");
    let mut command = std::process::Command::new(program);
    crate::world::clean(&mut command, world.path());
    let ran = crate::world::run(command.args(["hook", "install"]).arg(&remote));
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_server_lets_machines_sync_and_people_merge() {
    let world = World::new();
    guarded(&world);
    let (ada, bob) = diverged(&world, true);
    bob.git(&["pull", "-q"]);
    bob.git(&["push", "-q"]);
    ada.sync(&[]);
    bob.sync(&[]);
    assert_eq!((ada.fleet().0, ada.manifest()), (11, bob.manifest()));
}

#[test]
fn a_server_refuses_what_is_no_sync_data_and_what_loses_data() {
    let world = World::new();
    guarded(&world);
    let machine = synced(&world);
    let sent = |why: &str| {
        refused(
            &machine.try_git(&["push", "-q", "--no-verify", "--force"]),
            why,
        );
        machine.git(&["reset", "-q", "--hard", "origin/main"]);
    };
    fs::write(machine.repo().join("diary.md"), "dear diary\n").expect("written");
    commit(&machine);
    fs::remove_file(machine.repo().join("diary.md")).expect("gone");
    commit(&machine);
    sent("diary.md: is no sync data");
    fs::create_dir_all(machine.repo().join("sync/archive/2026/03/x")).expect("a folder");
    fs::write(
        machine.repo().join("sync/archive/2026/03/x/10.jsonl"),
        "what was said\n",
    )
    .expect("written");
    commit(&machine);
    sent("sync/archive/2026/03/x/10.jsonl: is no sync data");
    std::os::unix::fs::symlink(
        "/etc/passwd",
        machine.repo().join("sync/machines/link.json"),
    )
    .expect("a link");
    commit(&machine);
    sent("link.json: is no sync data");
    edit(&machine, DAY, |text| {
        text.replacen("\"output_tokens\":104", "\"output_tokens\":999", 1)
    });
    commit(&machine);
    sent("checksums would fail");
    machine.git(&["reset", "-q", "--hard", "HEAD~1"]);
    sent("would be lost or lowered");
    refused(
        &machine.try_git(&["push", "-q", "--no-verify", "origin", ":main"]),
        "",
    );
    assert_eq!(machine.fleet().0, 5);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_server_that_knows_whose_machine_is_whose_refuses_forgeries() {
    let world = World::new();
    guarded(&world);
    let remote = world.path().join("remote.git");
    let (ada, bob) = diverged(&world, true);
    world.git(
        &remote,
        &[
            "config",
            "claude-sync.00616461-0000-4000-8000-000000000000.user",
            "ada",
        ],
    );
    world.git(
        &remote,
        &[
            "config",
            "claude-sync.00626f62-0000-4000-8000-000000000000.user",
            "bob",
        ],
    );
    let push = |machine: &Machine, user: &str| {
        let mut command = std::process::Command::new("git");
        crate::world::clean(&mut command, &world.path().join("git-home"));
        command
            .env("CLAUDE_SYNC_USER", user)
            .arg("-C")
            .arg(machine.repo());
        crate::world::run(command.args(["push", "-q", "--no-verify"]))
    };
    bob.git(&["pull", "-q", "--rebase"]);
    refused(&push(&bob, "ada"), "belongs to a machine of bob");
    assert_eq!(
        push(&bob, "bob").code,
        0,
        "bob's own, and ada's as the server has them"
    );
    ada.git(&["pull", "-q"]);
    drop(ada);
    edit(&bob, DAY, |text| text.replace("shop", "shoe"));
    commit(&bob);
    refused(&push(&bob, "bob"), "belongs to a machine of ada");
}
