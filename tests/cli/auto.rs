//! `claude-sync auto`: what it writes, what it takes back, and what Claude Code's hook does.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{Machine, NOON, Ran, World, run, transcript};

const SETTINGS: &str = ".claude/settings.json";

/// What Claude Code says to a hook.
const TOLD: &str = "{\"session_id\":\"s1\",\"transcript_path\":\"/home/someone/.claude/projects/p/s1.jsonl\",\"cwd\":\"/home/someone\",\"hook_event_name\":\"SessionEnd\",\"reason\":\"prompt_input_exit\"}";

fn auto(machine: &Machine, args: &[&str]) -> Ran {
    run(machine.command("claude-sync", NOON).arg("auto").args(args))
}

fn enable(machine: &Machine) {
    let ran = auto(machine, &["enable", "--scheduler", "none"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

fn settings(machine: &Machine) -> String {
    fs::read_to_string(machine.home.join(SETTINGS)).expect("settings")
}

#[test]
fn settings_come_back_byte_for_byte() {
    let world = World::new();
    for (at, text) in [
        "{\"model\":\"opus\",   \"hooks\": {\"Stop\": [ {\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]} ]}}",
        "{\n\t\"env\": {\"A\": \"1\"},\n\t\"hooks\": {}\n}\n\n",
        "{}",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let ada = world.machine(&format!("ada{at}"));
        ada.write(SETTINGS, text);
        fs::set_permissions(ada.home.join(SETTINGS), fs::Permissions::from_mode(0o600)).expect("set");
        enable(&ada);
        let with: Value = serde_json::from_str(&settings(&ada)).expect("JSON");
        for event in ["SessionEnd", "Stop"] {
            let groups = with["hooks"][event].as_array().expect("groups");
            let command = groups.last().expect("one")["hooks"][0]["command"].as_str().expect("a command");
            assert!(command.ends_with("/claude-sync' auto hook"), "{command}");
        }
        assert!(
            text.is_empty() || !text.contains("say done") || settings(&ada).contains("{\"type\": \"command\", \"command\": \"say done\"}")
        );
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&ada.home.join(SETTINGS)), 0o600);
        let copies = |ada: &Machine| -> Vec<_> {
            let all = fs::read_dir(ada.state().join("settings-before"));
            all.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
        };
        assert_eq!(copies(&ada).iter().map(|copy| mode(copy)).collect::<Vec<_>>(), [0o600], "settings may hold secrets");
        let beside =
            || fs::read_dir(ada.home.join(".claude")).expect("a folder").flatten().map(|entry| entry.file_name()).collect::<Vec<_>>();
        assert!(
            beside().iter().all(|name| ["settings.json", "machine_id", "projects"].iter().any(|known| name == known)),
            "{:?}",
            beside()
        );
        // An earlier version kept the copy where whoever commits all dotfiles would commit it.
        let old = ada.home.join(".claude/settings.json.before-claude-sync");
        fs::rename(&copies(&ada)[0], &old).expect("moved");
        let ledger = ada.home.join(".config/claude-sync/installed.json");
        let mut noted: Value = serde_json::from_str(&fs::read_to_string(&ledger).expect("a ledger")).expect("JSON");
        noted["settings"][0]["backup"] = old.display().to_string().into();
        fs::write(&ledger, noted.to_string()).expect("written");
        enable(&ada);
        assert!(!old.exists() && copies(&ada).len() == 1);
        let ran = auto(&ada, &["disable"]);
        assert!(ran.code == 0 && ran.out.contains("is as it was before"), "{ran:?}");
        assert_eq!(settings(&ada), text);
        assert!(copies(&ada).is_empty());
        assert!(!ada.home.join(".config/claude-sync/installed.json").exists());
    }
}

#[test]
fn a_file_that_was_not_there_goes_again() {
    let world = World::new();
    let ada = world.machine("ada");
    enable(&ada);
    assert!(settings(&ada).contains("auto hook"));
    assert_eq!(auto(&ada, &["disable"]).code, 0);
    assert!(!ada.home.join(SETTINGS).exists());
    assert_eq!(
        auto(&ada, &["disable"]).out,
        "Automatic sync was not enabled.\n"
    );
}

#[test]
fn what_was_edited_since_keeps_its_edits() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(SETTINGS, "{\n  \"model\": \"opus\"\n}\n");
    enable(&ada);
    ada.write(SETTINGS, &settings(&ada).replace("\"opus\"", "\"sonnet\""));
    // Enabling again is no edit of ours to forget.
    enable(&ada);
    let ran = auto(&ada, &["disable"]);
    assert!(
        ran.out
            .contains("only claude-sync's entries were taken out"),
        "{ran:?}"
    );
    assert_eq!(settings(&ada), "{\n  \"model\": \"sonnet\"\n}\n");
    // The same without the ledger.
    enable(&ada);
    fs::remove_file(ada.home.join(".config/claude-sync/installed.json")).expect("deleted");
    assert_eq!(auto(&ada, &["disable"]).code, 0);
    assert_eq!(settings(&ada), "{\n  \"model\": \"sonnet\"\n}\n");
}

