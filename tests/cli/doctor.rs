//! `claude-sync doctor`: each of its checks made to fail, with the others as they were.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use rustix::fs::Mode;
use serde_json::Value;

use crate::world::{Machine, NOON, Ran, World, clean, run, transcript};

/// What is to be seen: the check, its status, words of what it says.
pub type Seen<'a> = (&'a str, &'a str, &'a str);

/// A machine with nothing to complain of.
pub fn healthy(world: &World) -> Machine<'_> {
    let machine = world.machine("ada");
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\temail = ada@example.invalid\n",
    );
    machine.write(
        ".claude/projects/-home-ada-secret-project/s.jsonl",
        &transcript("s1", 0..5),
    );
    machine.init().sync(&[]);
    machine
}

/// Asserts that exactly these checks are neither ok nor skipped, in JSON and in text, and that the exit code is what they make it.
pub fn sees(machine: &Machine, wanted: &[Seen]) -> Value {
    sees_with(machine, wanted, |args| machine.try_sync(NOON, args))
}

fn sees_with(machine: &Machine, wanted: &[Seen], ask: impl Fn(&[&str]) -> Ran) -> Value {
    let (ran, text) = (ask(&["doctor", "--json"]), ask(&["doctor"]));
    let json: Value = serde_json::from_str(&ran.out)
        .unwrap_or_else(|_| panic!("no JSON:\n{}{}", ran.out, ran.err));
    jsonschema::validate(&schema(), &json).expect("valid");
    let checks = json["checks"].as_array().expect("checks");
    let unwell = checks
        .iter()
        .filter(|check| !["ok", "skipped"].contains(&check["status"].as_str().expect("a status")));
    let unwell: Vec<_> = unwell
        .map(|check| {
            (
                check["name"].as_str().expect("a name"),
                check["status"].as_str().expect("a status"),
            )
        })
        .collect();
    assert_eq!(
        unwell,
        wanted
            .iter()
            .map(|(name, status, _)| (*name, *status))
            .collect::<Vec<_>>(),
        "{}",
        text.out
    );
    let code = if wanted.iter().any(|(_, status, _)| *status == "error") {
        18
    } else {
        0
    };
    assert_eq!(
        (ran.code, text.code, json["code"].as_i64()),
        (code, code, Some(code.into())),
        "{}",
        text.out
    );
    for (name, status, words) in wanted {
        let check = checks
            .iter()
            .find(|check| check["name"] == *name)
            .expect("the check");
        assert!(
            check["what"]
                .as_str()
                .is_some_and(|what| what.contains(words)),
            "not \"{words}\": {check}"
        );
        assert!(check["advice"].is_string(), "nothing to do: {check}");
        let line = format!("{status:9}{}", name.replace('_', " "));
        assert!(
            text.out.lines().any(|text| text.starts_with(&line)),
            "{}",
            text.out
        );
    }
    assert!(
        !text.out.contains(&machine.home.display().to_string()),
        "the home folder is told:\n{}",
        text.out
    );
    assert!(
        !text.out.contains("secret-project") && !text.out.contains("Ada"),
        "{}",
        text.out
    );
    json
}

fn schema() -> Value {
    serde_json::from_str(include_str!(
        "../../fixtures/schemas/output/doctor.schema.json"
    ))
    .expect("JSON")
}

/// What was looked at by that name.
pub fn check(json: &Value, name: &str) -> (String, String) {
    let all = json["checks"].as_array().expect("checks");
    let check = all
        .iter()
        .find(|check| check["name"] == name)
        .expect("the check");
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("what"))
}

/// What to do about what was looked at by that name.
fn advice(json: &Value, name: &str) -> String {
    let all = json["checks"].as_array().expect("checks");
    let check = all.iter().find(|check| check["name"] == name);
    let advice = check.and_then(|check| check["advice"].as_str());
    advice.unwrap_or_default().to_owned()
}

