//! What stands between a sync and its remote on one machine, one thing a test: programs that wrap git, ssh and helpers, keys, owners.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::doctor::check;
use crate::world::{Machine, NOON, World, clean, run, transcript};

fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

fn synced(world: &World) -> Machine<'_> {
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    machine
}

/// Runs with a folder before all others in PATH.
fn with_path(machine: &Machine, folder: &Path, args: &[&str]) -> crate::world::Ran {
    let path = format!(
        "{}:{}",
        folder.display(),
        std::env::var("PATH").expect("a PATH")
    );
    run(machine
        .command("claude-sync", NOON)
        .env("PATH", path)
        .args(args))
}

#[test]
fn a_git_that_prints_a_line_of_its_own_is_understood_and_what_is_no_git_is_named() {
    let world = World::new();
    let machine = synced(&world);
    let real = run(Command::new("sh").args(["-c", "command -v git"]))
        .out
        .trim()
        .to_owned();
    let tools = world.path().join("tools");
    executable(
        &tools.join("git"),
        &format!(
            "#!/bin/sh\n[ \"$1\" = version ] && echo 'git wrapper 1.0'\nexec '{real}' \"$@\"\n"
        ),
    );
    assert_eq!(with_path(&machine, &tools, &[]).code, 0);
    executable(&tools.join("git"), "#!/bin/sh\necho 'not me'\n");
    let ran = with_path(&machine, &tools, &[]);
    assert!(
        ran.code == 6 && ran.err.contains("git version printed not me"),
        "{}",
        ran.err
    );
}

/// An ssh that runs the command here and notes what it was given.
fn ssh(machine: &Machine) -> PathBuf {
    let program = machine.home.join("bin/ssh");
    executable(
        &program,
        &format!(
            "#!/bin/sh\necho \"$*\" >> '{}/ssh.log'\nfor last; do :; done\nexec sh -c \"$last\"\n",
            machine.home.display()
        ),
    );
    program
}

#[test]
fn unattended_runs_use_the_key_that_the_user_configured() {
    let world = World::new();
    let machine = synced(&world);
    let program = ssh(&machine);
    let address = format!(
        "ssh://host.invalid{}",
        world.path().join("remote.git").display()
    );
    machine.git(&["remote", "set-url", "origin", &address]);
    machine.git(&[
        "config",
        "core.sshCommand",
        &format!("'{}' -i deploy.key", program.display()),
    ]);
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    machine.sync(&["--quiet"]);
    let json: serde_json::Value =
        serde_json::from_str(&machine.sync(&["doctor", "--json"]).out).expect("JSON");
    assert_eq!(check(&json, "push").0, "ok", "{json}");
    let log = fs::read_to_string(machine.home.join("ssh.log")).expect("it ran");
    assert!(log.lines().count() >= 4, "{log}");
    for line in log.lines() {
        assert!(
            line.contains("-i deploy.key")
                && line.contains("BatchMode=yes")
                && line.contains("ConnectTimeout=30"),
            "{line}"
        );
    }
}

