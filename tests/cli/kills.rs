//! Kills, failing system calls, full disks and power cuts: what was acknowledged stays, and the next sync succeeds unaided.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::dice::Dice;
use crate::scale::{long, tries};
use crate::world::{Machine, NOON, Ran, Row, World, ran, run};

/// System calls by which a sync changes something.
const MUTATING: [&str; 20] = [
    "write",
    "pwrite64",
    "writev",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "ftruncate",
    "fsync",
    "fdatasync",
    "syncfs",
    "fchmod",
    "chmod",
    "utimensat",
];

fn has(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether strace can trace here; says so where it cannot.
fn can_trace() -> bool {
    let works = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        crate::peers::missing("strace", "strace is not installed, or may not trace here");
    }
    works
}

/// A machine that goes on: each round brings one request more.
struct Going<'w> {
    machine: Machine<'w>,
    requests: u32,
    log: PathBuf,
}

impl<'w> Going<'w> {
    fn new(world: &'w World) -> Self {
        let machine = world.machine("ada");
        machine.init();
        let mut going = Self {
            machine,
            requests: 0,
            log: world.path().join("strace.log"),
        };
        going.more();
        going.machine.sync(&[]);
        going
    }

    fn more(&mut self) {
        let n = self.requests;
        let path = self.machine.home.join(".claude/projects/p/s.jsonl");
        let old = fs::read_to_string(&path).unwrap_or_default();
        let row = Row::new(
            "s1",
            n,
            &format!(
                "2026-03-10T{:02}:{:02}:{:02}.000Z",
                n / 3600,
                n / 60 % 60,
                n % 60
            ),
        )
        .line();
        self.machine
            .write(".claude/projects/p/s.jsonl", &(old + &row));
        self.requests += 1;
    }

    /// Syncs with a fault, and says whether the fault came to pass.
    fn with_fault(&self, inject: &str) -> (Ran, bool) {
        let inner = self.machine.command("claude-sync", NOON);
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o"]).arg(&self.log);
        command
            .args([
                "-e",
                &format!("trace={}", MUTATING.join(",")),
                "-e",
                &format!("inject={inject}"),
            ])
            .arg(inner.get_program());
        command.args(["--wait", "5"]).env_clear();
        for (name, value) in inner.get_envs() {
            value.map(|value| command.env(name, value));
        }
        let out = run(command);
        let log = String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned();
        let hit = log.contains("(INJECTED)") || log.contains("killed by SIGKILL");
        (out, hit)
    }

