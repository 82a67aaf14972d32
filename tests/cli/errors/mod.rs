//! Every message that bad input gets, as the user reads it. Each also leaves everything as it was.

mod remotes;

use std::fs;
use std::path::Path;

use crate::world::{Machine, NOON, Ran, World, run, transcript};

/// What the user reads, with the folder that differs from run to run named [WORLD], and the exit code.
fn told(machine: &Machine, ran: &Ran) -> String {
    let root = machine.world.path().display().to_string();
    let text = format!("exit code {}\n{}{}", ran.code, ran.out, ran.err);
    let text = text
        .replace(&root, "[WORLD]")
        .replace(&format!("pid {}", std::process::id()), "pid [PID]");
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Runs `claude-sync` in a terminal so wide that no path is broken over two lines.
fn tell(machine: &Machine, args: &[&str]) -> String {
    let mut command = machine.command("claude-sync", NOON);
    told(machine, &run(command.env("COLUMNS", "400").args(args)))
}

fn tell_with(machine: &Machine, name: &str, value: &str, args: &[&str]) -> String {
    let mut command = machine.command("claude-sync", NOON);
    told(
        machine,
        &run(command.env("COLUMNS", "400").env(name, value).args(args)),
    )
}

fn track(machine: &Machine, args: &[&str]) -> String {
    let mut command = machine.command("claude-usage-tracker", NOON);
    told(machine, &run(command.env("COLUMNS", "400").args(args)))
}

/// A machine that has synced three requests.
fn synced(world: &World) -> Machine<'_> {
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    machine
}

fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

#[test]
fn bad_lines_of_transcripts() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    let good = transcript("s1", 0..3);
    let half = &good[..200];
    let negative = transcript("s1", 7..8).replace("\"input_tokens\":10", "\"input_tokens\":-10");
    let timeless = transcript("s1", 8..9).replace("2026-03-10T", "some day ");
    machine.write(
        ".claude/projects/p/s.jsonl",
        &format!("{good}{half}\n\n{negative}{timeless}\u{0}\u{0}\n{{\"usage\": nonsense}}\n"),
    );
    insta::assert_snapshot!(tell(&machine, &[]));
    assert_eq!(machine.fleet().0, 3);
    assert_eq!(
        machine.sync(&[]).err,
        "",
        "what was reported once is not read again"
    );
}

#[test]
fn unreadable_transcripts() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init();
    // A file that opens and cannot be read, for root too.
    std::os::unix::fs::symlink(
        "/proc/self/mem",
        machine.home.join(".claude/projects/p/broken.jsonl"),
    )
    .expect("a link");
    let text = tell(&machine, &[]);
    insta::assert_snapshot!(
        text.replace(&format!("/proc/{}/", std::process::id()), "/proc/[PID]/")
            .lines()
            .map(|l| if l.contains("/proc/") {
                "warning: /proc/[PID]/mem: skipped: Input/output error (os error 5)"
            } else {
                l
            })
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert_eq!(machine.fleet().0, 3);
}

#[test]
fn a_machine_id_that_is_none() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/machine_id", "my \u{1b}[31mlaptop\n");
    insta::assert_snapshot!(tell(&machine, &["init"]));
    assert!(!machine.repo().exists());
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn another_machines_file_that_does_not_parse() {
    let world = World::new();
    let machine = synced(&world);
    let other = world.machine("bob");
    other.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..12));
    other.init().sync(&[]);
    fs::write(
        other
            .repo()
            .join("sync/machines/00626f62-0000-4000-8000-000000000000.json"),
        "{\"version\": \"1.1\", oops",
    )
    .expect("written");
    other.git(&["commit", "-qam", "an accident"]);
    other.git(&["push", "-q", "--no-verify"]);
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    insta::assert_snapshot!(tell(&machine, &[]));
    let manifest = machine.manifest_json();
    assert_eq!(
        manifest["machines"]["00626f62-0000-4000-8000-000000000000"]["status"],
        "error"
    );
    assert_eq!(
        machine.fleet().0,
        6,
        "its records are in its day files, and all others go on"
    );
    // Its owner mends it by syncing.
    other.sync(&["--mode=full"]);
    other.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..13));
    other.sync(&[]);
    assert_eq!(
        other.manifest_json()["machines"]["00626f62-0000-4000-8000-000000000000"]["status"],
        "active"
    );
    assert_eq!(other.fleet().0, 7);
}

