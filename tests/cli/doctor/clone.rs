//! The clone: identity, merge driver, hooks, size, index.

use std::fs;

use super::{advice, check, healthy, sees};
use crate::world::World;

#[test]
fn a_repository_that_no_sync_can_work_in() {
    let world = World::new();
    let machine = healthy(&world);
    let head = machine.head();
    fs::write(machine.repo().join(".git/MERGE_HEAD"), format!("{head}\n")).expect("written");
    sees(
        &machine,
        &[("repository", "warning", "in the middle of a merge")],
    );
    fs::remove_file(machine.repo().join(".git/MERGE_HEAD")).expect("removed");
    machine.git(&["checkout", "-q", "-b", "side"]);
    sees(
        &machine,
        &[(
            "repository",
            "warning",
            "it is on the branch side, and main is the one that is synced",
        )],
    );
    machine.git(&["checkout", "-q", "--detach"]);
    sees(
        &machine,
        &[(
            "repository",
            "warning",
            "it is on no branch, and main is the one that is synced",
        )],
    );
    machine.git(&["checkout", "-q", "--orphan", "other"]);
    machine.git(&["rm", "-rqf", "."]);
    machine.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]);
    sees(
        &machine,
        &[(
            "repository",
            "warning",
            "it is on the branch other, and main is the one that is synced",
        )],
    );
    machine.git(&["checkout", "-qf", "main"]);
    let object = machine
        .repo()
        .join(".git/objects")
        .join(&head[..2])
        .join(&head[2..]);
    fs::remove_file(object).expect("removed");
    sees(&machine, &[("repository", "error", "is missing here")]);
    fs::remove_dir_all(machine.repo().join(".git")).expect("removed");
    sees(
        &machine,
        &[(
            "repository",
            "error",
            "~/.local/share/claude-sync/repo is no repository, and not empty",
        )],
    );
}

#[test]
fn nobody_whom_commits_could_name() {
    let world = World::new();
    let machine = healthy(&world);
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\tuseConfigOnly = true\n",
    );
    sees(&machine, &[("identity", "note", "user.email is not set")]);
    machine.sync(&["config", "set", "git.sign", "true"]);
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\temail = ada@example.invalid\n",
    );
    assert_eq!(
        check(&sees(&machine, &[]), "identity").1,
        "git knows whom to name; commits are signed (git.sign)"
    );
}

#[test]
fn a_merge_driver_that_git_cannot_call() {
    let world = World::new();
    let machine = healthy(&world);
    let key = "merge.claude-sync.driver";
    let usual = machine.git(&["config", key]);
    let other = world.path().join("claude-sync");
    machine.git(&[
        "config",
        key,
        &format!("'{}' merge-driver %O %A %B %P", other.display()),
    ]);
    let gone = format!("{}, which is not there", other.display());
    sees(&machine, &[("merge_driver", "error", &gone)]);
    fs::write(&other, "").expect("written");
    sees(
        &machine,
        &[("merge_driver", "note", "by another claude-sync")],
    );
    machine.git(&["config", key, "true"]);
    sees(
        &machine,
        &[(
            "merge_driver",
            "error",
            "merge.claude-sync.driver is set to something else",
        )],
    );
    machine.git(&["config", "--unset", key]);
    sees(
        &machine,
        &[(
            "merge_driver",
            "error",
            "merge.claude-sync.driver is not set",
        )],
    );
    machine.git(&["config", key, usual.trim_end()]);
    fs::write(machine.repo().join(".git/info/attributes"), "").expect("written");
    sees(
        &machine,
        &[(
            "merge_driver",
            "error",
            "info/attributes has not the line of claude-sync",
        )],
    );
    machine.sync(&[]);
    sees(&machine, &[]);
}

#[test]
fn hooks_that_git_does_not_call() {
    let world = World::new();
    let machine = healthy(&world);
    let hook = machine.repo().join(".git/hooks/post-merge");
    let text = fs::read_to_string(&hook).expect("a hook");
    fs::write(
        &hook,
        text.replace(env!("CARGO_BIN_EXE_claude-sync"), "/nowhere/claude-sync"),
    )
    .expect("written");
    sees(
        &machine,
        &[(
            "hooks",
            "warning",
            "hooks call /nowhere/claude-sync, which is not there",
        )],
    );
    fs::remove_file(&hook).expect("removed");
    sees(
        &machine,
        &[("hooks", "warning", "the hook post-merge is not installed")],
    );
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\temail = a@example.invalid\n[core]\n\thooksPath = ~/my-hooks\n",
    );
    sees(&machine, &[("hooks", "note", "core.hooksPath is set")]);
}

#[test]
fn a_repository_that_git_should_tidy_up() {
    let world = World::new();
    let machine = healthy(&world);
    machine.git(&["config", "gc.auto", "3"]);
    sees(&machine, &[("size", "note", "more than git leaves alone")]);
    machine.git(&["gc", "-q", "--prune=now"]);
    assert!(
        check(&sees(&machine, &[]), "size")
            .1
            .ends_with("0 loose files, 1 pack")
    );
    let large = fs::File::create(
        machine
            .repo()
            .join(".git/objects/pack/tmp_pack_of_a_killed_gc"),
    )
    .expect("made");
    large
        .set_len(2_500_000_000)
        .expect("a file with nothing in it");
    let json = sees(&machine, &[("size", "warning", "2,500 MB in .git")]);
    assert!(advice(&json, "size").starts_with("claude-sync git gc --prune=now"));
    machine.git(&["gc", "-q", "--prune=now"]);
    sees(&machine, &[]);
}

#[test]
fn a_clone_with_something_large_in_it_that_is_no_history() {
    let world = World::new();
    let machine = healthy(&world);
    let git = machine.repo().join(".git");
    let large = |path: &str, bytes: u64| {
        let path = git.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let file = fs::File::create(path).expect("made");
        file.set_len(bytes).expect("a file with nothing in it");
    };
    large("claude-sync-damaged/pack-1.pack", 900_000_000);
    sees(&machine, &[]);
    large("claude-sync-damaged/refs/pack-2.pack", 200_000_000);
    let json = sees(&machine, &[("size", "warning", "1,100 MB in .git")]);
    assert!(
        advice(&json, "size")
            .contains("delete ~/.local/share/claude-sync/repo/.git/claude-sync-damaged"),
        "{json}"
    );
    large("modules/more", 1_200_000_000);
    let json = sees(
        &machine,
        &[("size", "warning", "1,200 MB of it in modules")],
    );
    assert!(
        advice(&json, "size").contains("repo/.git/modules"),
        "{json}"
    );
    // What lies elsewhere is not the clone's.
    fs::remove_dir_all(git.join("claude-sync-damaged")).expect("removed");
    fs::rename(git.join("modules"), machine.home.join("modules")).expect("moved");
    std::os::unix::fs::symlink(machine.home.join("modules"), git.join("modules")).expect("linked");
    sees(&machine, &[]);
}

#[test]
fn an_index_that_is_damaged() {
    let world = World::new();
    let machine = healthy(&world);
    fs::write(
        machine.state().join("index.sqlite"),
        "no database at all, but long enough to be looked at",
    )
    .expect("written");
    sees(
        &machine,
        &[("index", "warning", "the local index is damaged")],
    );
    machine.sync(&["verify", "--repair"]);
    sees(&machine, &[]);
}