    /// The next sync succeeds unaided, with everything that there was.
    fn check(&self, after: &str, thorough: bool) {
        // What died on the remote's side is its owner's to clear away: no client may.
        for folder in ["", "refs/heads", "objects"] {
            for entry in fs::read_dir(self.machine.world.path().join("remote.git").join(folder))
                .expect("a folder")
                .flatten()
            {
                if entry
                    .path()
                    .extension()
                    .is_some_and(|ending| ending == "lock")
                {
                    fs::remove_file(entry.path()).expect("removed");
                }
            }
        }
        let ran = self.machine.try_sync(NOON, &[]);
        assert_eq!(ran.code, 0, "after {after}: {}{}", ran.out, ran.err);
        assert_eq!(
            self.machine.fleet().0,
            u64::from(self.requests),
            "after {after}"
        );
        if thorough {
            let ran = self.machine.try_sync(NOON, &["verify", "--read-data"]);
            assert_eq!(ran.code, 0, "after {after}: {}{}", ran.out, ran.err);
        }
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn killed_at_each_system_call_that_changes_something() {
    if !can_trace() {
        return;
    }
    let world = World::new();
    let mut going = Going::new(&world);
    let mut faults = 0;
    for call in MUTATING {
        let step = if long() { 1 } else { 30 };
        for at in (1..).step_by(step) {
            going.more();
            let (_, hit) = going.with_fault(&format!("{call}:signal=KILL:when={at}"));
            going.check(&format!("a kill at {call} {at}"), true);
            if !hit {
                break;
            }
            faults += 1;
        }
    }
    eprintln!("{faults} kills");
}

#[test]
fn killed_at_random_times() {
    let world = World::new();
    let mut going = Going::new(&world);
    let mut dice = Dice::new(5);
    for round in 0..tries(5, 300) {
        going.more();
        let mut child = going.machine.command("claude-sync", NOON);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut child, 0);
        let mut child = child
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        // The moment is what the test varies; no assertion depends on how long anything takes.
        std::thread::sleep(Duration::from_micros(dice.number(120_000)));
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", child.id())])
            .stderr(Stdio::null())
            .status();
        let _ = child.wait();
        if round % 10 == 9 || !long() {
            going.check(&format!("random kill {round}"), true);
        } else {
            let ran = going.machine.try_sync(NOON, &[]);
            assert_eq!(
                ran.code, 0,
                "after random kill {round}: {}{}",
                ran.out, ran.err
            );
        }
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_system_call_that_fails_leaves_the_old_or_the_new_state() {
    failing(&["EIO", "EINTR"]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_system_call_that_is_refused_leaves_the_old_or_the_new_state() {
    failing(&["ENOSPC", "EACCES"]);
}

fn failing(errors: &[&str]) {
    if !can_trace() {
        return;
    }
    let world = World::new();
    let mut going = Going::new(&world);
    let mut faults = 0;
    for error in errors {
        // An interrupt for ever would be waited for, for ever: every program tries again.
        let ways: &[&str] = if *error == "EINTR" { &[""] } else { &["", "+"] };
        let calls = MUTATING
            .iter()
            .enumerate()
            .filter(|(at, _)| long() || at % 5 == 0)
            .map(|(_, call)| call);
        for (call, whole) in calls.flat_map(|call| ways.iter().map(move |way| (call, *way))) {
            let step = if long() { 1 } else { 40 };
            for at in (1..).step_by(step) {
                going.more();
                let (out, hit) =
                    going.with_fault(&format!("{call}:error={error}:when={at}{whole}"));
                let what = format!("{error} at {call} {at}{whole}");
                assert!(out.code >= 0, "{what} crashed it: {}", out.err);
                // A program that cannot write to standard error cannot say what went wrong.
                let mute = call.starts_with("write") && whole == "+";
                assert!(
                    out.code == 0 || mute || !out.err.is_empty(),
                    "{what} ended with {} and no word",
                    out.code
                );
                going.check(&what, faults % 8 == 0);
                if !hit || (whole == "+" && at > 3 && !long()) {
                    break;
                }
                faults += 1;
            }
        }
    }
    eprintln!("{faults} failing calls");
}

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

#[test]
fn many_runs_at_once_on_one_machine() {
    for round in 0..tries(1, 2) {
        let world = World::new();
        let ada = world.machine("ada");
        ada.write(
            ".claude/projects/p/s.jsonl",
            &crate::world::transcript("s1", 0..30),
        );
        ada.init();
        let runs: Vec<_> = (0..tries(10, 50))
            .map(|_| {
                ada.command("claude-sync", NOON)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("starts")
            })
            .collect();
        let ended: Vec<Ran> = runs
            .into_iter()
            .map(|run| ran(run.wait_with_output().expect("ends")))
            .collect();
        assert!(
            ended.iter().any(|out| out.code == 0),
            "none worked in round {round}"
        );
        for out in &ended {
            let told = out.code == 3 && out.err.contains("another claude-sync is running");
            assert!(
                out.code == 0 || told,
                "{}: {}{}",
                out.code,
                out.out,
                out.err
            );
        }
        ada.sync(&[]);
        assert_eq!(ada.fleet().0, 30);
        assert_eq!(
            ada.git(&["rev-list", "--count", "HEAD"]).trim(),
            "2",
            "each request was committed once"
        );
    }
}