#[test]
fn a_newer_major_version() {
    let world = World::new();
    let machine = synced(&world);
    let path = machine.repo().join("sync/manifest.json");
    let text = fs::read_to_string(&path)
        .expect("there")
        .replace("\"version\": \"1.1\"", "\"version\": \"2.0\"");
    fs::write(&path, text).expect("written");
    machine.git(&["commit", "-qam", "what a later tool wrote"]);
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    insta::assert_snapshot!(tell(&machine, &[]));
    assert!(
        machine.manifest().contains("\"version\": \"2.0\""),
        "it is left alone"
    );
    assert_eq!(machine.fleet().0, 4, "records do not wait for it");
}

#[test]
fn another_machine_of_a_newer_version() {
    let world = World::new();
    let machine = synced(&world);
    let text = include_str!("../../../fixtures/spec-1.0/machine-sync.json")
        .replace("\"version\": \"1.0\"", "\"version\": \"2.0\"");
    fs::write(
        machine
            .repo()
            .join("sync/machines/a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b.json"),
        text,
    )
    .expect("written");
    machine.git(&["add", "."]);
    machine.git(&["commit", "-qm", "what a later tool wrote"]);
    insta::assert_snapshot!(tell(&machine, &[]));
}

#[test]
fn a_run_that_is_going_on() {
    let world = World::new();
    let machine = synced(&world);
    let lock = fs::File::options()
        .write(true)
        .open(machine.state().join("lock"))
        .expect("there");
    lock.try_lock().expect("free");
    fs::write(
        machine.state().join("lock"),
        format!(
            "pid {}, since 2026-03-10T11:59:00.000Z\n",
            std::process::id()
        ),
    )
    .expect("written");
    insta::assert_snapshot!(tell(&machine, &[]));
    drop(lock);
    machine.sync(&[]);
}

#[test]
fn git_that_is_missing_or_too_old() {
    let world = World::new();
    let machine = world.machine("ada");
    insta::assert_snapshot!("git_missing", tell_with(&machine, "PATH", "/nowhere", &[]));
    let old = world.path().join("old/git");
    executable(&old, "#!/bin/sh\necho git version 2.38.5\n");
    insta::assert_snapshot!(
        "git_too_old",
        tell_with(
            &machine,
            "PATH",
            &old.parent().expect("a parent").display().to_string(),
            &["init"]
        )
    );
    assert!(!machine.repo().exists());
}

#[test]
fn settings_that_are_not_valid() {
    let world = World::new();
    let machine = synced(&world);
    let mut seen = String::new();
    for text in [
        "{\"privacy_settings\": {\"anonymize_hostname\": \"yes\"}}",
        "{\"privacy_settings\": {\"encryption\": \"both\"}}",
        "{\"privacy_settings\": {\"retention_days\": 0}}",
        "{\"summary_only\": tru}",
        "[]",
    ] {
        machine.write(".config/claude-sync/config.json", text);
        seen.push_str(&format!("{text}\n{}\n\n", tell(&machine, &[])));
    }
    insta::assert_snapshot!(seen);
    machine.write(".config/claude-sync/config.json", "{\"privacy_settings\": {\"encryption\": \"transit\", \"exclude_project_names\": true, \"anonymize_hostname\": true}, \"later\": 1}");
    machine.sync(&["--mode=full"]);
}

#[test]
fn settings_are_honoured() {
    let world = World::new();
    let machine = world.machine("secret-host");
    machine.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\": {\"exclude_project_names\": true, \"anonymize_hostname\": true}, \"snapshots\": true}",
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    let files = machine.files();
    assert!(files.keys().any(|name| name.ends_with("T120000Z.json")));
    for text in files
        .values()
        .chain([&machine.git(&["log", "--format=%B"])])
    {
        assert!(
            !text.contains("secret-host") && !text.contains("shop"),
            "{text}"
        );
    }
}

