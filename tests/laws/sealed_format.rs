//! The sealed format is what `docs/format.md` says: its test vectors hold here, and a second implementation in Python, made from the
//! document, opens every file of a real repository and seals it again to the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use claude_sync::base::key::{Key, NameKey, hex};
use claude_sync::fleet::rules::Subject;
use claude_sync::format::sealed::Seal;
use claude_sync::transcripts::{Naming, Shown};
use serde_json::Value;

use crate::laws::world::{Machine, Ran, Row, World, run, transcript};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn vectors() -> PathBuf {
    root().join("fixtures/sealed/vectors.json")
}

/// Runs the second implementation; none where there is no Python.
fn python(args: &[&str]) -> Option<Ran> {
    if Command::new("python3").arg("--version").output().is_err() {
        crate::laws::peers::missing("python3", "python3 cannot be started");
        return None;
    }
    Some(run(Command::new("python3")
        .arg(root().join("tests/recount/sealed.py"))
        .args(args)))
}

#[test]
fn the_test_vectors_hold() {
    let all: Value =
        serde_json::from_str(&fs::read_to_string(vectors()).expect("the vectors")).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let key = Key::parse(&text(&all["key"])).expect("a key");
    assert_eq!(key.mark(), text(&all["mark"]));
    for (purpose, wanted) in all["derived"].as_object().expect("keys") {
        assert_eq!(hex(&key.derive(purpose)), text(wanted), "{purpose}");
    }
    let seal = Seal::new(&key);
    let files = all["files"].as_array().expect("files");
    assert!(files.len() > 5);
    for file in files {
        let (path, clear, sealed) = (
            text(&file["path"]),
            text(&file["text"]),
            text(&file["sealed"]),
        );
        assert_eq!(
            String::from_utf8(seal.seal(&path, clear.as_bytes())).expect("text"),
            sealed,
            "{path}"
        );
        assert_eq!(
            seal.open(sealed.as_bytes()).expect("opens"),
            clear.as_bytes(),
            "{path}"
        );
    }
    for case in all["refused"].as_array().expect("cases") {
        // What cannot be trusted is an error, or becomes a line that no file has.
        let opened = seal
            .open(text(&case["sealed"]).as_bytes())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(
            opened
                .as_ref()
                .is_ok_and(|opened| opened.contains('\u{fffd}'))
                || opened.is_err(),
            "{}: {opened:?}",
            case["why"]
        );
    }
    for case in all["messages"].as_array().expect("messages") {
        assert_eq!(
            format!(
                "sync\n\nSealed: {}\n",
                seal.seal_text("Sealed", &text(&case["text"]))
            ),
            text(&case["message"])
        );
    }
    let naming = Naming {
        shown: Shown::Hashed(key.derive("project names")),
        ..Naming::default()
    };
    for (name, wanted) in all["projects"]
        .as_object()
        .expect("names")
        .iter()
        .filter(|(name, _)| *name != "/")
    {
        assert_eq!(
            naming.of(Some(&format!("/home/me/{name}"))),
            text(wanted),
            "{name}"
        );
    }
    for case in all["tombstones"].as_array().expect("tombstones") {
        let name = text(&case["name"]);
        let subject = if case["kind"] == "session" {
            Subject::Session(name)
        } else {
            Subject::Project(name)
        };
        assert_eq!(
            subject
                .tombstone(&text(&case["salt"]), Some(&NameKey::of(&key)))
                .0,
            text(&case["subject"])
        );
    }
}

#[test]
fn the_test_vectors_hold_in_python() {
    let Some(ran) = python(&["vectors", &vectors().display().to_string()]) else {
        return;
    };
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
}