#[test]
fn settings_that_are_no_json_are_left_alone() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(SETTINGS, "{\"model\": ");
    let ran = auto(&ada, &["enable", "--scheduler", "none"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(
        ran.err
            .replace(&world.path().display().to_string(), "[WORLD]")
    );
    assert_eq!(settings(&ada), "{\"model\": ");
}

/// Starts the hook as Claude Code does.
fn hook(machine: &Machine, now: &str) -> Child {
    let mut command = machine.command("claude-sync", now);
    let mut child = command
        .args(["auto", "hook"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // One that does not read closes the pipe; Claude Code does not mind.
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(TOLD.as_bytes());
    child
}

/// Waits until the run that a hook left behind has ended.
fn wait_for_run(machine: &Machine) -> Value {
    let limit = Instant::now() + Duration::from_mins(2);
    loop {
        let status: Value =
            serde_json::from_str(&auto(machine, &["status", "--json"]).out).expect("JSON");
        if status["last_run"]["ended"].is_string() {
            return status;
        }
        assert!(Instant::now() < limit, "no run ended: {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn syncs(machine: &Machine) -> usize {
    machine
        .git(&["log", "--format=%(trailers:key=Mode,valueonly)"])
        .lines()
        .filter(|line| !line.is_empty())
        .count()
}

#[test]
fn twenty_hooks_at_once_make_one_sync() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    let all: Vec<Child> = (0..20).map(|_| hook(&ada, NOON)).collect();
    for child in all {
        let out = child.wait_with_output().expect("ends");
        assert!(
            out.status.success() && out.stdout.is_empty() && out.stderr.is_empty(),
            "{out:?}"
        );
    }
    let status = wait_for_run(&ada);
    assert_eq!(
        (&status["last_run"]["trigger"], &status["last_run"]["code"]),
        (&"hook".into(), &0.into())
    );
    assert_eq!(syncs(&ada), 1);
    assert_eq!(ada.fleet().0, 5);
    // More work, a minute later: too early. Ten minutes later it is synced.
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..7));
    assert!(
        hook(&ada, "2026-03-10T12:01:00Z")
            .wait()
            .expect("ends")
            .success()
    );
    assert!(
        hook(&ada, "2026-03-10T12:10:00Z")
            .wait()
            .expect("ends")
            .success()
    );
    let limit = Instant::now() + Duration::from_mins(2);
    while syncs(&ada) < 2 {
        assert!(Instant::now() < limit, "no second sync");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(syncs(&ada), 2);
}

#[test]
fn failures_are_quiet_and_seen_in_the_status() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("away.git"),
    )
    .expect("moved");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    let out = hook(&ada, NOON).wait_with_output().expect("ends");
    assert!(
        out.status.success() && out.stdout.is_empty() && out.stderr.is_empty(),
        "{out:?}"
    );
    assert_eq!(wait_for_run(&ada)["last_run"]["code"], 7);
    let told = auto(&ada, &["status"]).out;
    assert!(told.contains("off;"), "{told}");
    enable(&ada);
    let told = auto(&ada, &["status"]).out;
    assert!(
        told.contains("ended with 7: the remote was not reached"),
        "{told}"
    );
}

#[test]
fn each_system_is_told_in_its_own_words() {
    let world = World::new();
    let ada = world.machine("ada");
    let told = |kind: &str| {
        let mut command = ada.command("claude-sync", NOON);
        let git = std::env::var("PATH").expect("PATH");
        let path = format!("/opt/homebrew/bin:{git}");
        let ran = run(command
            .env("CLAUDE_CONFIG_DIR", ada.home.join(".claude"))
            .env("PATH", &path)
            .args(["auto", "enable", "--print", "--scheduler", kind]));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        let program = Path::new(env!("CARGO_BIN_EXE_claude-sync"))
            .display()
            .to_string();
        ran.out
            .replace(&path, "/opt/homebrew/bin:[PATH]")
            .replace(&world.path().display().to_string(), "[WORLD]")
            .replace(&program, "[PROGRAM]")
    };
    let all: Vec<String> = ["systemd", "launchd", "cron", "tasks", "none"]
        .iter()
        .map(|kind| format!("== {kind}\n{}", told(kind)))
        .collect();
    insta::assert_snapshot!(all.concat());
    assert!(
        !ada.home.join(SETTINGS).exists() && !ada.home.join(".config").exists(),
        "nothing was written"
    );
}

/// A `crontab` or `systemctl` that keeps what it is told in a folder.
fn stand_in(folder: &Path, name: &str, script: &str) {
    fs::create_dir_all(folder).expect("a folder");
    let path = folder.join(name);
    fs::write(
        &path,
        format!("#!/bin/sh\ncd '{}' || exit 9\n{script}\n", folder.display()),
    )
    .expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
}

fn with_tools<'a>(command: &'a mut Command, tools: &Path) -> &'a mut Command {
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", tools.display()))
}

