//! What holds for every command of both programs: help, JSON by a published schema, colours, quiet, verbose, progress, errors.

mod codes;
mod runs;
mod terminal;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use runs::{RUNS, WITHOUT_JSON, command_of, leaves, run_line, without_chance};
use serde_json::Value;
use terminal::unlike;

use crate::shells::{PROGRAMS, commands};
use crate::world::{NOON, World, run, transcript};

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/output")
}

/// The name of a command's schema.
fn schema_of(command: &str) -> String {
    const REPORTS: [&str; 10] = [
        "daily", "weekly", "monthly", "session", "blocks", "machines", "projects", "models",
        "groups", "users",
    ];
    match command.split_once(' ') {
        None if command == "claude-sync" => "sync".to_owned(),
        Some(("claude-usage-tracker", rest)) if REPORTS.contains(&rest) => {
            "tracker-report".to_owned()
        }
        None => "tracker".to_owned(),
        Some(("claude-sync", rest)) => rest.replace(' ', "-"),
        Some((_, rest)) => format!("tracker-{}", rest.replace(' ', "-")),
    }
}

#[test]
fn every_commands_help_is_as_it_was_read() {
    let world = World::new();
    let ada = world.machine("ada");
    for program in PROGRAMS {
        let mut paths: Vec<_> = commands(&ada, program)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        paths.sort();
        let help = |path: &Vec<String>| {
            let ran = run(ada.command(program, NOON).args(path).arg("--help"));
            assert_eq!((ran.code, ran.err.as_str()), (0, ""));
            format!(
                "$ {}\n{}",
                [&[program.to_owned()][..], path].concat().join(" "),
                ran.out
            )
        };
        insta::assert_snapshot!(
            program,
            paths.iter().map(help).collect::<Vec<_>>().join("\n")
        );
    }
}

#[test]
fn every_command_has_json_or_a_reason_and_a_schema_and_a_run() {
    let world = World::new();
    let ada = world.machine("ada");
    let leaves = leaves(&ada);
    let reasons: BTreeMap<&str, &str> = WITHOUT_JSON.into_iter().collect();
    for (command, options) in &leaves {
        let has = options.contains("--json");
        assert_ne!(
            has,
            reasons.contains_key(command.as_str()),
            "{command} has JSON, or stands in WITHOUT_JSON"
        );
        let run = RUNS
            .iter()
            .any(|(_, line)| command_of(line, &leaves) == command);
        assert_eq!(has, run, "{command} has JSON, and is run below");
        for option in ["--color", "--quiet", "--verbose"] {
            assert!(options.contains(option), "{command} {option}");
        }
    }
    for (command, _) in WITHOUT_JSON
        .iter()
        .filter(|(command, _)| !leaves.contains_key(*command))
    {
        assert_eq!(
            run_line(&ada, command, &["--help"]).code,
            0,
            "{command} is gone, and its reason may go too"
        );
    }
    let wanted: BTreeSet<String> = leaves
        .iter()
        .filter(|(_, o)| o.contains("--json"))
        .map(|(command, _)| schema_of(command))
        .collect();
    let there: BTreeSet<String> = fs::read_dir(schemas())
        .expect("schemas")
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
                .replace(".schema.json", "")
        })
        .collect();
    assert_eq!(
        wanted, there,
        "each command with JSON has a schema, and each schema a command"
    );
}

