//! Kills, failing system calls, full disks and power cuts: what was acknowledged stays, and the next sync succeeds unaided.

mod disks;

use std::fs;
use std::path::PathBuf;
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
