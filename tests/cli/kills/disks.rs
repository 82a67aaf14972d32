//! Disks that are full, read-only, or lose power.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::has;
use crate::dice::Dice;
use crate::scale::tries;
use crate::world::{Machine, NOON, World, run};

/// A mounted file system of a size, as long as it lives.
struct Mount(PathBuf);

impl Mount {
    fn tmpfs(at: &Path, kib: u32) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        mount(&["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"], at)
    }

    fn option(&self, options: &str) {
        let done = Command::new("mount")
            .args(["-o", options])
            .arg(&self.0)
            .status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "mount -o {options}"
        );
    }
}

fn mount(args: &[&str], at: &Path) -> Option<Mount> {
    let done = Command::new("mount")
        .args(args)
        .arg(at)
        .stderr(Stdio::null())
        .status();
    if done.is_ok_and(|status| status.success()) {
        return Some(Mount(at.to_owned()));
    }
    crate::peers::missing("mount", "file systems cannot be mounted here");
    None
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_full_disk_costs_nothing_once_there_is_room() {
    for place in ["repository", "state", "temporary folder"] {
        for step in 0..tries(2, 64) {
            let world = World::new();
            let ada = world.machine("ada");
            ada.write(
                ".claude/projects/p/s.jsonl",
                &crate::world::transcript("s1", 0..200),
            );
            let folder = match place {
                "repository" => ada.home.join(".local/share/claude-sync"),
                "state" => ada.state(),
                _ => ada.home.join("tmp"),
            };
            let Some(disk) = Mount::tmpfs(&folder, 16 + step * 12) else {
                return;
            };
            let sync = |args: &[&str]| {
                run(ada
                    .command("claude-sync", NOON)
                    .env("TMPDIR", ada.home.join("tmp"))
                    .args(args))
            };
            let first = sync(&["init", &world.remote()]);
            let second = sync(&[]);
            for out in [&first, &second] {
                assert!(
                    out.code >= 0 && (out.code == 0 || !out.err.is_empty()),
                    "{place} {step}: {} {}",
                    out.code,
                    out.err
                );
            }
            disk.option("remount,size=64m");
            for args in [&["init", &world.remote()][..], &[]] {
                let again = sync(args);
                assert_eq!(again.code, 0, "{place} {step}: {}{}", again.out, again.err);
            }
            assert_eq!(ada.fleet().0, 200, "{place} {step}");
        }
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn places_that_cannot_be_written() {
    for place in ["repository", "home", "remote"] {
        for synced in [false, true] {
            let world = World::new();
            let ada = world.machine("ada");
            ada.write(
                ".claude/projects/p/s.jsonl",
                &crate::world::transcript("s1", 0..3),
            );
            ada.init();
            if synced {
                ada.sync(&[]);
            }
            ada.write(
                ".claude/projects/p/s.jsonl",
                &crate::world::transcript("s1", 0..5),
            );
            let folder = match place {
                "repository" => ada.repo(),
                "home" => ada.home.clone(),
                _ => world.path().join("remote.git"),
            };
            let text = folder.display().to_string();
            let Some(bind) = mount(&["--bind", &text], &folder) else {
                return;
            };
            bind.option("remount,bind,ro");
            let out = ada.try_sync(NOON, &[]);
            assert!(
                out.code > 0 && out.err.contains("help") | out.err.contains("warning"),
                "{place}: {} {}{}",
                out.code,
                out.out,
                out.err
            );
            drop(bind);
            assert_eq!(ada.sync(&[]).code, 0);
            assert_eq!(ada.fleet().0, 5, "{place}");
        }
    }
}

/// An ext4 file system in a file, mounted.
fn image(world: &World, name: &str) -> Option<(PathBuf, Mount)> {
    if !has("mke2fs") && !Path::new("/usr/sbin/mkfs.ext4").exists() {
        crate::peers::missing("mkfs.ext4", "mkfs.ext4 is not installed");
        return None;
    }
    let file = world.path().join(name);
    fs::File::create(&file)
        .and_then(|file| file.set_len(48 << 20))
        .expect("a file");
    let made = Command::new("mkfs.ext4")
        .args(["-q", "-F"])
        .arg(&file)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        crate::peers::missing("mkfs.ext4", "mkfs.ext4 does not work here");
        return None;
    }
    let at = world.path().join(format!("{name}.d"));
    fs::create_dir_all(&at).expect("a folder");
    mount(&["-o", "loop", &file.display().to_string()], &at).map(|mounted| (file, mounted))
}

/// What a disk holds when the power goes right now: a copy of the file behind the file system, mounted elsewhere.
fn after_power_cut(world: &World, file: &Path, round: u32) -> Option<Mount> {
    let copy = world.path().join(format!("copy{round}"));
    fs::copy(file, &copy).expect("copied");
    let checked = Command::new("e2fsck")
        .args(["-fy"])
        .arg(&copy)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("e2fsck runs");
    assert!(
        checked.code().is_some_and(|code| code <= 1),
        "fsck could not mend the file system"
    );
    let at = world.path().join(format!("copy{round}.d"));
    fs::create_dir_all(&at).expect("a folder");
    mount(&["-o", "loop", &copy.display().to_string()], &at)
}

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let world = World::new();
    let Some((file, disk)) = image(&world, "disk") else {
        return;
    };
    let home = disk.0.join("ada");
    let ada = Machine {
        world: &world,
        name: "ada".to_owned(),
        home,
    };
    ada.write(".claude/machine_id", "00616461-0000-4000-8000-000000000000");
    ada.sync(&["init"]);
    let rows = |count: u32| {
        ada.write(
            ".claude/projects/p/s.jsonl",
            &crate::world::transcript("s1", 0..count),
        );
    };
    let mut dice = Dice::new(9);
    let mut acknowledged = 0;
    for round in 0..tries(2, 25) {
        let count = acknowledged + 2;
        rows(count);
        // The transcript itself is Claude Code's to keep; here it must be on the disk before the run.
        let _ = Command::new("sync").arg("-f").arg(&disk.0).status();
        let during = round % 5 != 0;
        let mut child = ada
            .command("claude-sync", NOON)
            .arg("-q")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        if during {
            std::thread::sleep(Duration::from_micros(dice.number(80_000)));
        } else {
            assert!(child.wait().expect("ends").success());
            acknowledged = count;
        }
        // Nothing is written while the copy is made: one that is smeared over time is no moment that any disk was ever in.
        let signal = |name: &str| {
            drop(
                Command::new("kill")
                    .args([name, &child.id().to_string()])
                    .stderr(Stdio::null())
                    .status(),
            );
        };
        signal("-STOP");
        let copy = after_power_cut(&world, &file, round);
        signal("-CONT");
        let _ = child.wait();
        let Some(copy) = copy else { return };
        let other = Machine {
            world: &world,
            name: "ada".to_owned(),
            home: copy.0.join("ada"),
        };
        if acknowledged > 0 {
            let there = other.try_git(&["show", "HEAD:sync/manifest.json"]).out;
            let there: serde_json::Value = serde_json::from_str(&there)
                .unwrap_or_else(|error| panic!("round {round}: no manifest: {error}: {there}"));
            assert!(
                there["global_summary"]["total_requests"].as_u64() >= Some(u64::from(acknowledged)),
                "round {round}: acknowledged data is gone"
            );
        }
        acknowledged = count;
        let next = other.try_sync(NOON, &[]);
        assert_eq!(next.code, 0, "round {round}: {}{}", next.out, next.err);
        assert_eq!(other.fleet().0, u64::from(count));
        drop(copy);
        let _ = fs::remove_file(world.path().join(format!("copy{round}")));
    }
}
