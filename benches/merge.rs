//! `cargo bench --bench merge`: `git merge` with the driver against `git merge` without one, on the same trees, in turn.
//!
//! Both sides hold 100,000 records of ten machines; each side has one changed day. Prints medians and their ratio.

mod made;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use claude_sync::format::manifest::RULES;
use claude_sync::git::repo::{Entry, FILE, Repo};
use claude_sync::git::{Git, Oid};
use claude_sync::index::Index;
use claude_sync::merge::{data, overview};

const MACHINES: u64 = 10;
const RECORDS: u64 = 10_000;
const RUNS: usize = 15;

fn git(at: &Path, home: &Path, args: &[&str]) -> bool {
    let mut command = Command::new("git");
    command.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env_remove("XDG_STATE_HOME").arg("-C").arg(at);
    command.args(["-c", "user.name=Bench", "-c", "user.email=bench@example.invalid"]).args(args);
    command.output().expect("git runs").status.success()
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let (place, home) = (folder.path().join("repo"), folder.path().join("home"));
    std::fs::create_dir_all(&home).expect("a folder");
    let repo = Repo::create(&place, "main").expect("a repository");
    let process = Git::find(false).expect("git");
    let base = made::fleet::write(&repo, MACHINES, RECORDS);
    let attributes = repo.write_blob(b"sync/** -text merge=claude-sync\n").expect("stored");
    let root = |tree: Oid| {
        repo.replace(Some(tree), &[(".gitattributes".to_owned(), Entry { mode: FILE, oid: attributes })].into()).expect("a tree")
    };
    let commit = |tree: Oid, parents: &[Oid]| repo.commit(&process, root(tree), parents, "made\n").expect("a commit");
    let start = commit(base, &[]);
    let ours = commit(made::fleet::derive(&repo, made::fleet::add(&repo, base, 0, RECORDS..RECORDS + 50)), &[start]);
    let theirs = commit(made::fleet::derive(&repo, made::fleet::add(&repo, base, 1, RECORDS..RECORDS + 50)), &[start]);
    git(&place, &home, &["update-ref", "refs/heads/main", &ours.to_string()]);
    git(&place, &home, &["reset", "-q", "--hard"]);
    git(&place, &home, &["gc", "-q"]);
    let driver = format!("'{}' merge-driver %O %A %B %P || exit 129", env!("CARGO_BIN_EXE_claude-sync"));
    let state = home.join(".local/state/claude-sync");
    let mut times: [Vec<Duration>; 4] = Default::default();
    for run in 0..=RUNS {
        for (at, name) in ["none", "true", "warm", "cold"].into_iter().enumerate() {
            if name == "none" {
                git(&place, &home, &["config", "--unset", "merge.claude-sync.driver"]);
            } else {
                git(&place, &home, &["config", "merge.claude-sync.driver", &driver]);
            }
            if name == "true" {
                git(&place, &home, &["config", "merge.claude-sync.driver", "true"]);
            }
            if name == "cold" {
                let _ = std::fs::remove_dir_all(&state);
            }
            if name == "warm" {
                // As a run of claude-sync here, which made our side's commit, leaves it. What comes from the other side is new.
                std::fs::create_dir_all(&state).expect("a folder");
                let index = Index::open(&state).expect("an index");
                let (machines, archive) = data::inputs(&repo, repo.tree_of(ours).ok()).expect("reads");
                overview::manifest(&repo, machines, archive, RULES, &index).expect("computes");
            }
            let begin = Instant::now();
            let done = git(&place, &home, &["merge", "-q", "--no-edit", &theirs.to_string()]);
            let time = begin.elapsed();
            assert_eq!(done, name != "none", "without a driver the manifests conflict, with one nothing does");
            git(&place, &home, &["reset", "-q", "--hard", &ours.to_string()]);
            // The first round warms the caches.
            if run > 0 {
                times[at].push(time);
            }
        }
    }
    let [none, noop, warm, cold] = times.map(|mut times| median(&mut times));
    println!("git merge without a driver: {none:.1} ms (median of {RUNS})");
    println!("with a driver that does nothing: {noop:.1} ms, ratio {:.2}", noop / none);
    println!("with the driver, warm index: {warm:.1} ms, ratio {:.2}", warm / none);
    println!("with the driver, no index:   {cold:.1} ms, ratio {:.2}", cold / none);
}