#[test]
fn other_lines_of_a_crontab_stay() {
    let world = World::new();
    let ada = world.machine("ada");
    let tools = world.path().join("tools");
    stand_in(&tools, "systemctl", "exit 1");
    let keeps = "case $1 in -l) cat table 2>/dev/null || { echo 'no crontab for someone' >&2; exit 1; };; -r) rm -f table;; -) cat > table;; esac";
    stand_in(&tools, "crontab", keeps);
    let cron = |args: &[&str]| {
        run(with_tools(
            ada.command("claude-sync", NOON).arg("auto").args(args),
            &tools,
        ))
    };
    let table = || fs::read_to_string(tools.join("table")).unwrap_or_default();
    for before in ["", "MAILTO=me\n5 4 * * * backup # nightly"] {
        let _ = fs::remove_file(tools.join("table"));
        if !before.is_empty() {
            fs::write(tools.join("table"), before).expect("written");
        }
        for _ in 0..2 {
            let ran = cron(&["enable", "--no-hooks"]);
            assert!(
                ran.code == 0 && ran.out.contains("Every hour: cron"),
                "{ran:?}"
            );
            assert_eq!(
                table().matches("auto run --trigger timer").count(),
                1,
                "{}",
                table()
            );
        }
        assert!(table().starts_with(before));
        assert!(cron(&["status"]).out.contains("by cron, every hour"));
        assert!(
            cron(&["disable"])
                .out
                .contains("cron starts no syncs any more")
        );
        assert_eq!(table().trim_end(), before);
    }
}

#[test]
fn a_timer_of_systemd_comes_and_goes() {
    let world = World::new();
    let ada = world.machine("ada");
    let tools = world.path().join("tools");
    stand_in(&tools, "systemctl", "echo \"$@\" >> calls");
    let ran = run(with_tools(
        ada.command("claude-sync", NOON)
            .args(["auto", "enable", "--no-hooks"]),
        &tools,
    ));
    assert!(
        ran.code == 0 && ran.out.contains("Every hour: systemd"),
        "{ran:?}"
    );
    let units = ada.home.join(".config/systemd/user");
    assert!(units.join("claude-sync.timer").exists() && units.join("claude-sync.service").exists());
    assert_eq!(
        run(with_tools(
            ada.command("claude-sync", NOON).args(["auto", "disable"]),
            &tools
        ))
        .code,
        0
    );
    assert!(
        !units.join("claude-sync.timer").exists() && !units.join("claude-sync.service").exists()
    );
    let calls = fs::read_to_string(tools.join("calls")).expect("calls");
    assert!(
        calls.contains("--user enable --now claude-sync.timer")
            && calls.contains("--user disable --now claude-sync.timer"),
        "{calls}"
    );
    // Where the tool fails, what it said is told, and disabling works all the same.
    stand_in(
        &tools,
        "systemctl",
        "[ \"$2\" = enable ] && { echo 'no bus' >&2; exit 1; }; exit 0",
    );
    let ran = run(with_tools(
        ada.command("claude-sync", NOON)
            .args(["auto", "enable", "--no-hooks"]),
        &tools,
    ));
    assert!(ran.code == 1 && ran.err.contains("no bus"), "{ran:?}");
    assert_eq!(
        run(with_tools(
            ada.command("claude-sync", NOON).args(["auto", "disable"]),
            &tools
        ))
        .code,
        0
    );
    assert!(!units.join("claude-sync.timer").exists());
}