/// Whether every member that is named has a description or refers to one.
fn undescribed(schema: &Value, at: &str, out: &mut Vec<String>) {
    match schema {
        Value::Object(all) => {
            for (key, value) in all {
                if key == "properties" {
                    for (name, member) in value.as_object().expect("members") {
                        if member.get("description").is_none() && member.get("$ref").is_none() {
                            out.push(format!("{at}/{name}"));
                        }
                    }
                }
                undescribed(value, &format!("{at}/{key}"), out);
            }
        }
        Value::Array(all) => all.iter().for_each(|value| undescribed(value, at, out)),
        _ => {}
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn json_is_as_the_schemas_say() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let leaves = leaves(&ada);
    // A checksum fails in a file of bob's: a conflict.
    bob.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..4));
    bob.init().sync(&[]);
    bob.break_checksum();
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 0..6) + &transcript("alone", 10..12)),
    );
    ada.init();
    let mut registry = jsonschema::Registry::new();
    let mut texts = BTreeMap::new();
    for file in fs::read_dir(schemas()).expect("schemas") {
        let path = file.expect("a file").path();
        let schema: Value =
            serde_json::from_str(&fs::read_to_string(&path).expect("there")).expect("JSON");
        let mut missing = Vec::new();
        undescribed(&schema, "", &mut missing);
        assert!(
            missing.is_empty(),
            "{}: without a description: {missing:?}",
            path.display()
        );
        let id = schema["$id"].as_str().expect("an id").to_owned();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
            .replace(".schema.json", "");
        assert!(id.ends_with(&format!("/output/{name}.json")), "{id}");
        registry = registry.add(&id, schema.clone()).expect("a schema");
        texts.insert(name, schema);
    }
    let registry = registry.prepare().expect("schemas");
    let (mut key, mut mark, mut seen) = (
        "[KEY]".to_owned(),
        "[MARK]".to_owned(),
        BTreeMap::<String, String>::new(),
    );
    for (name, line) in RUNS {
        let machine = if name == "ada" { &ada } else { &bob };
        let ran = run_line(machine, &line.replace("[KEY]", &key), &["--json"]);
        assert_eq!(ran.code, 0, "{line}: {}{}", ran.out, ran.err);
        let schema = schema_of(command_of(line, &leaves));
        let value: Value = serde_json::from_str(&ran.out)
            .unwrap_or_else(|error| panic!("{line}: {error}: {}", ran.out));
        assert_eq!(value["version"], 1, "{line}");
        let validator = jsonschema::options()
            .with_registry(&registry)
            .build(&texts[&schema])
            .expect("a schema");
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{line}: {errors:#?}\n{}", ran.out);
        assert!(
            !validator.is_valid(&serde_json::json!({ "version": 2 })),
            "{schema} says nothing"
        );
        if line == "claude-sync key show" {
            (key, mark) = (
                value["key"].as_str().expect("a key").to_owned(),
                value["mark"].as_str().expect("a mark").to_owned(),
            );
        } else {
            assert!(!ran.out.contains(&key), "{line} gives the key away");
        }
        // The doctor tells of this very system.
        if schema == "doctor" {
            continue;
        }
        let mut told = ran.out;
        if line.starts_with("claude-sync key rotate") {
            told = told.replace(value["mark"].as_str().expect("a mark"), "[MARK]");
        }
        let text = seen.entry(schema).or_default();
        text.push_str(&format!("{name}$ {line} --json\n{told}"));
    }
    let all: String = seen
        .values()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!("json", without_chance(&world, &all, &key, &mark));
}

#[test]
fn what_fails_prints_no_json_and_says_why_to_people() {
    let world = World::new();
    let ada = world.machine("ada");
    for (path, text) in [
        (".config/claude-sync/config.json", "{"),
        (".config/claude-sync/key", "nonsense"),
        (".claude/machine_id", "nonsense"),
        (".local/share/claude-sync/repo/.git", "nonsense"),
    ] {
        ada.write(path, text);
    }
    let mut failed = 0;
    for (_, line) in RUNS {
        let ran = run_line(&ada, line, &["--json"]);
        if ran.code == 0 || line.contains("doctor") {
            serde_json::from_str::<Value>(&ran.out)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            continue;
        }
        failed += 1;
        assert_eq!(ran.out, "", "{line}");
        assert!(
            ran.err.contains("claude_sync::") && ran.err.contains("help: "),
            "{line}: {}",
            ran.err
        );
    }
    // The status line never fails, the doctor says so in JSON, and automatic sync depends on none of these files.
    assert_eq!(failed, RUNS.len() - 3);
}

#[test]
fn quiet_tells_what_was_asked_for_and_nothing_else() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init();
    for args in [
        &["-q"][..],
        &["machine", "rename", "x", "--quiet"],
        &["-q", "resolve"],
        &["migrate", "-q"],
        &["key", "-q", "init"],
    ] {
        let ran = ada.sync(args);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{args:?}");
    }
    assert!(
        ada.sync(&["--quiet", "log"]).out.contains("Sessions"),
        "what was asked for is printed"
    );
    assert_eq!(ada.track(&["-q", "daily"]).out, ada.track(&["daily"]).out);
    assert_eq!(
        ada.try_sync(NOON, &["-q", "log", "-v"]).code,
        2,
        "one or the other"
    );
}

#[test]
fn verbose_tells_each_step_and_no_secret() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init();
    let plain = ada.sync(&["--offline"]);
    ada.write(".claude/projects/p/t.jsonl", &transcript("s2", 10..12));
    let ran = ada.sync(&["-v"]);
    assert_eq!(plain.err, "");
    let told = ran
        .err
        .replace(&world.path().display().to_string(), "[WORLD]");
    let masked: Vec<String> = told.lines().map(unlike).collect();
    insta::assert_snapshot!("verbose", masked.join("\n"));
    let local = ada.track(&["--source=local", "--verbose", "--json"]);
    serde_json::from_str::<Value>(&local.out).expect("JSON");
    assert!(local.err.contains("/projects/p/t.jsonl"), "{}", local.err);
    let ran = ada.try_sync(
        NOON,
        &["-v", "init", "https://me:hunter2@127.0.0.1:9/x.git"],
    );
    assert!(ran.code != 0 && !ran.err.contains("hunter2"), "{}", ran.err);
    let bob = world.machine("bob");
    let ran = bob.try_sync(
        NOON,
        &["-v", "init", "https://me:hunter2@127.0.0.1:9/x.git"],
    );
    assert!(
        ran.code == 8
            && ran
                .err
                .contains("git ls-remote --symref -- https://***@127.0.0.1:9/x.git"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}
