//! What a host refuses is kept word for word; helpers that hang are cut off.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::executable;
use super::server::{Mood, Part, Server};
use crate::doctor::check;
use crate::world::{Machine, NOON, World, run, transcript};

/// A machine that synced through a web server.
fn synced<'w>(world: &'w World, server: &Server) -> Machine<'w> {
    world.git(
        &world.path().join("remote.git"),
        &["config", "http.receivepack", "true"],
    );
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    machine.git(&["remote", "set-url", "origin", &server.address()]);
    machine
}

fn json(machine: &Machine, args: &[&str]) -> Value {
    let ran = machine.try_sync(NOON, &[args, &["--json"]].concat());
    serde_json::from_str(&ran.out)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {}{}", ran.out, ran.err))
}

#[test]
fn a_403_is_kept_word_for_word_and_the_doctor_asks_again() {
    let world = World::new();
    let server = Server::start(world.path());
    let machine = synced(&world, &server);
    assert_eq!(
        check(&json(&machine, &["doctor"]), "push"),
        ("ok".into(), "it takes pushes from here".into())
    );
    server.feels(
        Part::Push,
        Mood::Says(
            "403 Forbidden",
            "Write access to \u{1b}[31mthis repository\u{1b}[0m not granted.\nAsk its owner.\n",
        ),
    );
    let words = "Write access to \\u{1b}[31mthis repository\\u{1b}[0m not granted.";
    // Before any sync has failed, the doctor finds it: by a push that sends nothing.
    let seen = json(&machine, &["doctor"]);
    let (status, what) = check(&seen, "push");
    assert!(
        status == "error"
            && what.contains("it takes no push: ")
            && what.contains(words)
            && what.contains("error: 403"),
        "{what}"
    );
    assert!(
        json(&machine, &["status"])["reason"].is_null(),
        "asking is no sync that failed"
    );

    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    let ran = json(&machine, &[]);
    assert_eq!(
        (&ran["code"], &ran["remote"]),
        (&7.into(), &"refused".into()),
        "{ran}"
    );
    assert!(
        ran["remote_reason"]
            .as_str()
            .is_some_and(|reason| reason.contains(words) && reason.contains("Ask its owner.")),
        "{ran}"
    );
    let status = json(&machine, &["status"]);
    assert!(
        status["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains(words) && reason.contains("Ask its owner.")),
        "{status}"
    );
    assert!(
        status["advice"]
            .as_str()
            .is_some_and(|advice| advice.contains("may write")),
        "{status}"
    );
    for args in [
        &["status"][..],
        &["doctor"],
        &["doctor", "--offline"],
        &["--quiet"],
        &[],
    ] {
        let ran = machine.try_sync("2026-03-10T20:00:00Z", args);
        let text = (ran.out + &ran.err)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            text.contains(words) && text.contains("error: 403"),
            "{args:?}: {text}"
        );
        assert!(
            !text.contains('\u{1b}'),
            "{args:?} writes the host's text as it is"
        );
    }
    // What the last push came to stays until one is taken, though the host would take it now.
    server.feels(Part::All, Mood::Well);
    let seen = json(&machine, &["doctor"]);
    let (status, what) = check(&seen, "push");
    assert!(
        status == "warning" && what.contains("the last push failed") && what.contains(words),
        "{what}"
    );
    machine.sync(&[]);
    assert!(
        json(&machine, &["status"])["reason"].is_null()
            && json(&machine, &["status"])["advice"].is_null()
    );
    assert_eq!(check(&json(&machine, &["doctor"]), "push").0, "ok");
}

