//! Objects that are missing or damaged here, and a `.git` of which a part is gone.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Row, Stage, all_hold};

/// The file of a loose object.
fn loose(stage: &Stage, revision: &str) -> PathBuf {
    let id = stage.bob.git(&["rev-parse", revision]);
    let (folder, rest) = id.trim().split_at(2);
    stage
        .bob
        .repo()
        .join(".git/objects")
        .join(folder)
        .join(rest)
}

fn remove(stage: &Stage, revision: &str) {
    let path = loose(stage, revision);
    unpack(stage, &path);
    fs::remove_file(path).expect("a loose object");
}

/// Makes sure that an object has a file of its own.
fn unpack(stage: &Stage, path: &Path) {
    if path.exists() {
        return;
    }
    let packs = stage.bob.repo().join(".git/objects/pack");
    let away = stage.bob.home.join("packs");
    fs::rename(&packs, &away).expect("moved");
    for pack in fs::read_dir(&away)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
    {
        if pack.extension().is_some_and(|end| end == "pack") {
            let command = format!(
                "git -C '{}' unpack-objects -q < '{}'",
                stage.bob.repo().display(),
                pack.display()
            );
            let done = std::process::Command::new("sh")
                .args(["-c", &command])
                .status()
                .expect("sh runs");
            assert!(done.success());
        }
    }
    fs::remove_dir_all(away).expect("removed");
}

fn rot(stage: &Stage, revision: &str) {
    let path = loose(stage, revision);
    unpack(stage, &path);
    let mut bytes = fs::read(&path).expect("a loose object");
    let middle = bytes.len() / 2;
    bytes[middle..].iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::remove_file(&path).expect("removed");
    fs::write(path, bytes).expect("written");
}

/// A day file of ada's, as bob has it.
const DAY: &str = "HEAD:sync/archive/2026/03/00616461-0000-4000-8000-000000000000/10.jsonl";