/// Runs the program where permissions hold, also for root; none where that cannot be had.
fn ask_as_anybody(machine: &Machine, args: &[&str]) -> Option<Ran> {
    if !rustix::process::geteuid().is_root() {
        return Some(machine.try_sync(NOON, args));
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--bounding-set=-dac_override,-dac_read_search",
            env!("CARGO_BIN_EXE_claude-sync"),
        ])
        .args(args);
    let tried = Command::new("setpriv")
        .args(["--bounding-set=-dac_override", "true"])
        .status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: root may do everything here");
        return None;
    }
    Some(run(at_noon(&mut command, machine)))
}

fn at_noon<'c>(command: &'c mut Command, machine: &Machine) -> &'c mut Command {
    clean(command, &machine.home);
    command
        .env("CLAUDE_SYNC_NOW", NOON)
        .env("CLAUDE_SYNC_HOSTNAME", &machine.name)
        .env("CLAUDE_SYNC_HOST", &machine.name)
}

fn mode(path: &Path, mode: u32) {
    rustix::fs::chmod(path, Mode::from_raw_mode(mode)).expect("a mode");
}

#[test]
fn nothing_is_wrong_where_nothing_is_wrong() {
    let world = World::new();
    let machine = healthy(&world);
    let before = machine.files();
    let json = sees(&machine, &[]);
    let schema = schema();
    let named = &schema["properties"]["checks"]["items"]["properties"]["name"]["enum"];
    let shown: Vec<_> = json["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .map(|check| check["name"].clone())
        .collect();
    assert_eq!(
        named,
        &Value::Array(shown),
        "the schema names the checks, in their order"
    );
    let (system, git) = (
        json["system"].as_str().expect("a system"),
        check(&json, "git").1,
    );
    let told = |columns: &str| {
        let ran = run(machine
            .command("claude-sync", NOON)
            .env("COLUMNS", columns)
            .arg("doctor"));
        assert_eq!(ran.code, 0);
        let text = ran
            .out
            .replace(&world.path().display().to_string(), "[WORLD]")
            .replace(system, "[SYSTEM]");
        let text = text.replace(&git, "[VERSION]");
        // Others use the same disk.
        let (before, free) = text.split_once("disk          ").expect("a line");
        format!(
            "{before}disk          [SIZE]{}",
            &free[free.find(" free").expect("a figure")..]
        )
    };
    insta::assert_snapshot!("healthy", told("100"));
    insta::assert_snapshot!("healthy_narrow", told("60"));
    assert_eq!(machine.files(), before, "looking changes nothing");
    // Who has just begun has nothing to fear either, and who has not begun is told how.
    let bob = world.machine("bob");
    sees(
        &bob,
        &[
            ("repository", "warning", "none yet"),
            ("transcripts", "warning", "none in ~/.claude/projects"),
        ],
    );
    assert!(
        !bob.state().exists() && !bob.repo().exists(),
        "looking makes nothing"
    );
    bob.init();
    sees(
        &bob,
        &[
            ("identity", "note", "user.name and user.email are not set"),
            ("transcripts", "warning", "none in"),
        ],
    );
}

#[test]
fn git_that_is_missing_or_too_old() {
    let world = World::new();
    let machine = healthy(&world);
    let folder = world.path().join("programs");
    fs::create_dir(&folder).expect("a folder");
    let ask = |args: &[&str]| {
        run(machine
            .command("claude-sync", NOON)
            .env("PATH", &folder)
            .args(args))
    };
    let json = sees_with(&machine, &[("git", "error", "failed to run git")], ask);
    assert_eq!(
        (check(&json, "reachable").0, check(&json, "privacy").0),
        ("skipped".into(), "skipped".into())
    );
    fs::write(folder.join("git"), "#!/bin/sh\necho git version 2.30.1\n").expect("written");
    mode(&folder.join("git"), 0o755);
    sees_with(&machine, &[("git", "error", "git 2.30.1 is too old")], ask);
}

#[test]
fn settings_that_are_wrong_or_unknown() {
    let world = World::new();
    let machine = healthy(&world);
    let settings = ".config/claude-sync/config.json";
    machine.write(
        settings,
        "{\"privacy_settings\": {\"retention_day\": 3}, \"more\": 1}",
    );
    sees(
        &machine,
        &[(
            "settings",
            "warning",
            "privacy_settings.retention_day (is retention_days meant?)",
        )],
    );
    machine.write(
        settings,
        "{\"privacy_settings\": {\"encryption\": \"rot13\"}}",
    );
    sees(
        &machine,
        &[(
            "settings",
            "error",
            "\"encryption\" is not \"transit\", \"at-rest\" or \"both\"",
        )],
    );
    machine.write(settings, "{");
    sees(&machine, &[("settings", "error", "line 1")]);
}

#[test]
fn folders_that_cannot_be_written() {
    let world = World::new();
    let machine = healthy(&world);
    let folder = machine.home.join(".config/claude-sync");
    machine.write(".config/claude-sync", "a file");
    sees(
        &machine,
        &[
            ("settings", "error", "failed to read"),
            ("permissions", "error", "~/.config/claude-sync is no folder"),
            ("key", "error", "failed to read"),
        ],
    );
    fs::remove_file(&folder).expect("removed");
    mode(&machine.state(), 0o500);
    if ask_as_anybody(&machine, &["doctor"]).is_some() {
        let ask = |args: &[&str]| ask_as_anybody(&machine, args).expect("as before");
        sees_with(
            &machine,
            &[(
                "permissions",
                "error",
                "~/.local/state/claude-sync cannot be written",
            )],
            ask,
        );
    }
    mode(&machine.state(), 0o700);
}

#[test]
fn a_disk_that_is_nearly_full() {
    let world = World::new();
    let machine = healthy(&world);
    let on_disk = |size: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs -o \"size=$1,mode=700\" none \"$2\" && shift 2 && exec \"$@\"";
        command
            .args(["-rm", "sh", "-c", script, "sh", size])
            .arg(machine.state())
            .arg(env!("CARGO_BIN_EXE_claude-sync"))
            .args(args);
        run(at_noon(&mut command, &machine))
    };
    if on_disk("1m", &["--version"]).code != 0 {
        crate::peers::missing("mount", "file systems cannot be mounted here");
        return;
    }
    sees_with(
        &machine,
        &[(
            "disk",
            "warning",
            "104 MB free for ~/.local/state/claude-sync",
        )],
        |args| on_disk("100m", args),
    );
    sees_with(
        &machine,
        &[("disk", "error", "10 MB free for ~/.local/state/claude-sync")],
        |args| on_disk("10m", args),
    );
}

