//! Transcripts that are cut, damaged, endless or none.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::scale::{long, tries};
use crate::world::{NOON, World, run, transcript};

#[test]
fn a_line_without_end_is_streamed_past() {
    let world = World::new();
    let machine = world.machine("ada");
    let path = machine.home.join(".claude/projects/p/s.jsonl");
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let mut file = fs::File::create(&path).expect("a file");
    file.write_all(transcript("s1", 0..2).as_bytes())
        .expect("written");
    let chunk = format!("{{\"usage\":{}", "x".repeat(1 << 20));
    for _ in 0..if long() { 100 } else { 40 } {
        file.write_all(chunk.as_bytes()).expect("written");
    }
    file.write_all(b"\n\0\0\xff\xfe\n").expect("written");
    file.write_all(transcript("s1", 2..4).as_bytes())
        .expect("written");
    drop(file);
    let inner = machine.command("claude-usage-tracker", NOON);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v 300000; exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(["daily", "--source=local", "--json"])
        .env_clear();
    for (name, value) in inner.get_envs() {
        value.map(|value| command.env(name, value));
    }
    let out = run(command);
    assert_eq!(out.code, 0, "{}", out.err);
    let report: serde_json::Value = serde_json::from_str(&out.out).expect("JSON");
    assert_eq!(report["totals"]["requests"], 4);
    assert!(out.err.contains("could not be read"), "{}", out.err);
}

#[test]
fn files_that_change_while_they_are_read_count_in_the_end() {
    let world = World::new();
    let machine = world.machine("ada");
    let path = machine.home.join(".claude/projects/p/s.jsonl");
    machine.init();
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..50));
    for round in 0..tries(3, 40) {
        let mut run = machine
            .command("claude-sync", NOON)
            .arg("-q")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let whole = transcript("s1", 0..(60 + round));
        // Written anew in pieces, renamed away and back, cut short and written again.
        fs::write(&path, &whole.as_bytes()[..whole.len() / 3]).expect("written");
        fs::rename(&path, path.with_extension("gone")).expect("renamed");
        fs::write(&path, "").expect("written");
        fs::write(&path, whole).expect("written");
        let _ = fs::remove_file(path.with_extension("gone"));
        assert!(run.wait().expect("ends").success());
        machine.sync(&["--mode=full"]);
        assert_eq!(machine.fleet().0, u64::from(60 + round));
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_transcript_is_passed_by() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    let folder = machine.home.join(".claude/projects/p");
    std::os::unix::fs::symlink(&folder, folder.join("again")).expect("linked");
    std::os::unix::fs::symlink("loop.jsonl", folder.join("loop.jsonl")).expect("linked");
    assert!(
        Command::new("mkfifo")
            .arg(folder.join("pipe.jsonl"))
            .status()
            .expect("mkfifo runs")
            .success()
    );
    fs::create_dir(folder.join("folder.jsonl")).expect("a folder");
    machine.init().sync(&[]);
    assert_eq!(machine.fleet().0, 3);
}
