//! The cases of `fixtures/conformance`, and a writer that was made from docs/format.md alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::world::{Machine, NOON, World, transcript};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a script of Python; none where there is no Python.
fn python(script: &str, args: &[&str]) -> Option<String> {
    let Ok(ran) = Command::new("python3")
        .arg(root().join(script))
        .args(args)
        .output()
    else {
        eprintln!("skipped: python3 cannot be started");
        return None;
    };
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{script} {args:?}\n{out}{err}");
    Some(out)
}

const CHECK: &str = "fixtures/conformance/check.py";

fn checked(args: &[&str], cases: usize) {
    if let Some(out) = python(CHECK, args) {
        let passed = out.lines().filter(|line| line.starts_with("ok: ")).count();
        assert!(passed >= cases, "{out}");
    }
}

#[test]
fn the_programs_agree_with_every_case() {
    let program = Path::new(env!("CARGO_BIN_EXE_claude-sync"));
    let folder = program.parent().expect("a folder");
    checked(&["programs", &folder.display().to_string()], 7);
}

#[test]
fn the_second_implementation_and_the_writer_agree_with_every_case() {
    let script = |name: &str| {
        root()
            .join("tests/recount")
            .join(name)
            .display()
            .to_string()
    };
    checked(&["count", "python3", &script("recount.py")], 7);
    checked(&["write", "python3", &script("writer.py")], 1);
}

/// What a transcript of [`transcript`] has, as the writer takes it.
fn input(machine: &Value, session: &str, requests: std::ops::Range<u32>) -> Value {
    let request = |n: u32| {
        json!({
            "time": format!("2026-03-10T{:02}:{:02}:00.000Z", 8 + n / 60, n % 60), "model": "claude-opus-4-8",
            "session": session, "project": "shop", "message": format!("msg_01{n:022}"),
            "input": 10, "output": 100 + n, "cache_creation": 200, "cache_read": 3000,
        })
    };
    json!({"machine": machine, "now": NOON, "requests": requests.map(request).collect::<Vec<_>>()})
}

/// Has the writer write into a folder; none where there is no Python.
fn write(world: &World, input: &Value, tree: &Path) -> Option<String> {
    let path = world.path().join("input.json");
    fs::write(&path, input.to_string()).expect("written");
    let words = [path, tree.to_owned()].map(|path: PathBuf| path.display().to_string());
    python("tests/recount/writer.py", &[&words[0], &words[1]])
}

fn about(machine: &Machine) -> Value {
    let names = machine.git(&["ls-tree", "--name-only", "HEAD", "sync/machines/"]);
    let file = machine.git(&["show", &format!("HEAD:{}", names.trim())]);
    serde_json::from_str::<Value>(&file).expect("JSON")["machine"].clone()
}

#[test]
fn a_writer_made_from_the_documentation_writes_the_same_bytes() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 2..5));
    ada.init().sync(&[]);
    let tree = world.path().join("written");
    if write(&world, &input(&about(&ada), "s1", 2..5), &tree).is_none() {
        return;
    }
    let theirs = ada.files();
    let day = theirs.keys().find(|path| path.contains("/archive/"));
    let day = day.expect("a day file");
    let mine = fs::read_to_string(tree.join(day)).expect("there");
    assert_eq!(mine, theirs[day], "the day file");
    let mine = fs::read_to_string(tree.join(".gitattributes")).expect("there");
    assert_eq!(mine, theirs[".gitattributes"]);
}

#[test]
fn what_the_writer_wrote_is_joined_counted_and_priced() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 2..5));
    ada.init().sync(&[]);
    let other = json!({
        "uuid": "c0ffee00-0000-4000-8000-000000000000", "hostname": "other", "platform": "linux", "os_version": "", "tracker_version": "0",
    });
    let clone = world.path().join("clone");
    world.git(world.path(), &["clone", "-q", &world.remote(), "clone"]);
    if write(&world, &input(&other, "s7", 3..9), &clone).is_none() {
        return;
    }
    world.git(&clone, &["add", "-A"]);
    world.git(&clone, &["commit", "-q", "-m", "another writer"]);
    world.git(&clone, &["push", "-q", "origin", "HEAD"]);
    ada.sync(&[]);
    ada.sync(&["verify", "--read-data"]);
    ada.assert_sound();
    // Two of the six are requests that ada has too.
    assert_eq!(ada.fleet().0, 7);
    let cost = &ada.report(&["daily"])["totals"];
    assert_eq!(cost["costKnown"], true, "{cost}");
    let machine = &ada.manifest_json()["machines"]["c0ffee00-0000-4000-8000-000000000000"];
    assert_eq!(machine["hostname"], "other");
}