#[test]
fn a_transport_that_hangs_is_cut_off() {
    let world = World::new();
    let machine = synced(&world);
    executable(&machine.home.join("bin/ssh"), "#!/bin/sh\nexec sleep 100\n");
    machine.git(&[
        "remote",
        "set-url",
        "origin",
        "ssh://host.invalid/usage.git",
    ]);
    machine.git(&[
        "config",
        "core.sshCommand",
        &machine.home.join("bin/ssh").display().to_string(),
    ]);
    machine.write(
        ".config/claude-sync/config.json",
        "{\"error_states\": {\"sync_failed\": {\"silence_seconds\": 1}}}",
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    let began = Instant::now();
    let ran = machine.try_sync(NOON, &["--quiet"]);
    assert!(
        ran.code == 7
            && ran
                .err
                .contains("was cut off after it had printed nothing for 1 s"),
        "{}",
        ran.err
    );
    assert!(began.elapsed().as_secs() < 30);
    machine.git(&["remote", "set-url", "origin", &world.remote()]);
    assert!(
        machine.sync(&[]).out.contains("Pushed."),
        "the next run goes on"
    );
}

#[test]
fn why_a_push_was_refused_is_kept_until_one_is_taken() {
    let world = World::new();
    let machine = synced(&world);
    let hook = world.path().join("remote.git/hooks/pre-receive");
    executable(
        &hook,
        "#!/bin/sh\nprintf 'no \\033[31mroom\\n' >&2\nexit 1\n",
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    assert_eq!(machine.try_sync(NOON, &[]).code, 7);
    let text = machine.sync(&["status"]).out;
    assert!(
        text.contains("remote: no \\u{1b}[31mroom") && text.contains("pre-receive hook declined"),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&machine.sync(&["status", "--json"]).out).expect("JSON");
    assert!(
        json["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("no \\u{1b}[31mroom")),
        "{json}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&machine.sync(&["doctor", "--json"]).out).expect("JSON");
    let (status, what) = check(&json, "push");
    assert!(status == "warning" && what.contains("room"), "{json}");
    fs::remove_file(hook).expect("removed");
    machine.sync(&[]);
    let json: serde_json::Value =
        serde_json::from_str(&machine.sync(&["status", "--json"]).out).expect("JSON");
    assert!(json["reason"].is_null(), "{json}");
}

#[test]
fn a_sha256_remote_is_refused_at_set_up_and_an_empty_one_says_its_branch() {
    let world = World::new();
    world.git(
        world.path(),
        &["init", "-q", "--bare", "--object-format=sha256", "new.git"],
    );
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    let ran = machine.try_sync(
        NOON,
        &["init", &world.path().join("new.git").display().to_string()],
    );
    // Before 2.41 git does not tell what an empty repository is like: the first push finds out.
    let is_told = world.git_is(2, 41);
    let (code, ran) = if is_told {
        (4, ran)
    } else {
        assert_eq!(ran.code, 0, "{}", ran.err);
        (7, machine.try_sync(NOON, &[]))
    };
    assert!(
        ran.code == code && ran.err.contains("is a SHA-256 repository"),
        "{}: {}{}",
        ran.code,
        ran.out,
        ran.err
    );
    if is_told {
        assert!(!machine.repo().exists());
    } else {
        fs::remove_dir_all(machine.repo()).expect("removed");
    }

    world.git(
        &world.path().join("remote.git"),
        &["symbolic-ref", "HEAD", "refs/heads/master"],
    );
    machine.init().sync(&[]);
    world.git(world.path(), &["clone", "-q", "remote.git", "plain"]);
    assert!(
        world.path().join("plain/sync/manifest.json").is_file(),
        "a plain clone shows what was pushed"
    );
}

#[test]
fn a_program_whose_path_has_a_percent_sign_merges() {
    let world = World::new();
    let folder = world.path().join("100%O of it");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(
        env!("CARGO_BIN_EXE_claude-sync"),
        folder.join("claude-sync"),
    )
    .expect("copied");
    let ada = synced(&world);
    let bob = world.machine("bob");
    let sync = |args: &[&str]| {
        let mut command = Command::new(folder.join("claude-sync"));
        clean(&mut command, &bob.home);
        command
            .env("CLAUDE_SYNC_NOW", NOON)
            .env("CLAUDE_SYNC_HOSTNAME", "bob")
            .env("CLAUDE_SYNC_HOST", "bob");
        let ran = run(command.args(args));
        assert_eq!(ran.code, 0, "{}", ran.err);
    };
    sync(&["init", "--no-sync", &world.remote()]);
    sync(&[]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..6));
    ada.sync(&[]);
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 10..14));
    sync(&["--offline"]);
    bob.git(&["pull", "-q"]);
    bob.assert_sound();
    sync(&[]);
    assert_eq!(bob.fleet().0, 10);
}

#[test]
fn root_leaves_the_folder_of_another_user_alone() {
    let world = World::new();
    let machine = synced(&world);
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give a folder to another user");
        return;
    }
    run(Command::new("chown")
        .args(["-R", "1234"])
        .arg(machine.repo()));
    let ran = machine.try_sync(NOON, &[]);
    assert!(
        ran.code == 4 && ran.err.contains("to another user (uid 1234)"),
        "{}",
        ran.err
    );
    let json: serde_json::Value =
        serde_json::from_str(&machine.try_sync(NOON, &["doctor", "--json"]).out).expect("JSON");
    assert_eq!(check(&json, "permissions").0, "error", "{json}");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn machines_that_live_an_hour_are_one_machine_of_the_fleet() {
    let world = World::new();
    let ada = synced(&world);
    let jobs: Vec<Machine> = ["job1", "job2", "job3"]
        .map(|name| world.machine(name))
        .into();
    for (at, job) in jobs.iter().enumerate() {
        fs::remove_file(job.home.join(".claude/machine_id")).expect("removed");
        job.sync(&["init", "--ephemeral", "ci", &world.remote()]);
        let from = u32::try_from(at).expect("few") * 10 + 100;
        job.write(
            ".claude/projects/p/s.jsonl",
            &transcript("job", from..from + 5),
        );
    }
    // Several at once.
    std::thread::scope(|scope| {
        jobs.iter()
            .for_each(|job| drop(scope.spawn(|| job.sync(&[]))));
    });
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 18);
    let machines = ada.sync(&["machine", "list", "--json"]).out;
    let machines: serde_json::Value = serde_json::from_str(&machines).expect("JSON");
    assert_eq!(
        machines["machines"].as_array().map(Vec::len),
        Some(2),
        "{machines}"
    );
    for job in &jobs {
        let ran = job.sync(&[]);
        assert!(!ran.err.contains("another computer"), "{}", ran.err);
    }
    jobs[0].sync(&["verify", "--read-data"]);
    // Another machine's id is no short-lived one's.
    assert_eq!(
        ada.try_sync(NOON, &["init", "--ephemeral", "ci", &world.remote()])
            .code,
        9
    );
}
