//! One run at a time, what killed runs leave, and remotes that do not answer.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::world::{NOON, World, transcript};

/// Takes the lock as another run would, for as long as the handle lives.
pub fn hold(machine: &crate::world::Machine, text: &str) -> fs::File {
    fs::create_dir_all(machine.state()).expect("a folder");
    let path = machine.state().join("lock");
    fs::write(&path, text).expect("written");
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("opens");
    file.try_lock().expect("free");
    file
}

/// Starts a run, lets go of the lock once the run certainly looks at it, and waits for its end.
fn released(
    machine: &crate::world::Machine,
    held: fs::File,
    args: &[&str],
) -> std::process::Output {
    let mut waiting = machine
        .command("claude-sync", NOON)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // It is asked once its open lock file shows that it runs.
    let lock = machine.state().join("lock").canonicalize().expect("a path");
    let opened = || {
        fs::read_dir(format!("/proc/{}/fd", waiting.id()))
            .into_iter()
            .flatten()
            .flatten()
            .any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == lock))
    };
    let began = Instant::now();
    while cfg!(target_os = "linux") && !opened() && began.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    assert!(
        waiting.try_wait().expect("asks").is_none(),
        "it did not wait"
    );
    drop(held);
    waiting.wait_with_output().expect("ends")
}

#[test]
fn whoever_comes_second_is_told_who_is_first_or_waits() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    let label = format!("pid {}, since 2026-03-10T11:59:00.000Z", std::process::id());
    let held = hold(&machine, &format!("{label}\n"));
    let ran = machine.try_sync(NOON, &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains(&label), "{}", ran.err);
    let out = released(&machine, held, &["--wait", "60"]);
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

/// A run that is killed while it starts git: the process that was to become git holds the lock until it is dead too.
#[test]
fn a_lock_whose_holder_is_gone_is_waited_for() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    let mut ended = std::process::Command::new("true").spawn().expect("starts");
    ended.wait().expect("ends");
    let held = hold(
        &machine,
        &format!("pid {}, since 2026-03-10T11:59:00.000Z\n", ended.id()),
    );
    let out = released(&machine, held, &[]);
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn locks_of_a_killed_run_are_cleared_and_those_of_others_are_not() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init();
    let old = machine.repo().join(".git/refs/heads/other.lock");
    fs::write(&old, "").expect("written");
    let past = std::time::SystemTime::now() - Duration::from_hours(1);
    fs::File::options()
        .write(true)
        .open(&old)
        .expect("opens")
        .set_modified(past)
        .expect("dated");
    // A run that was killed: its text is still in the lock file, which nobody holds.
    fs::write(
        machine.state().join("lock"),
        "pid 4711, since 2026-03-10T11:59:00.000Z\n",
    )
    .expect("written");
    let left = [
        "index.lock",
        "HEAD.lock",
        "refs/heads/main.lock",
        "objects/tmp_obj_abc",
    ]
    .map(|name| machine.repo().join(".git").join(name));
    left.iter()
        .for_each(|path| fs::write(path, "").expect("written"));
    let ran = machine.sync(&[]);
    assert!(
        ran.out
            .contains("Deleted 4 files that a killed run left in .git."),
        "{}",
        ran.out
    );
    assert!(left.iter().all(|path| !path.exists()));
    assert!(
        old.exists(),
        "a lock from before the killed run is somebody else's"
    );
    assert_eq!(machine.fleet().0, 3);
    // After a run that ended, a lock is somebody who works there.
    fs::remove_file(&old).expect("removed");
    fs::write(&left[0], "").expect("written");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    let ran = machine.sync(&[]);
    assert!(
        ran.out.contains("Pushed.") && ran.err.contains("git holds the lock"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(left[0].exists());
}

#[test]
fn a_transport_that_says_nothing_is_cut_off() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init();
    // It takes calls and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!(
        "http://127.0.0.1:{}/usage.git",
        silent.local_addr().expect("an address").port()
    );
    machine.git(&["remote", "set-url", "origin", &address]);
    machine.write(
        ".config/claude-sync/config.json",
        "{\"error_states\":{\"sync_failed\":{\"silence_seconds\":1}}}",
    );
    let ran = machine.try_sync(NOON, &[]);
    assert_eq!(ran.code, 7, "{}{}", ran.out, ran.err);
    assert!(
        ran.err
            .contains("cut off after it had printed nothing for 1 s"),
        "{}",
        ran.err
    );
    assert_eq!(machine.fleet().0, 3, "the records are committed here");
}

#[test]
fn unattended_runs_keep_the_schedule_and_others_try_now() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init();
    let remote = world.path().join("remote.git");
    let aside = world.path().join("aside.git");
    fs::rename(&remote, &aside).expect("moved");
    let at = |time: &str, args: &[&str]| machine.try_sync(&format!("2026-03-10T{time}Z"), args);
    let tried = |ran: &crate::world::Ran| ran.err.contains("The remote was not reached");
    let first = at("12:00:00", &["-q"]);
    assert!(first.code == 7 && tried(&first), "{}", first.err);
    let soon = at("12:00:59", &["-q"]);
    assert_eq!(
        (soon.code, soon.err.as_str(), soon.out.as_str()),
        (7, "", ""),
        "it leaves the remote alone and says nothing"
    );
    let second = at("12:01:00", &["-q"]);
    assert!(tried(&second), "after 60 s");
    assert!(!tried(&at("12:05:59", &["-q"])), "then 300 s");
    let asked = at("12:05:59", &[]);
    assert!(
        tried(&asked)
            && asked
                .err
                .contains("those with --quiet from 2026-03-10T12:20:59.000Z on"),
        "{}",
        asked.err
    );
    assert!(!tried(&at("12:20:58", &["-q"])), "then 900 s");
    fs::rename(&aside, &remote).expect("moved");
    assert_eq!(at("12:20:59", &["-q"]).code, 0);
    assert_eq!(
        world.git(&remote, &["rev-parse", "main"]).trim(),
        machine.head()
    );
    fs::rename(&remote, &aside).expect("moved");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    assert!(tried(&at("12:21:00", &["-q"])), "a success starts over");
}
