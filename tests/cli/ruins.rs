//! Remotes and repositories that were damaged: it is seen, own data goes there again, and nothing of others is deleted.

use std::fs;
use std::path::PathBuf;

use crate::scale::long;
use crate::world::{Machine, NOON, World, transcript};

fn two(world: &World) -> [Machine<'_>; 2] {
    let machines = ["ada", "bob"].map(|name| world.machine(name));
    for (machine, from) in machines.iter().zip([0, 100]) {
        machine.write(
            ".claude/projects/p/s.jsonl",
            &transcript(if from == 0 { "adas" } else { "bobs" }, from..from + 4),
        );
        machine.init().sync(&[]);
    }
    machines[0].sync(&[]);
    machines
}

fn count(world: &World, branch: &str) -> u64 {
    let text = world.git(
        &world.path().join("remote.git"),
        &["show", &format!("{branch}:sync/manifest.json")],
    );
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["global_summary"]["total_requests"].as_u64().expect("a number")
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_remote_that_was_rewound_emptied_or_begun_anew_gets_everything_back() {
    for how in ["rewound", "emptied", "other history", "branch deleted"] {
        let world = World::new();
        let [ada, bob] = two(&world);
        let remote = world.path().join("remote.git");
        match how {
            "rewound" => drop(world.git(&remote, &["update-ref", "refs/heads/main", "main~1"])),
            "emptied" => {
                fs::remove_dir_all(&remote).expect("removed");
                world.git(
                    world.path(),
                    &["init", "-q", "--bare", "-b", "main", "remote.git"],
                );
            }
            "other history" => {
                let tree = world
                    .git(&remote, &["mktree", "--missing", "--batch"])
                    .trim()
                    .to_owned();
                let tree = if tree.is_empty() {
                    world
                        .git(&remote, &["hash-object", "-t", "tree", "-w", "/dev/null"])
                        .trim()
                        .to_owned()
                } else {
                    tree
                };
                let commit = world.git(&remote, &["commit-tree", "-m", "anew", &tree]);
                world.git(&remote, &["update-ref", "refs/heads/main", commit.trim()]);
            }
            _ => drop(world.git(&remote, &["update-ref", "-d", "refs/heads/main"])),
        }
        ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
        ada.sync(&[]);
        assert_eq!(
            count(&world, "main"),
            9,
            "{how}: what ada knows of both is there again"
        );
        bob.sync(&[]);
        ada.sync(&[]);
        assert_eq!((ada.fleet().0, bob.fleet().0), (9, 9), "{how}");
        assert_eq!(ada.manifest(), bob.manifest(), "{how}");
    }
}

/// All loose objects and packs of a clone.
fn objects(machine: &Machine) -> Vec<PathBuf> {
    let mut folders = vec![machine.repo().join(".git/objects")];
    let mut out = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                out.push(entry.path());
            }
        }
    }
    out.sort();
    out
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_damaged_clone_is_seen_and_a_new_one_has_everything() {
    for how in [
        "objects",
        "pack",
        "refs",
        "head",
        "index of git",
        "index of ours",
    ] {
        let world = World::new();
        let [ada, bob] = two(&world);
        let git_dir = ada.repo().join(".git");
        let spoil = |path: &PathBuf| {
            let mut bytes = fs::read(path).expect("read");
            let middle = bytes.len() / 2;
            bytes[middle..].iter_mut().for_each(|byte| *byte ^= 0x55);
            let _ = fs::remove_file(path);
            fs::write(path, bytes).expect("written");
        };
        match how {
            "objects" => objects(&ada).iter().for_each(spoil),
            "pack" => {
                ada.git(&["gc", "-q"]);
                objects(&ada)
                    .iter()
                    .filter(|path| path.extension().is_some_and(|end| end == "pack"))
                    .for_each(spoil);
            }
            "refs" => fs::write(git_dir.join("refs/heads/main"), "nonsense\n").expect("written"),
            "head" => fs::write(git_dir.join("HEAD"), "nonsense\n").expect("written"),
            "index of git" => fs::write(git_dir.join("index"), "nonsense").expect("written"),
            _ => fs::write(ada.state().join("index.sqlite"), "nonsense").expect("written"),
        }
        ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
        let ran = ada.try_sync(NOON, &[]);
        if ran.code != 0 {
            assert!(
                ran.code > 0 && ran.err.contains("help"),
                "{how}: {} {}",
                ran.code,
                ran.err
            );
            let verified = ada.try_sync(NOON, &["verify"]);
            assert_ne!(verified.code, 0, "{how}: {}", verified.out);
            // What the message says: another clone, or the remote, has the same data.
            fs::rename(ada.repo(), ada.home.join("damaged")).expect("moved away");
            ada.init().sync(&[]);
        }
        assert_eq!(ada.fleet().0, 9, "{how}");
        bob.sync(&[]);
        assert_eq!((bob.fleet().0, count(&world, "main")), (9, 9), "{how}");
    }
}

