//! What holds for every command of both programs: help, JSON by a published schema, colours, quiet, verbose, progress, errors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::shells::{PROGRAMS, commands, is_there};
use crate::world::{Machine, NOON, Ran, World, run, transcript};

/// Commands without JSON, and why.
const WITHOUT_JSON: [(&str, &str); 23] = [
    (
        "claude-sync auto disable",
        "status --json tells what is left",
    ),
    (
        "claude-sync auto enable",
        "status --json tells what came of it",
    ),
    ("claude-sync auto hook", "Claude Code must be told nothing"),
    ("claude-sync auto run", "claude-sync --json is for programs"),
    ("claude-sync completions", "it prints what a shell reads"),
    ("claude-sync config edit", "it is an editor's"),
    ("claude-sync config schema", "it is JSON"),
    ("claude-sync config set", "it prints nothing"),
    ("claude-sync config unset", "it prints nothing"),
    ("claude-sync demo", "it is for people"),
    ("claude-sync git", "git prints what it prints"),
    (
        "claude-sync init",
        "it is for people; status --json tells what came of it",
    ),
    ("claude-sync man", "it writes pages"),
    ("claude-sync price export", "it is JSON"),
    ("claude-sync uninstall", "it is for people"),
    ("claude-usage-tracker", "its commands have JSON"),
    (
        "claude-usage-tracker completions",
        "it prints what a shell reads",
    ),
    (
        "claude-usage-tracker export",
        "its formats are for programs",
    ),
    ("claude-usage-tracker html", "it writes a page"),
    (
        "claude-usage-tracker live",
        "it is a view; the same figures are in blocks, limits and export",
    ),
    ("claude-usage-tracker svg", "it draws a picture"),
    // Git calls these, and they are not listed in the help.
    ("claude-sync merge-driver", "git reads its exit code"),
    ("claude-sync hook", "git shows what it says"),
];

/// How each command that has JSON is run, on which machine, in this order.
const RUNS: [(&str, &str); 57] = [
    ("ada", "claude-sync key init"),
    ("ada", "claude-sync key show"),
    ("bob", "claude-sync key import [KEY] --for names"),
    ("ada", "claude-sync preview"),
    ("ada", "claude-sync"),
    ("ada", "claude-sync --offline"),
    ("bob", "claude-sync --download-all"),
    ("ada", "claude-sync status"),
    ("ada", "claude-sync auto status"),
    ("ada", "claude-sync doctor --offline"),
    ("ada", "claude-sync conflicts"),
    ("ada", "claude-sync conflicts --accept bob"),
    ("ada", "claude-sync log"),
    ("ada", "claude-sync diff"),
    ("ada", "claude-sync machine rename laptop"),
    ("ada", "claude-sync machine retire bob"),
    ("ada", "claude-sync machine list"),
    ("ada", "claude-sync machine merge bob ada"),
    ("ada", "claude-sync machine adopt"),
    ("ada", "claude-sync verify"),
    ("ada", "claude-sync verify --read-data"),
    ("ada", "claude-sync restore --list"),
    ("ada", "claude-sync restore --from HEAD~1"),
    ("ada", "claude-sync migrate"),
    ("ada", "claude-sync compact --dry-run"),
    ("ada", "claude-sync compact --keep 30d"),
    ("ada", "claude-sync resolve"),
    ("ada", "claude-sync config list"),
    (
        "ada",
        "claude-sync config get privacy_settings.retention_days",
    ),
    ("ada", "claude-sync price set claude-* --multiply 0.5"),
    ("ada", "claude-sync price list"),
    ("ada", "claude-sync price list claude-opus-4-8"),
    (
        "ada",
        "claude-sync price import fixtures/elsewhere/prices.json",
    ),
    ("ada", "claude-sync price remove claude-*"),
    ("ada", "claude-usage-tracker daily"),
    ("ada", "claude-usage-tracker weekly --by machine"),
    ("ada", "claude-usage-tracker monthly --no-cost"),
    ("ada", "claude-usage-tracker session"),
    ("ada", "claude-usage-tracker blocks"),
    ("ada", "claude-usage-tracker machines"),
    ("ada", "claude-usage-tracker projects"),
    ("ada", "claude-usage-tracker models"),
    ("ada", "claude-usage-tracker models --min-cost 1"),
    ("ada", "claude-usage-tracker audit"),
    (
        "ada",
        "claude-usage-tracker daily --sections daily,machines --source=local",
    ),
    (
        "ada",
        "claude-usage-tracker budget --daily 1 --monthly 0.01",
    ),
    ("ada", "claude-usage-tracker explain 2026-03-10 --limit 2"),
    ("ada", "claude-usage-tracker statusline"),
    ("ada", "claude-usage-tracker limits"),
    (
        "ada",
        "claude-sync import fixtures/elsewhere/ccusage-daily.json --dry-run",
    ),
    (
        "ada",
        "claude-sync import fixtures/elsewhere/ccusage-daily.json",
    ),
    ("ada", "claude-sync forget --session shared --yes"),
    ("bob", "claude-sync"),
    ("bob", "claude-sync machine new-id"),
    // From here on the fleet is encrypted.
    ("ada", "claude-sync key import [KEY] --for sealing"),
    ("ada", "claude-sync --mode=full"),
    ("ada", "claude-sync key rotate --yes"),
];