/// Two machines that used all that has a file of its own: snapshots, pruned records, imports, decisions, forgotten data, a plain merge.
fn everything(world: &World) -> [Machine<'_>; 2] {
    let machines = ["ada", "bob"].map(|name| world.machine(name));
    let [ada, bob] = &machines;
    let settings = "{\"snapshots\":true,\"privacy_settings\":{\"encryption\":\"at-rest\",\"project_names\":\"hash\"}}";
    ada.write(".config/claude-sync/config.json", settings);
    bob.write(
        ".config/claude-sync/config.json",
        &settings.replace("true", "true,\"summary_only\":true"),
    );
    ada.sync(&["key", "init"]);
    bob.write("fleet.key", &ada.sync(&["key", "show"]).out);
    bob.sync(&[
        "key",
        "import",
        "--file",
        &bob.home.join("fleet.key").display().to_string(),
    ]);
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 0..40) + &Row::new("old", 90, "2025-12-31T08:00:00Z").line()),
    );
    bob.write(".claude/projects/p/s.jsonl", &transcript("shared", 30..60));
    for machine in &machines {
        machine.init().sync(&[]);
    }
    let days = "{\"daily\":[{\"date\":\"2026-03-09\",\"modelBreakdowns\":[{\"modelName\":\"claude-opus-4-8\",\"inputTokens\":900,\"outputTokens\":90,\
                \"cacheCreationTokens\":9,\"cacheReadTokens\":90,\"cost\":0.25}]}]}";
    bob.write("days.json", days);
    bob.sync(&[
        "import",
        &bob.home.join("days.json").display().to_string(),
        "-z",
        "UTC",
    ]);
    ada.sync(&["machine", "rename", "grün und breit"]);
    ada.write(".claude/projects/p/t.jsonl", &transcript("gone", 70..75));
    ada.sync(&[]);
    ada.sync(&["forget", "--session", "gone", "--yes"]);
    bob.sync(&[]);
    machines
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn python_opens_every_file_of_a_repository_and_seals_it_to_equal_bytes() {
    let world = World::new();
    let [ada, bob] = everything(&world);
    for machine in [&ada, &bob] {
        let key = machine
            .home
            .join(".config/claude-sync/key")
            .display()
            .to_string();
        let repo = machine.repo().display().to_string();
        let sealed = machine
            .files()
            .keys()
            .filter(|path| path.starts_with("sync/"))
            .count();
        let Some(ran) = python(&["check", "--key", &key, &repo]) else {
            return;
        };
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        assert!(
            ran.out.starts_with(&format!("{sealed} files, ")) && sealed > 6,
            "{}",
            ran.out
        );
        assert!(!ran.out.contains(" 0 messages"), "{}", ran.out);
    }
    // It would see it if the document were wrong: another key, and a line that was altered.
    let other = world.machine("eve");
    other.sync(&["key", "init"]);
    let repo = ada.repo().display().to_string();
    let wrong = other
        .home
        .join(".config/claude-sync/key")
        .display()
        .to_string();
    let ran = python(&["check", "--key", &wrong, &repo]).expect("it ran before");
    assert!(
        ran.code == 1 && ran.err.contains("it is sealed with the key"),
        "{}",
        ran.err
    );
    let (path, text) = ada
        .files()
        .into_iter()
        .find(|(path, _)| path.contains("/archive/"))
        .expect("a day file");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(1, 2);
    let altered = lines[3].chars().rev().collect::<String>();
    lines[3] = &altered;
    fs::write(ada.repo().join(&path), lines.join("\n") + "\n").expect("written");
    ada.git(&["commit", "-q", "--no-verify", "-am", "alter"]);
    let key = ada
        .home
        .join(".config/claude-sync/key")
        .display()
        .to_string();
    let ran = python(&["check", "--key", &key, &repo]).expect("it ran before");
    assert!(ran.code == 1 && ran.err.contains(&path), "{}", ran.err);
}

#[test]
fn a_key_on_the_command_line_is_warned_of_and_need_not_be_there() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.sync(&["key", "init"]);
    let key = ada.sync(&["key", "show"]).out;
    let ran = bob.sync(&["key", "import", key.trim()]);
    assert!(
        ran.err.contains("the shell's history has it")
            && ran.err.contains("claude-sync key import --file FILE"),
        "{}",
        ran.err
    );
    bob.write("fleet.key", &key);
    let file = bob.home.join("fleet.key").display().to_string();
    let ran = bob.sync(&["key", "import", "--file", &file]);
    assert!(
        ran.err.is_empty() && ran.out.contains("This machine has the key"),
        "{}{}",
        ran.out,
        ran.err
    );
    let both = bob.try_sync(
        crate::laws::world::NOON,
        &["key", "import", "--file", &file, key.trim()],
    );
    assert_eq!(both.code, 2, "{}", both.err);
    let gone = bob.try_sync(
        crate::laws::world::NOON,
        &["key", "import", "--file", "/nonexistent/key"],
    );
    assert!(
        gone.code == 9 && gone.err.contains("/nonexistent/key"),
        "{}",
        gone.err
    );
    assert!(
        !bob.sync(&["key", "import", "--help"]).out.contains("[KEY]"),
        "nobody is told to type it"
    );
}