#[test]
fn a_clock_that_is_behind() {
    let world = World::new();
    let machine = healthy(&world);
    let at = |now: &'static str| {
        let machine = &machine;
        move |args: &[&str]| machine.try_sync(now, args)
    };
    sees_with(&machine, &[], at("2026-03-09T13:00:00Z"));
    sees_with(
        &machine,
        &[(
            "clock",
            "warning",
            "but something was synced that is of 2026-03-10T12:00:00.000Z",
        )],
        at("2026-03-09T11:00:00Z"),
    );
    sees_with(
        &machine,
        &[("clock", "error", "it shows 1970-01-01T00:00:07.000Z")],
        at("1970-01-01T00:00:07Z"),
    );
}

#[test]
fn an_id_that_is_none_or_anothers() {
    let world = World::new();
    let machine = healthy(&world);
    let elsewhere = |args: &[&str]| {
        run(machine
            .command("claude-sync", NOON)
            .env("CLAUDE_SYNC_HOST", "another")
            .args(args))
    };
    sees_with(
        &machine,
        &[(
            "machine_id",
            "warning",
            "00616461 was made on another computer",
        )],
        elsewhere,
    );
    machine.write(".claude/machine_id", "nonsense");
    sees(
        &machine,
        &[(
            "machine_id",
            "error",
            "~/.claude/machine_id holds no machine id",
        )],
    );
    fs::remove_file(machine.home.join(".claude/machine_id")).expect("removed");
    sees(&machine, &[("machine_id", "note", "none yet")]);
}

