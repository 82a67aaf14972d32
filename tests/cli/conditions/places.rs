//! Where `HEAD`, the branch, the index and the work tree are at, and what the user left unfinished.

use std::fs;

use super::{Row, Stage, all_hold};

const WAITS: &str = "The files in the work tree do not show what was synced";

/// A file of the user's, in conflict between two branches.
fn conflict(stage: &Stage) {
    let file = stage.bob.repo().join("NOTES.md");
    let new = stage.bob.head();
    stage.git(&["switch", "-q", "-C", "side"]);
    fs::write(&file, format!("side of {new}\n")).expect("written");
    stage.git(&["add", "NOTES.md"]);
    stage.git(&["commit", "-q", "-m", "side"]);
    stage.git(&["switch", "-q", &stage.branch()]);
    fs::write(&file, format!("ours of {new}\n")).expect("written");
    stage.git(&["add", "NOTES.md"]);
    stage.git(&["commit", "-q", "-m", "ours"]);
}

fn branches() -> Vec<Row> {
    vec![
        Row::done("another branch is checked out", |stage| {
            stage.git(&["switch", "-q", "-C", "aside"]);
        })
        .says(WAITS),
        Row::done("the branch was renamed here", |stage| {
            stage.git(&["branch", "-m", "renamed"]);
        })
        .says(WAITS),
        Row::done("HEAD is detached", |stage| {
            stage.git(&["switch", "-q", "--detach"]);
        })
        .says(WAITS),
        Row::done("HEAD is detached at an older commit", |stage| {
            stage.git(&["switch", "-q", "--detach", "HEAD~1"]);
        })
        .says(WAITS),
        Row::done("an orphan branch", |stage| {
            stage.git(&["switch", "-q", "--orphan", "empty"]);
        })
        .says(WAITS),
        Row::done("the branch was deleted here", |stage| {
            stage.git(&["switch", "-q", "--detach"]);
            stage.git(&["branch", "-q", "-D", &stage.branch()]);
        })
        .says(WAITS),
        Row::done("the branch tracks another one", |stage| {
            stage.git(&[
                "config",
                &format!("branch.{}.merge", stage.branch()),
                "refs/heads/other",
            ]);
        }),
        Row::done("the branch is checked out in another work tree", |stage| {
            stage.git(&["switch", "-q", "-C", "aside"]);
            let place = stage.bob.home.join("tree").display().to_string();
            stage.git(&["worktree", "add", "-q", &place, &stage.branch()]);
        })
        .says(WAITS),
        Row::done("commits of the user's on the branch", |stage| {
            fs::write(
                stage.bob.repo().join("NOTES.md"),
                format!("mine, after {}\n", stage.bob.head()),
            )
            .expect("written");
            stage.git(&["add", "NOTES.md"]);
            stage.git(&["commit", "-q", "-m", "notes"]);
        }),
        Row::done("changes of the user's that are not committed", |stage| {
            fs::write(stage.bob.repo().join("README.md"), "mine\n").expect("written");
            fs::write(stage.bob.repo().join("untracked"), "mine\n").expect("written");
        }),
        Row::done("the branch was reset to an older commit", |stage| {
            stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
        }),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn commits_go_to_the_branch_of_the_sync() {
    all_hold(branches());
}

fn unfinished() -> Vec<Row> {
    vec![
        Row::done("a lock of the index that is somebody else's", |stage| {
            fs::write(stage.bob.repo().join(".git/index.lock"), "").expect("written");
        })
        .says(WAITS),
        Row::done("a lock of HEAD", |stage| {
            fs::write(stage.bob.repo().join(".git/HEAD.lock"), "").expect("written");
        })
        .says(WAITS),
        Row::done("a lock of the branch", |stage| {
            fs::write(
                stage
                    .bob
                    .repo()
                    .join(".git/refs/heads")
                    .join(stage.branch() + ".lock"),
                "",
            )
            .expect("written");
        })
        .says(WAITS),
        Row::done("a merge with conflicts in the user's files", |stage| {
            conflict(stage);
            stage.bob.try_git(&["merge", "side"]);
        })
        .says("a merge is unfinished there"),
        Row::done("a rebase with conflicts in the user's files", |stage| {
            conflict(stage);
            stage.bob.try_git(&["rebase", "side"]);
        })
        .says("a rebase is unfinished there"),
        Row::done(
            "a cherry-pick with conflicts in the user's files",
            |stage| {
                conflict(stage);
                stage.bob.try_git(&["cherry-pick", "side"]);
            },
        )
        .says("a cherry-pick is unfinished there"),
        Row::done("a bisect", |stage| stage.git(&["bisect", "start"]))
            .says("a bisect is unfinished there"),
        Row::done("an index that is garbage", |stage| {
            fs::write(stage.bob.repo().join(".git/index"), "nonsense").expect("written");
        }),
        Row::done("no index", |stage| {
            fs::remove_file(stage.bob.repo().join(".git/index")).expect("removed");
        }),
        Row::done("an empty work tree", |stage| {
            for name in ["sync", "README.md", ".gitattributes"] {
                let path = stage.bob.repo().join(name);
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }),
        Row::done("a folder in the way of a file", |stage| {
            let path = stage.bob.repo().join("sync/manifest.json");
            fs::remove_file(&path).expect("removed");
            fs::create_dir_all(path.join("sub")).expect("a folder");
        }),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn records_do_not_wait_for_the_work_tree() {
    all_hold(unfinished());
}

fn clones() -> Vec<Row> {
    vec![
        Row::done("no hooks", |stage| {
            fs::remove_dir_all(stage.bob.repo().join(".git/hooks")).expect("removed");
        }),
        Row::done("no attributes", |stage| {
            fs::remove_dir_all(stage.bob.repo().join(".git/info")).expect("removed");
        }),
        Row::done("no merge driver", |stage| {
            stage.git(&["config", "--remove-section", "merge.claude-sync"]);
        }),
        Row::done("a plain clone by hand", |stage| stage.clone_again(&[])),
        Row::done("a shallow clone by hand", |stage| {
            stage.clone_again(&["--depth=1"]);
        }),
        Row::done("a clone of a single branch", |stage| {
            stage.clone_again(&["--single-branch"]);
        }),
        Row::done("a clone with a remote of another name", |stage| {
            stage.clone_again(&["--origin", "upstream"]);
        }),
        Row::done("a sparse clone", |stage| stage.clone_again(&["--sparse"])),
        Row::done("a clone with a .git elsewhere", |stage| {
            let place = stage.bob.home.join("elsewhere.git").display().to_string();
            stage.clone_again(&["--separate-git-dir", &place]);
        }),
        Row::done("a clone that borrows objects", |stage| {
            let other = stage.remote().display().to_string();
            stage.clone_again(&["--reference", &other]);
        }),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn every_run_sets_up_what_is_missing() {
    all_hold(clones());
}

/// All rows of this file.
pub(super) fn rows() -> Vec<Row> {
    [branches(), unfinished(), clones()]
        .into_iter()
        .flatten()
        .collect()
}