/// A helper that notes its process and hangs, with a child that hangs too.
fn hangs(machine: &Machine) -> (PathBuf, PathBuf) {
    let (program, note) = (machine.home.join("bin/hangs"), machine.home.join("pids"));
    fs::create_dir_all(machine.home.join("bin")).expect("a folder");
    executable(
        &program,
        &format!(
            "#!/bin/sh\nsleep 1000 &\necho $$ $! >> '{}'\nwait\n",
            note.display()
        ),
    );
    (program, note)
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_credential_helper_that_hangs_is_cut_off_with_its_children() {
    let world = World::new();
    let server = Server::start(world.path());
    let machine = synced(&world, &server);
    server.feels(Part::All, Mood::Login("me", "hunter2"));
    let (program, note) = hangs(&machine);
    machine.git(&[
        "config",
        "credential.helper",
        &program.display().to_string(),
    ]);
    machine.write(
        ".config/claude-sync/config.json",
        "{\"error_states\": {\"sync_failed\": {\"silence_seconds\": 1}}}",
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    for (at, args) in [&["auto", "run", "--trigger", "timer"][..], &[], &["doctor"]]
        .iter()
        .enumerate()
    {
        // The run before has ended: nobody is told that another one is running.
        let ran = machine.try_sync(&format!("2026-03-1{at}T12:00:00Z"), args);
        let code = if *args == ["doctor"] { 18 } else { 7 };
        assert_eq!(ran.code, code, "{args:?}: {}{}", ran.out, ran.err);
        let text = (ran.out + &ran.err)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            text.contains("cut off after it had printed nothing for 1 s")
                && text.contains("credential helper"),
            "{args:?}: {text}"
        );
    }
    let processes = fs::read_to_string(note).expect("it ran");
    assert!(processes.split_whitespace().count() >= 6, "{processes}");
    for process in processes.split_whitespace() {
        let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // One that is a zombie waits for whoever takes in orphans here.
        assert!(
            state.is_empty() || state.contains(") Z "),
            "{process} hangs on: {state}"
        );
    }
    machine.git(&[
        "config",
        "credential.helper",
        "!f() { echo username=me; echo password=hunter2; }; f",
    ]);
    machine.write(".config/claude-sync/config.json", "{}");
    assert!(
        machine
            .sync_at("2026-03-15T12:00:00Z", &[])
            .out
            .contains("Pushed.")
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_gpg_that_hangs_is_cut_off_and_the_next_run_signs_or_pushes() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    let (program, _) = hangs(&machine);
    machine.git(&["config", "gpg.program", &program.display().to_string()]);
    machine.write(
        ".config/claude-sync/config.json",
        "{\"git\": {\"sign\": true}, \"error_states\": {\"sync_failed\": {\"silence_seconds\": 1}}}",
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    for now in [NOON, "2026-03-11T12:00:00Z"] {
        let ran = machine.try_sync(now, &["auto", "run", "--trigger", "timer"]);
        assert!(
            ran.code == 7 && ran.err.contains("could not be signed"),
            "{}: {}",
            ran.code,
            ran.err
        );
        assert!(
            ran.err
                .contains("git commit-tree was cut off after it had printed nothing for 1 s"),
            "{}",
            ran.err
        );
    }
    assert_eq!(machine.fleet().0, 5, "what waits is committed here");
    machine.write(".config/claude-sync/config.json", "{}");
    assert!(
        machine
            .sync_at("2026-03-12T12:00:00Z", &[])
            .out
            .contains("Pushed.")
    );
}

/// Variables, the author and committer that hold, and whether the address is rewritten.
type Set<'a> = (&'a [(&'a str, String)], &'a str, &'a str, bool);

#[test]
fn who_commits_and_where_to_is_what_the_users_own_git_says() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..1));
    machine.init().sync(&[]);
    machine.git(&["remote", "set-url", "origin", "usage:remote.git"]);
    let instead = format!(
        "[url \"file://{}/\"]\n\tinsteadOf = usage:\n",
        world.path().display()
    );
    let person = |name: &str| {
        format!("[user]\n\tname = {name}\n\temail = {name}@example.invalid\n{instead}")
    };
    machine.write("elsewhere/global", &person("global"));
    machine.write("elsewhere/xdg/git/config", &person("xdg"));
    machine.write("elsewhere/included", &person("included"));
    machine.write(
        "elsewhere/includes",
        &format!(
            "[include]\n\tpath = included\n[includeIf \"gitdir:{}/\"]\n\tpath = conditional\n",
            machine.repo().display()
        ),
    );
    machine.write("elsewhere/conditional", "[user]\n\tname = conditional\n");
    machine.write(".gitconfig", &person("home"));
    let at = |path: &str| {
        machine
            .home
            .join("elsewhere")
            .join(path)
            .display()
            .to_string()
    };
    let sets: [Set; 7] = [
        (
            &[],
            "home <home@example.invalid>",
            "home <home@example.invalid>",
            true,
        ),
        (
            &[("GIT_CONFIG_GLOBAL", at("global"))],
            "global <global@example.invalid>",
            "global <global@example.invalid>",
            true,
        ),
        (
            &[("GIT_CONFIG_GLOBAL", at("includes"))],
            "conditional <included@example.invalid>",
            "conditional <included@example.invalid>",
            true,
        ),
        (
            &[
                ("GIT_AUTHOR_NAME", "writer".into()),
                ("GIT_AUTHOR_EMAIL", "w@example.invalid".into()),
            ],
            "writer <w@example.invalid>",
            "home <home@example.invalid>",
            true,
        ),
        (
            &[
                ("GIT_COMMITTER_NAME", "sender".into()),
                ("GIT_COMMITTER_EMAIL", "s@example.invalid".into()),
            ],
            "home <home@example.invalid>",
            "sender <s@example.invalid>",
            true,
        ),
        (
            &[("GIT_AUTHOR_NAME", "half".into())],
            "half <home@example.invalid>",
            "home <home@example.invalid>",
            true,
        ),
        // The last: without ~/.gitconfig, which beats that of XDG.
        (
            &[("XDG_CONFIG_HOME", at("xdg"))],
            "xdg <xdg@example.invalid>",
            "xdg <xdg@example.invalid>",
            false,
        ),
    ];
    for (at, (variables, author, committer, home)) in sets.into_iter().enumerate() {
        if !home {
            fs::remove_file(machine.home.join(".gitconfig")).expect("removed");
        }
        let count = u32::try_from(at).expect("few") + 2;
        machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..count));
        let ran = run(machine
            .command("claude-sync", NOON)
            .envs(variables.iter().map(|(name, value)| (name, value))));
        assert!(
            ran.code == 0 && ran.out.contains("Pushed."),
            "{variables:?}: {}{}",
            ran.out,
            ran.err
        );
        let remote = world.path().join("remote.git");
        let wrote = world.git(
            &remote,
            &["log", "-1", "--format=%an <%ae>|%cn <%ce>", "main"],
        );
        assert_eq!(
            wrote.trim(),
            format!("{author}|{committer}"),
            "{variables:?}"
        );
        let by_git = run(std::process::Command::new("git")
            .env_clear()
            .envs(machine_env(&machine))
            .envs(variables.iter().map(|(n, v)| (n, v)))
            .arg("-C")
            .arg(machine.repo())
            .args(["var", "GIT_AUTHOR_IDENT"]));
        assert!(
            by_git.out.starts_with(author),
            "as git itself says: {}",
            by_git.out
        );
    }
}

/// The environment of a machine's commands.
fn machine_env(machine: &Machine) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let command = machine.command("claude-sync", NOON);
    command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
}