#[test]
fn a_key_that_is_missing_wrong_or_seen_by_others() {
    let world = World::new();
    let machine = healthy(&world);
    let (settings, key) = (
        ".config/claude-sync/config.json",
        machine.home.join(".config/claude-sync/key"),
    );
    machine.write(
        settings,
        "{\"privacy_settings\": {\"project_names\": \"hash\"}}",
    );
    sees(
        &machine,
        &[(
            "key",
            "error",
            "there is none, but privacy_settings.project_names asks for it",
        )],
    );
    machine.write(
        settings,
        "{\"privacy_settings\": {\"encryption\": \"at-rest\"}}",
    );
    sees(
        &machine,
        &[("key", "error", "privacy_settings.encryption asks for it")],
    );
    machine.sync(&["key", "init"]);
    machine.sync(&[]);
    let mark = check(&sees(&machine, &[]), "key").1;
    let mark = mark.split(',').next().expect("a mark");
    mode(&key, 0o640);
    sees(
        &machine,
        &[(
            "key",
            "error",
            "others on this machine can read ~/.config/claude-sync/key",
        )],
    );
    fs::write(&key, "nonsense").expect("written");
    mode(&key, 0o600);
    sees(&machine, &[("key", "error", "holds no key of claude-sync")]);
    fs::remove_file(&key).expect("removed");
    sees(
        &machine,
        &[(
            "key",
            "error",
            &format!("there is none, but the repository is encrypted with the key {mark}"),
        )],
    );
    let other = world.machine("other");
    other.sync(&["key", "init"]);
    machine.sync(&["key", "import", other.sync(&["key", "show"]).out.trim()]);
    sees(
        &machine,
        &[(
            "key",
            "error",
            &format!("but the repository is encrypted with {mark}"),
        )],
    );
}

#[test]
fn a_repository_that_no_sync_can_work_in() {
    let world = World::new();
    let machine = healthy(&world);
    let head = machine.head();
    fs::write(machine.repo().join(".git/MERGE_HEAD"), format!("{head}\n")).expect("written");
    sees(
        &machine,
        &[("repository", "warning", "in the middle of a merge")],
    );
    fs::remove_file(machine.repo().join(".git/MERGE_HEAD")).expect("removed");
    machine.git(&["checkout", "-q", "-b", "side"]);
    sees(
        &machine,
        &[(
            "repository",
            "warning",
            "it is on the branch side, and main is the one that is synced",
        )],
    );
    machine.git(&["checkout", "-q", "--detach"]);
    sees(
        &machine,
        &[(
            "repository",
            "warning",
            "it is on no branch, and main is the one that is synced",
        )],
    );
    machine.git(&["checkout", "-q", "--orphan", "other"]);
    machine.git(&["rm", "-rqf", "."]);
    machine.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]);
    sees(
        &machine,
        &[(
            "repository",
            "warning",
            "it is on the branch other, and main is the one that is synced",
        )],
    );
    machine.git(&["checkout", "-qf", "main"]);
    let object = machine
        .repo()
        .join(".git/objects")
        .join(&head[..2])
        .join(&head[2..]);
    fs::remove_file(object).expect("removed");
    sees(&machine, &[("repository", "error", "is missing here")]);
    fs::remove_dir_all(machine.repo().join(".git")).expect("removed");
    sees(
        &machine,
        &[(
            "repository",
            "error",
            "~/.local/share/claude-sync/repo is no repository, and not empty",
        )],
    );
}

#[test]
fn nobody_whom_commits_could_name() {
    let world = World::new();
    let machine = healthy(&world);
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\tuseConfigOnly = true\n",
    );
    sees(&machine, &[("identity", "note", "user.email is not set")]);
    machine.sync(&["config", "set", "git.sign", "true"]);
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\temail = ada@example.invalid\n",
    );
    assert_eq!(
        check(&sees(&machine, &[]), "identity").1,
        "git knows whom to name; commits are signed (git.sign)"
    );
}