#[test]
fn a_damaged_clone_of_an_empty_remote_is_mended_at_once() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    ada.init().sync(&[]);
    // Nothing of the remote's can bring the object back, and git has nothing to fetch.
    let remote = world.path().join("remote.git");
    world.git(&remote, &["update-ref", "-d", "refs/heads/main"]);
    for path in objects(&ada) {
        let _ = fs::remove_file(&path);
        fs::write(path, "").expect("written");
    }
    let ran = ada.try_sync(NOON, &[]);
    assert_eq!((ran.code, ada.fleet().0), (0, 4), "{}", ran.err);
    assert_eq!(count(&world, "main"), 4);
}

#[test]
fn a_machine_without_its_clone_does_not_leave_the_fleet() {
    let world = World::new();
    let [ada, _] = two(&world);
    fs::remove_dir_all(ada.repo()).expect("removed");
    for args in [&[][..], &["--quiet"], &["auto", "run"]] {
        let ran = ada.try_sync(NOON, args);
        assert_eq!(ran.code, 4, "{args:?}: {}{}", ran.out, ran.err);
    }
    assert!(!ada.repo().exists());
    ada.init().sync(&[]);
    assert_eq!((ada.fleet().0, count(&world, "main")), (8, 8));
}

#[test]
fn a_branch_that_was_renamed_on_the_remote_loses_nothing() {
    let world = World::new();
    let [ada, bob] = two(&world);
    let remote = world.path().join("remote.git");
    world.git(&remote, &["branch", "-m", "main", "trunk"]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
    ada.sync(&[]);
    assert_eq!(count(&world, "trunk"), 9, "the clone follows the remote");
    assert_ne!(
        world
            .try_git(&remote, &["rev-parse", "--verify", "-q", "refs/heads/main"])
            .code,
        0,
        "the old name is not pushed again"
    );
    let ran = bob.sync(&[]);
    assert!(
        ran.out
            .contains("The remote's default branch is trunk now, not main"),
        "{}",
        ran.out
    );
    assert_eq!(bob.fleet().0, 9);
    bob.assert_sound();
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_object_whose_file_ends_too_early_is_an_error_and_no_endless_wait() {
    let world = World::new();
    let [ada, bob] = two(&world);
    bob.write(".claude/projects/p/t.jsonl", &transcript("more", 200..203));
    bob.sync(&[]);
    for (at, path) in objects(&ada).into_iter().enumerate() {
        let whole = fs::read(&path).expect("read");
        let places = [0, 1, whole.len() / 2, whole.len() - 5, whole.len() - 1];
        for (_, left) in places
            .into_iter()
            .enumerate()
            .filter(|(place, _)| long() || place % 5 == at % 5)
        {
            fs::remove_file(&path).expect("removed");
            fs::write(&path, &whole[..left]).expect("written");
            for args in [
                &["verify", "--read-data"][..],
                &["log"],
                &["restore", "--list"],
                &[],
            ] {
                let ran = ada.try_sync(NOON, args);
                assert!(
                    ran.code == 0
                        || ran.code > 0 && (ran.err.contains("help") || args.contains(&"verify")),
                    "{args:?}: {ran:?}"
                );
            }
            ada.track(&["daily", "--json"]);
            fs::write(&path, &whole).expect("written");
        }
    }
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, count(&world, "main")), (11, 11));
}
