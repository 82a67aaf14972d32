//! The remote: what it is called, which branch it names, and what it refuses.

use super::{Row, Stage, all_hold, executable};

fn hook(stage: &Stage, text: &str) {
    executable(&stage.remote().join("hooks/pre-receive"), text);
}

/// Makes the other one of `main` and `trunk` the remote's default branch, by `how`.
fn turn(stage: &Stage, how: fn(&Stage, &str, &str)) {
    let head = stage
        .world
        .git(&stage.remote(), &["symbolic-ref", "--short", "HEAD"]);
    let (old, new) = if head.trim() == "main" {
        ("main", "trunk")
    } else {
        ("trunk", "main")
    };
    how(stage, old, new);
    stage.world.git(
        &stage.remote(),
        &["symbolic-ref", "HEAD", &format!("refs/heads/{new}")],
    );
}

fn rename(stage: &Stage) {
    turn(stage, |stage, old, new| {
        drop(
            stage
                .world
                .git(&stage.remote(), &["branch", "-M", old, new]),
        );
    });
}

fn names() -> Vec<Row> {
    vec![
        Row::done("the default branch was renamed", rename),
        Row::done("HEAD names another branch with the data", |stage| {
            turn(stage, |stage, old, new| {
                drop(
                    stage
                        .world
                        .git(&stage.remote(), &["branch", "-f", new, old]),
                );
            });
        }),
        Row::done("HEAD names a branch that is not there", |stage| {
            stage.world.git(
                &stage.remote(),
                &["symbolic-ref", "HEAD", "refs/heads/nothing"],
            );
        }),
        Row::done(
            "HEAD names a branch that is not there, and a clone by hand",
            |stage| {
                stage.world.git(
                    &stage.remote(),
                    &["symbolic-ref", "HEAD", "refs/heads/nothing"],
                );
                stage.clone_again(&[]);
            },
        ),
        Row::done(
            "HEAD names a branch that is not there, and a clone with a remote of another name",
            |stage| {
                stage.world.git(
                    &stage.remote(),
                    &["symbolic-ref", "HEAD", "refs/heads/nothing"],
                );
                stage.clone_again(&["--origin", "upstream"]);
            },
        ),
        Row::done(
            "HEAD names a branch that is not there, and a clone of a single branch",
            |stage| {
                stage.world.git(
                    &stage.remote(),
                    &["symbolic-ref", "HEAD", "refs/heads/nothing"],
                );
                stage.clone_again(&["--single-branch"]);
            },
        ),
        Row::done(
            "HEAD names a branch that is not there, a clone of a single branch, and init",
            |stage| {
                stage.world.git(
                    &stage.remote(),
                    &["symbolic-ref", "HEAD", "refs/heads/nothing"],
                );
                stage.clone_again(&["--single-branch"]);
                stage.bob.init();
            },
        ),
        Row::done(
            "the default branch was renamed after a clone by hand",
            |stage| {
                stage.clone_again(&[]);
                rename(stage);
            },
        ),
        Row::done("another branch with something else", |stage| {
            let blob = stage
                .world
                .git(&stage.remote(), &["hash-object", "-w", "description"]);
            let tree = stage.world.git(
                &stage.remote(),
                &[
                    "commit-tree",
                    "-m",
                    "other",
                    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
                ],
            );
            stage.world.git(
                &stage.remote(),
                &["update-ref", "refs/heads/other", tree.trim()],
            );
            drop(blob);
        }),
        Row::done("the remote is not called origin", |stage| {
            stage.git(&["remote", "rename", "origin", "hub"]);
        }),
        Row::done("two remotes, and the branch has its own", |stage| {
            stage.git(&["remote", "rename", "origin", "hub"]);
            stage.git(&["remote", "add", "backup", "/nowhere"]);
        }),
        Row::done("two remotes, and none is the branch's", |stage| {
            stage.git(&["remote", "rename", "origin", "hub"]);
            stage.git(&["remote", "add", "backup", "/nowhere"]);
            stage.git(&[
                "config",
                "--unset",
                &format!("branch.{}.remote", stage.branch()),
            ]);
        })
        .code(4)
        .says("there are several: backup, hub")
        .lift(|stage| {
            stage.git(&[
                "config",
                &format!("branch.{}.remote", stage.branch()),
                "hub",
            ]);
        }),
        Row::done("a remote that mirrors", |stage| {
            stage.git(&["config", "remote.origin.mirror", "true"]);
        }),
        Row::done("a remote that fetches one branch", |stage| {
            stage.git(&[
                "config",
                "remote.origin.fetch",
                "+refs/heads/none:refs/remotes/origin/none",
            ]);
        }),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_remote_names_its_branch_and_the_clone_its_remote() {
    all_hold(names());
}

fn refusals() -> Vec<Row> {
    vec![
        Row::done("the remote's hook refuses", |stage| {
            hook(
                stage,
                &"#!/bin/sh\nread old new name\n[ \"$(git log -1 --format=%an $new)\" = NAME ] || exit 0\necho NAME may not; exit 1\n"
                    .replace("NAME", &stage.bob.name),
            );
        })
        .code(7)
        .says("A hook in the remote repository refused the push")
        .lift(|stage| std::fs::remove_file(stage.remote().join("hooks/pre-receive")).expect("removed")),
        Row::done("the remote is away", |stage| stage.git(&["remote", "set-url", "origin", "/nowhere"]))
            .code(7)
            .says("The remote was not reached")
            .lift(|stage| stage.git(&["remote", "set-url", "origin", &stage.world.remote()])),
        Row::done("only pushes go astray", |stage| stage.git(&["remote", "set-url", "--push", "origin", "/nowhere"]))
            .code(7)
            .says("did not take the push")
            .lift(|stage| stage.git(&["config", "--unset", "remote.origin.pushurl"])),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_push_that_is_refused_says_who_refused_it() {
    all_hold(refusals());
}

/// All rows of this file.
pub(super) fn rows() -> Vec<Row> {
    [names(), refusals()].into_iter().flatten().collect()
}