#[test]
fn a_merge_driver_that_git_cannot_call() {
    let world = World::new();
    let machine = healthy(&world);
    let key = "merge.claude-sync.driver";
    let usual = machine.git(&["config", key]);
    let other = world.path().join("claude-sync");
    machine.git(&[
        "config",
        key,
        &format!("'{}' merge-driver %O %A %B %P", other.display()),
    ]);
    let gone = format!("{}, which is not there", other.display());
    sees(&machine, &[("merge_driver", "error", &gone)]);
    fs::write(&other, "").expect("written");
    sees(
        &machine,
        &[("merge_driver", "note", "by another claude-sync")],
    );
    machine.git(&["config", key, "true"]);
    sees(
        &machine,
        &[(
            "merge_driver",
            "error",
            "merge.claude-sync.driver is set to something else",
        )],
    );
    machine.git(&["config", "--unset", key]);
    sees(
        &machine,
        &[(
            "merge_driver",
            "error",
            "merge.claude-sync.driver is not set",
        )],
    );
    machine.git(&["config", key, usual.trim_end()]);
    fs::write(machine.repo().join(".git/info/attributes"), "").expect("written");
    sees(
        &machine,
        &[(
            "merge_driver",
            "error",
            "info/attributes has not the line of claude-sync",
        )],
    );
    machine.sync(&[]);
    sees(&machine, &[]);
}

#[test]
fn hooks_that_git_does_not_call() {
    let world = World::new();
    let machine = healthy(&world);
    let hook = machine.repo().join(".git/hooks/post-merge");
    let text = fs::read_to_string(&hook).expect("a hook");
    fs::write(
        &hook,
        text.replace(env!("CARGO_BIN_EXE_claude-sync"), "/nowhere/claude-sync"),
    )
    .expect("written");
    sees(
        &machine,
        &[(
            "hooks",
            "warning",
            "hooks call /nowhere/claude-sync, which is not there",
        )],
    );
    fs::remove_file(&hook).expect("removed");
    sees(
        &machine,
        &[("hooks", "warning", "the hook post-merge is not installed")],
    );
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\temail = a@example.invalid\n[core]\n\thooksPath = ~/my-hooks\n",
    );
    sees(&machine, &[("hooks", "note", "core.hooksPath is set")]);
}

#[test]
fn transcripts_that_are_missing_or_cannot_be_read() {
    let world = World::new();
    let machine = healthy(&world);
    let (project, file) = (
        ".claude/projects/-home-ada-secret-project",
        machine
            .home
            .join(".claude/projects/-home-ada-secret-project/s.jsonl"),
    );
    machine.write(&format!("{project}/t.jsonl"), "");
    mode(&file, 0o000);
    if ask_as_anybody(&machine, &["doctor"]).is_some() {
        let ask = |args: &[&str]| ask_as_anybody(&machine, args).expect("as before");
        sees_with(
            &machine,
            &[(
                "transcripts",
                "warning",
                "of 2 transcripts, these cannot be read: s.jsonl",
            )],
            ask,
        );
        mode(&machine.home.join(project), 0o000);
        sees_with(
            &machine,
            &[(
                "transcripts",
                "warning",
                "of 0 transcripts, these cannot be read: 1 folder",
            )],
            ask,
        );
        mode(&machine.home.join(project), 0o700);
    }
    fs::remove_dir_all(machine.home.join(project)).expect("removed");
    sees(
        &machine,
        &[(
            "transcripts",
            "warning",
            "none in ~/.claude/projects, ~/.config/claude/projects",
        )],
    );
}