/// Every command of both programs by its words, with its long options; those that only hold others left out.
fn leaves(machine: &Machine) -> BTreeMap<String, BTreeSet<String>> {
    let mut out = BTreeMap::new();
    for program in PROGRAMS {
        let all = commands(machine, program);
        for (path, options) in &all {
            let holds = !path.is_empty()
                && all
                    .iter()
                    .any(|(other, _)| other.len() > path.len() && other.starts_with(path));
            if !holds {
                out.insert(
                    [&[program.to_owned()][..], path].concat().join(" "),
                    options.clone(),
                );
            }
        }
    }
    assert!(out.len() > 30, "{out:?}");
    out
}

/// The command that a line runs, without its arguments.
fn command_of<'l>(line: &str, leaves: &'l BTreeMap<String, BTreeSet<String>>) -> &'l str {
    let fits = leaves
        .keys()
        .filter(|leaf| line == *leaf || line.starts_with(&format!("{leaf} ")));
    fits.max_by_key(|leaf| leaf.len()).expect("a command")
}

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/output")
}

/// The name of a command's schema.
fn schema_of(command: &str) -> String {
    const REPORTS: [&str; 8] = [
        "daily", "weekly", "monthly", "session", "blocks", "machines", "projects", "models",
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

fn run_line(machine: &Machine, line: &str, more: &[&str]) -> Ran {
    let mut words = line.split(' ');
    let program = words.next().expect("a program");
    run(machine.command(program, NOON).args(words).args(more))
}

/// Masks what differs from run to run: commits, keys, ids made at random, times of commits, the folder, the system.
fn without_chance(world: &World, text: &str, key: &str, mark: &str) -> String {
    let text = text
        .replace(&world.path().display().to_string(), "[WORLD]")
        .replace(key, "[KEY]")
        .replace(mark, "[MARK]");
    let is_id = |word: &str| {
        word.len() == 36
            && word.matches('-').count() == 4
            && !word.ends_with("-4000-8000-000000000000")
    };
    let mut out = String::new();
    for line in text.lines() {
        let system = line
            .find("\\\"os_version\\\": \\\"")
            .map(|at| format!("{}[SYSTEM],", &line[..at]));
        if let Some(line) = system {
            out.push_str(&(line + "\n"));
            continue;
        }
        let timed = ["\"at\": \"", "\"committedAt\": \"", "\"newest\": \""]
            .iter()
            .find(|start| line.trim_start().starts_with(**start));
        if let Some(start) = timed {
            let indent = &line[..line.len() - line.trim_start().len()];
            let comma = if line.ends_with(',') { "," } else { "" };
            out.push_str(&format!("{indent}{start}[TIME]\"{comma}\n"));
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let (before, after) = rest.split_at(at);
            let end = after
                .find(|c: char| !c.is_ascii_hexdigit() && c != '-')
                .unwrap_or(after.len());
            let found = &after[..end];
            out.push_str(before);
            // Whole commits, and the last one with a matching checksum.
            let commit = !found.contains('-')
                && (found.len() == 40 || found.len() == 8 && out.ends_with("matching checksum, "));
            out.push_str(if commit {
                "[COMMIT]"
            } else if is_id(found) {
                "[ID]"
            } else {
                found
            });
            rest = &after[end..];
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
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

/// A line without its durations and ids.
fn unlike(line: &str) -> String {
    let word = |word: &str| {
        let hex = word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let seconds = word.split_once('.').is_some_and(|(_, part)| {
            part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        let pushed = word
            .split_once(':')
            .filter(|(id, _)| id.len() == 40)
            .map(|(_, branch)| format!("[ID]:{branch}"));
        if hex {
            "[ID]".to_owned()
        } else if seconds {
            "[TIME]".to_owned()
        } else {
            pushed.unwrap_or_else(|| word.to_owned())
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn colours_are_as_asked() {
    let world = World::new();
    let ada = world.machine("ada");
    let coloured = |args: &[&str]| ada.try_sync(NOON, args).err.contains('\u{1b}');
    assert!(!coloured(&["log"]), "a pipe has none");
    assert!(!coloured(&["log", "--color=never"]));
    for args in [
        &["--color", "always", "log"][..],
        &["log", "--color=always"],
        &["--color=always", "--no-such-option"],
    ] {
        assert!(coloured(args), "{args:?}");
    }
    assert_eq!(ada.try_sync(NOON, &["--color", "perhaps", "log"]).code, 2);
    let ran = run(ada
        .command("claude-usage-tracker", NOON)
        .env("NO_COLOR", "1")
        .args(["--color=always", "daily", "--source=sync"]));
    assert!(
        ran.code == 4 && ran.err.contains('\u{1b}'),
        "the flag goes before the variable: {}",
        ran.err
    );
}

/// What a program writes to a terminal; none where there is no `script`.
fn on_terminal(machine: &Machine, term: &str, args: &str) -> Option<String> {
    if !is_there("script", &["--version"]) {
        return None;
    }
    let program = machine.command("claude-sync", NOON);
    let line = format!("'{}' {args}", program.get_program().display());
    let mut command = Command::new("script");
    command.env_clear();
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .env("TERM", term)
        .env("CLAUDE_SYNC_BARS_AFTER", "0")
        .args(["-qec", &line, "/dev/null"]);
    let ran = run(command);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    Some(ran.out)
}

#[test]
fn bars_are_drawn_on_terminals_alone_and_go_away() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    let told = |term: &str, args: &str| {
        // Something new each time.
        ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
        on_terminal(&ada, term, args)
    };
    let Some(text) = told("xterm", "") else {
        return;
    };
    for bar in [
        "reading transcripts [",
        "writing days [",
        "computing the manifest",
        "pushing: ",
    ] {
        assert!(text.contains(bar), "{bar}: {text:?}");
    }
    assert!(
        !text.contains("fetching"),
        "as long as git says nothing it may be asking for a password: {text:?}"
    );
    let last = text.rfind("pushing: ").expect("a bar");
    assert!(
        text[last..].contains("\u{1b}[2K"),
        "the last bar is wiped out: {text:?}"
    );
    assert!(text.trim_end().ends_with("Pushed."), "{text:?}");
    for (term, args) in [
        ("dumb", "--mode=full"),
        ("xterm", "--mode=full -q"),
        ("xterm", "--mode=full --json"),
        ("xterm", "-v --mode=full"),
    ] {
        let text = told(term, args).expect("there is a script");
        assert!(
            !text.contains('\u{1b}') && !text.contains("reading transcripts ["),
            "{term} {args}: {text:?}"
        );
    }
    let text = told("xterm", "verify --read-data").expect("there is a script");
    assert!(
        text.contains("reading files [") && text.contains("checking git's objects"),
        "{text:?}"
    );
    let piped = run(ada
        .command("claude-sync", NOON)
        .env("TERM", "xterm")
        .env("CLAUDE_SYNC_BARS_AFTER", "0")
        .arg("--mode=full"));
    assert_eq!(piped.err, "");
}

/// The arguments of a call, at the top level, from behind its parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut out, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        out.last_mut().expect("one").push(c);
    }
    out.into_iter()
        .map(|argument| argument.trim().to_owned())
        .filter(|argument| !argument.is_empty())
        .collect()
}

/// The sources below a folder.
fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for file in fs::read_dir(folder).expect("sources") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            sources(&path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn every_error_has_a_code_and_help() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let (mut paths, mut found) = (Vec::new(), 0);
    sources(&folder, &mut paths);
    for path in paths {
        let text = fs::read_to_string(&path).expect("a source");
        for call in [
            "CliError::plain(",
            "CliError::new(",
            "Self::plain(",
            "Self::new(",
        ] {
            // In other files `Self` is something else.
            if call.starts_with("Self") && !text.contains("for CliError {") {
                continue;
            }
            for (at, _) in text.match_indices(call) {
                let all = arguments(&text[at + call.len()..]);
                let [_, rest @ ..] = &all[..] else {
                    panic!("{}: {all:?}", path.display())
                };
                let code = rest.iter().find_map(|argument| {
                    argument.strip_prefix("\"claude_sync::")?.strip_suffix('"')
                });
                let is_code = |code: &str| {
                    !code.is_empty()
                        && code
                            .bytes()
                            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                };
                assert!(
                    code.is_some_and(is_code),
                    "{}: no code: {all:?}",
                    path.display()
                );
                let help = all.last().expect("an argument");
                assert!(
                    all.len() == 4 && !["\"\"", "String::new()"].contains(&help.as_str()),
                    "{}: no help: {all:?}",
                    path.display()
                );
                found += 1;
            }
        }
    }
    assert!(found > 80, "the test has lost sight of the errors: {found}");
}