#[test]
fn a_repository_in_the_middle_of_something() {
    let world = World::new();
    let machine = synced(&world);
    machine.git(&["switch", "-q", "--detach"]);
    insta::assert_snapshot!("detached", tell(&machine, &[]));
    machine.git(&["switch", "-q", "main"]);
    fs::write(machine.repo().join("README.md"), "one\n").expect("written");
    machine.git(&["commit", "-qam", "one"]);
    machine.git(&["switch", "-q", "-c", "side", "HEAD~1"]);
    fs::write(machine.repo().join("README.md"), "two\n").expect("written");
    machine.git(&["commit", "-qam", "two"]);
    assert_ne!(machine.try_git(&["merge", "main"]).code, 0);
    insta::assert_snapshot!("merging", tell(&machine, &[]));
    machine.git(&["merge", "--abort"]);
    machine.git(&["switch", "-q", "main"]);
    machine.sync(&[]);
}

#[test]
fn a_kind_of_repository_that_is_not_supported() {
    let world = World::new();
    let machine = world.machine("ada");
    world.git(
        world.path(),
        &[
            "init",
            "-q",
            "--object-format=sha256",
            &machine.repo().display().to_string(),
        ],
    );
    let text = tell(&machine, &[]);
    // libgit2's own words may change.
    let text = text.lines().map(|line| {
        line.split_once("repo: ")
            .map_or(line.to_owned(), |(ours, _)| {
                format!("{ours}repo: [libgit2's reason]")
            })
    });
    insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_trackers_messages() {
    let world = World::new();
    let machine = world.machine("ada");
    let mut seen = String::new();
    for args in [
        &[][..],
        &["--source=sync"],
        &["--source=local"],
        &["daily", "--since", "2026-02-30"],
        &["daily", "--since", "20260310", "--until", "2026-03-09"],
        &["daily", "-z", "Europe/Berln"],
        &["hourly"],
        &["svg", "cots"],
        &["export", "--format", "parquet"],
        &["daily", "--mode", "auot"],
    ] {
        seen.push_str(&format!(
            "claude-usage-tracker {}\n{}\n\n",
            args.join(" "),
            track(&machine, args)
        ));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn hostile_names_reach_no_terminal_unescaped() {
    let world = World::new();
    let machine = synced(&world);
    let other = world.machine("bob");
    other.write(
        ".claude/projects/p/s.jsonl",
        &transcript("s2", 10..12).replace("/work/shop", "/work/\u{202e}\\u001b]0;evil\\u0007"),
    );
    other.init().sync(&[]);
    let path = other
        .repo()
        .join("sync/machines/00626f62-0000-4000-8000-000000000000.json");
    let text = fs::read_to_string(&path).expect("there").replace(
        "\"hostname\": \"bob\"",
        "\"hostname\": \"b\\u001b[2Job\\u202e\"",
    );
    fs::write(&path, text).expect("written");
    other.git(&["commit", "-qam", "mischief"]);
    other.git(&["push", "-q", "--no-verify"]);
    machine.sync(&[]);
    for args in [&["machines"][..], &["session"]] {
        let ran = machine.track(args);
        assert!(
            !ran.out.contains(['\u{1b}', '\u{202e}', '\u{7}']),
            "{}",
            ran.out
        );
    }
}

#[test]
fn a_repository_that_another_git_has_locked_or_whose_index_is_gone() {
    let world = World::new();
    let machine = synced(&world);
    machine.write(".claude/projects/p/t.jsonl", &transcript("s2", 10..12));
    fs::write(machine.repo().join(".git/index.lock"), "").expect("written");
    insta::assert_snapshot!("locked", tell(&machine, &[]));
    fs::remove_file(machine.repo().join(".git/index.lock")).expect("gone");
    fs::remove_file(machine.repo().join(".git/index")).expect("gone");
    machine.sync(&[]);
    assert_eq!(machine.fleet().0, 5);
    machine.assert_sound();
    fs::remove_file(machine.repo().join(".git/index")).expect("gone");
    machine.sync(&[]);
    machine.assert_sound();
}