#[test]
fn transcripts_that_are_deleted_before_they_are_synced() {
    let world = World::new();
    let machine = healthy(&world);
    let settings = ".claude/settings.json";
    machine.write(settings, "{\"cleanupPeriodDays\": 0}");
    sees(
        &machine,
        &[("retention", "error", "Claude Code keeps no transcripts")],
    );
    machine.write(settings, "{\"cleanupPeriodDays\": 1}");
    sees(
        &machine,
        &[(
            "retention",
            "warning",
            "Claude Code keeps transcripts for 1 day",
        )],
    );
    machine.write(settings, "{\"cleanupPeriodDays\": \"long\"}");
    sees(
        &machine,
        &[(
            "retention",
            "warning",
            "~/.claude/settings.json has a cleanupPeriodDays that is no number",
        )],
    );
    machine.write(settings, "{ \"a\": 1,, }");
    sees(
        &machine,
        &[("retention", "warning", "~/.claude/settings.json is no JSON")],
    );
    machine.write(settings, "{\"cleanupPeriodDays\": 99999}");
    let path = ".claude/projects/p/t.jsonl";
    machine.write(path, &transcript("s2", 5..7));
    let now = claude_sync::base::time::Timestamp::parse(NOON).expect("a time");
    let noon = SystemTime::UNIX_EPOCH + Duration::from_millis(now.millis().unsigned_abs());
    let write = fs::File::options()
        .write(true)
        .open(machine.home.join(path))
        .expect("opens");
    write
        .set_modified(noon - Duration::from_hours(24 * 28))
        .expect("dated");
    assert_eq!(
        check(&sees(&machine, &[]), "retention").1,
        "Claude Code keeps transcripts for 99999 days; 1 waits to be synced"
    );
    fs::remove_file(machine.home.join(settings)).expect("removed");
    sees(
        &machine,
        &[(
            "retention",
            "warning",
            "for 30 days, and one that waits to be synced is 28 days old",
        )],
    );
    machine.sync(&[]);
    assert_eq!(
        check(&sees(&machine, &[]), "retention").1,
        "Claude Code keeps transcripts for 30 days; none waits"
    );
}

#[test]
fn a_repository_that_git_should_tidy_up() {
    let world = World::new();
    let machine = healthy(&world);
    machine.git(&["config", "gc.auto", "3"]);
    sees(&machine, &[("size", "note", "more than git leaves alone")]);
    machine.git(&["gc", "-q", "--prune=now"]);
    assert!(
        check(&sees(&machine, &[]), "size")
            .1
            .ends_with("0 loose files, 1 pack")
    );
    let large = fs::File::create(
        machine
            .repo()
            .join(".git/objects/pack/tmp_pack_of_a_killed_gc"),
    )
    .expect("made");
    large
        .set_len(2_500_000_000)
        .expect("a file with nothing in it");
    let json = sees(&machine, &[("size", "warning", "2,500 MB in .git")]);
    assert!(advice(&json, "size").starts_with("claude-sync git gc --prune=now"));
    machine.git(&["gc", "-q", "--prune=now"]);
    sees(&machine, &[]);
}

#[test]
fn a_clone_with_something_large_in_it_that_is_no_history() {
    let world = World::new();
    let machine = healthy(&world);
    let git = machine.repo().join(".git");
    let large = |path: &str, bytes: u64| {
        let path = git.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let file = fs::File::create(path).expect("made");
        file.set_len(bytes).expect("a file with nothing in it");
    };
    large("claude-sync-damaged/pack-1.pack", 900_000_000);
    sees(&machine, &[]);
    large("claude-sync-damaged/refs/pack-2.pack", 200_000_000);
    let json = sees(&machine, &[("size", "warning", "1,100 MB in .git")]);
    assert!(
        advice(&json, "size")
            .contains("delete ~/.local/share/claude-sync/repo/.git/claude-sync-damaged"),
        "{json}"
    );
    large("modules/more", 1_200_000_000);
    let json = sees(
        &machine,
        &[("size", "warning", "1,200 MB of it in modules")],
    );
    assert!(
        advice(&json, "size").contains("repo/.git/modules"),
        "{json}"
    );
    // What lies elsewhere is not the clone's.
    fs::remove_dir_all(git.join("claude-sync-damaged")).expect("removed");
    fs::rename(git.join("modules"), machine.home.join("modules")).expect("moved");
    std::os::unix::fs::symlink(machine.home.join("modules"), git.join("modules")).expect("linked");
    sees(&machine, &[]);
}

#[test]
fn an_index_that_is_damaged() {
    let world = World::new();
    let machine = healthy(&world);
    fs::write(
        machine.state().join("index.sqlite"),
        "no database at all, but long enough to be looked at",
    )
    .expect("written");
    sees(
        &machine,
        &[("index", "warning", "the local index is damaged")],
    );
    machine.sync(&["verify", "--repair"]);
    sees(&machine, &[]);
}