fn missing() -> Vec<Row> {
    vec![
        Row::done("a partial clone without blobs", |stage| {
            stage.world.git(
                &stage.remote(),
                &["config", "uploadpack.allowFilter", "true"],
            );
            stage.clone_again(&["--filter=blob:none"]);
        }),
        Row::done("a partial clone without blobs and work tree", |stage| {
            stage.world.git(
                &stage.remote(),
                &["config", "uploadpack.allowFilter", "true"],
            );
            stage.clone_again(&["--filter=blob:none", "--no-checkout"]);
        }),
        Row::done("a partial clone without trees", |stage| {
            stage.world.git(
                &stage.remote(),
                &["config", "uploadpack.allowFilter", "true"],
            );
            stage.clone_again(&["--filter=tree:0", "--no-checkout"]);
        }),
        Row::done("the newest commit is missing", |stage| {
            remove(stage, "HEAD");
        }),
        Row::done("a commit before the newest is missing", |stage| {
            remove(stage, "HEAD~1");
        }),
        Row::done("the newest tree is missing", |stage| {
            remove(stage, "HEAD^{tree}");
        }),
        Row::done("another machine's day file is missing", |stage| {
            remove(stage, DAY);
        }),
        Row::done("the manifest is missing", |stage| {
            remove(stage, "HEAD:sync/manifest.json");
        }),
        Row::done("another machine's day file is rotten", |stage| {
            rot(stage, DAY);
        }),
        Row::done("the manifest is rotten", |stage| {
            rot(stage, "HEAD:sync/manifest.json");
        }),
        Row::done("the newest commit is rotten", |stage| rot(stage, "HEAD")),
        Row::done("the newest tree is rotten", |stage| {
            rot(stage, "HEAD^{tree}");
        }),
        Row::done("a pack is rotten", |stage| {
            stage.git(&["gc", "-q"]);
            for pack in fs::read_dir(stage.bob.repo().join(".git/objects/pack"))
                .expect("a folder")
                .flatten()
                .map(|entry| entry.path())
            {
                if pack.extension().is_some_and(|end| end == "pack") {
                    let mut bytes = fs::read(&pack).expect("a pack");
                    let middle = bytes.len() / 2;
                    bytes[middle..middle + 20]
                        .iter_mut()
                        .for_each(|byte| *byte ^= 0x55);
                    fs::remove_file(&pack).expect("removed");
                    fs::write(&pack, bytes).expect("written");
                }
            }
        }),
        Row::done(
            "the remote's branch leads to a commit that is missing",
            |stage| {
                fs::write(
                    stage
                        .bob
                        .repo()
                        .join(".git/refs/remotes/origin")
                        .join(stage.branch()),
                    format!("{}\n", "1".repeat(40)),
                )
                .expect("written");
            },
        ),
        Row::done("the branch leads to a commit that never was", |stage| {
            fs::write(
                stage
                    .bob
                    .repo()
                    .join(".git/refs/heads")
                    .join(stage.branch()),
                format!("{}\n", "1".repeat(40)),
            )
            .expect("written");
        }),
        Row::done("what was had leads to a commit that never was", |stage| {
            fs::write(
                stage.bob.repo().join(".git/refs/claude-sync/known"),
                format!("{}\n", "1".repeat(40)),
            )
            .expect("written");
        }),
        Row::done(
            "a branch of the user's leads to a commit that is lost",
            |stage| {
                stage.git(&["branch", "side", "HEAD~1"]);
                fs::write(
                    stage.bob.repo().join(".git/refs/heads/side"),
                    format!("{}\n", "1".repeat(40)),
                )
                .expect("written");
                // What makes the run look for objects at all.
                remove(stage, DAY);
            },
        ),
        Row::done("HEAD is detached at a commit that is lost", |stage| {
            stage.git(&["switch", "-q", "--detach"]);
            fs::write(stage.bob.repo().join("NOTES.md"), "mine\n").expect("written");
            stage.git(&["add", "NOTES.md"]);
            stage.git(&["commit", "-q", "-m", "mine"]);
            stage.git(&["branch", "side"]);
            remove(stage, "HEAD");
        }),
        Row::done("the user's stash is rotten", |stage| {
            fs::write(stage.bob.repo().join("README.md"), "mine\n").expect("written");
            stage.git(&["stash", "-q"]);
            rot(stage, "refs/stash");
        }),
        Row::done("all objects are gone", |stage| {
            fs::remove_dir_all(stage.bob.repo().join(".git/objects")).expect("removed");
            fs::create_dir_all(stage.bob.repo().join(".git/objects/pack")).expect("a folder");
        }),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_is_not_here_is_fetched_and_never_taken_for_unreadable() {
    all_hold(missing());
}

/// Bob's home is a repository of bob's: git would find that one above a clone that it does not know as one.
fn at_home(stage: &Stage) {
    stage
        .world
        .git(&stage.bob.home, &["init", "-q", "-b", "main"]);
}

fn damaged() -> Vec<Row> {
    vec![
        Row::done("no HEAD, and the home folder is a repository", |stage| {
            at_home(stage);
            fs::remove_file(stage.bob.repo().join(".git/HEAD")).expect("removed");
        })
        .code(4)
        .says("its HEAD is missing")
        .lift(|stage| {
            stage.bob.init();
        }),
        Row::done("no config", |stage| {
            at_home(stage);
            fs::remove_file(stage.bob.repo().join(".git/config")).expect("removed");
        })
        .code(4)
        .says("its config is missing")
        .lift(|stage| {
            stage.bob.init();
        }),
        Row::done("the home folder is a repository", at_home),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_damaged_clone_is_named_and_no_other_repository_is_used() {
    all_hold(damaged());
}

/// All rows of this file.
pub(super) fn rows() -> Vec<Row> {
    [missing(), damaged()].into_iter().flatten().collect()
}
