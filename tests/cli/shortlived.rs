//! Machines that live an hour: the last sync before they go, and the guides for CI jobs and dev containers, as they are written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alone::hold;
use crate::stage::Stage;
use crate::world::{Machine, NOON, Ran, World, ran, run, transcript};

/// A machine of the name `ci`, with requests that are not synced.
fn job<'w>(world: &'w World, name: &str) -> Machine<'w> {
    let job = world.machine(name);
    fs::remove_file(job.home.join(".claude/machine_id")).expect("removed");
    job.sync(&["init", "--ephemeral", "ci", &world.remote()]);
    job.write(".claude/projects/p/s.jsonl", &transcript("job", 0..5));
    job
}

fn last(machine: &Machine, more: &[&str]) -> Command {
    let mut command = machine.command("claude-sync", NOON);
    command.args(["auto", "run", "--last"]).args(more);
    command
}

/// The requests of the fleet, as a machine that joins now sees it.
fn seen(world: &World) -> u64 {
    let name = format!(
        "eve{}",
        fs::read_dir(world.path()).expect("a folder").count()
    );
    let eve = world.machine(&name);
    eve.init();
    eve.fleet().0
}

/// Waits for something that another process does.
fn until(what: &str, holds: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_mins(2);
    while !holds() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_last_sync_waits_for_another_and_heeds_no_pause() {
    let world = World::new();
    let job = job(&world, "job");
    // The remote failed just now: other runs would leave it alone.
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("away.git"),
    )
    .expect("moved");
    assert_eq!(job.try_sync(NOON, &["--quiet"]).code, 7);
    fs::rename(
        world.path().join("away.git"),
        world.path().join("remote.git"),
    )
    .expect("moved");
    assert!(
        job.try_sync(NOON, &["auto", "run"]).code == 7,
        "the pause holds for a timer"
    );
    // Another sync is going on.
    let lock = hold(&job, "pid 1, of this test");
    let child = last(&job, &[])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let turn =
        || fs::File::open(job.state().join("auto.lock")).is_ok_and(|file| file.try_lock().is_err());
    until("it does not begin", turn);
    drop(lock);
    let ended = ran(child.wait_with_output().expect("ends"));
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(seen(&world), 5);
}

#[test]
fn the_last_sync_asks_again_and_says_what_is_left() {
    let world = World::new();
    let job = job(&world, "job");
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("away.git"),
    )
    .expect("moved");
    let ended = run(last(&job, &["--within", "1"]));
    assert_eq!(ended.code, 7);
    assert!(
        ended
            .err
            .contains("what waits here is lost if this machine does not come back"),
        "{}",
        ended.err
    );
    let tried = || -> u64 {
        let status: Value =
            serde_json::from_str(&job.sync(&["status", "--json"]).out).expect("JSON");
        status["retry"]["failures"].as_u64().unwrap_or(0)
    };
    let before = tried();
    let child = last(&job, &["--within", "100"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    until("it does not try", || tried() > before);
    fs::rename(
        world.path().join("away.git"),
        world.path().join("remote.git"),
    )
    .expect("moved");
    assert!(child.wait_with_output().expect("ends").status.success());
    assert_eq!(seen(&world), 5);
}

#[test]
fn at_the_end_of_a_session_claude_code_waits_for_the_sync() {
    let world = World::new();
    let job = job(&world, "job");
    let settings = ".claude/settings.json";
    job.write(settings, "{\"model\": \"opus\"}\n");
    let ran = job.sync(&["auto", "enable", "--scheduler", "none"]);
    assert!(
        ran.out.contains("Claude Code waits for the sync"),
        "{}",
        ran.out
    );
    let json: Value =
        serde_json::from_str(&fs::read_to_string(job.home.join(settings)).expect("there"))
            .expect("JSON");
    let entry = &json["hooks"]["SessionEnd"][0]["hooks"][0];
    assert_eq!(entry["timeout"], 60);
    let mut hook = Command::new("sh");
    crate::world::clean(&mut hook, &job.home);
    hook.env("CLAUDE_SYNC_NOW", NOON)
        .env("CLAUDE_SYNC_HOSTNAME", "job")
        .env("CLAUDE_SYNC_HOST", "job");
    let ended = run(hook.args(["-c", entry["command"].as_str().expect("a command")]));
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (0, "", ""),
        "Claude Code must be told nothing"
    );
    // Nothing is waited for: the hook has ended, so the machine may go.
    fs::remove_dir_all(&job.home).expect("gone");
    assert_eq!(seen(&world), 5);
}

#[test]
fn where_nobody_is_short_lived_claude_code_waits_for_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init().sync(&["auto", "enable", "--scheduler", "none"]);
    let text = fs::read_to_string(ada.home.join(".claude/settings.json")).expect("there");
    assert!(
        text.contains("auto hook\"") && !text.contains("--last"),
        "{text}"
    );
}

/// Two computers, of which `desktop` begins anew, and a `git@github.com` that is reached by ssh.
fn begins_anew() -> Stage {
    let stage = Stage::new();
    let home = stage.home("desktop");
    fs::remove_dir_all(home.join(".claude")).expect("removed");
    // By ssh, and so by the key: a stand-in for ssh writes down what it is given, and hosts are folders.
    fs::write(
        home.join(".gitconfig"),
        "[url \"git@nas:../github.com/\"]\n\tinsteadOf = git@github.com:\n",
    )
    .expect("written");
    let ssh = stage.home("bin").join("ssh");
    fs::rename(&ssh, stage.home("bin").join("ssh.real")).expect("moved");
    for (path, text) in [
        (
            ssh,
            "#!/bin/sh\necho \"$*\" >> \"$DOCS_WORLD/ssh.log\"\nexec \"$DOCS_WORLD/bin/ssh.real\" \"$@\"\n",
        ),
        (
            stage.home("bin").join("ssh-keyscan"),
            "#!/bin/sh\necho \"$1 ssh-ed25519 AAAA\"\n",
        ),
    ] {
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }
    stage
}

/// What Claude Code leaves.
fn use_claude(home: &Path) {
    let folder = home.join(".claude/projects/p");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(
        folder.join("s.jsonl"),
        transcript("work", 10..14).replace("2026-03-10", "2026-11-20"),
    )
    .expect("written");
}

/// Everything arrived, and by the key alone.
fn arrived(stage: &Stage, label: &str) {
    let key = stage.home("desktop").join(".ssh/claude-usage");
    assert_eq!(
        fs::read_to_string(&key).expect("a key"),
        "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"
    );
    assert_eq!(
        fs::metadata(&key).expect("there").permissions().mode() & 0o777,
        0o600
    );
    let log = fs::read_to_string(stage.home("ssh.log")).expect("ssh ran");
    assert!(
        log.lines().count() >= 3
            && log
                .lines()
                .all(|line| line.contains("-i ") && line.contains(".ssh/claude-usage")),
        "{log}"
    );
    fs::remove_dir_all(stage.home("desktop")).expect("the machine goes");
    let ran: Ran = stage.sh(
        "laptop",
        "claude-sync init git@github.com:YOU/claude-usage.git >/dev/null && claude-sync machine list && claude-usage-tracker daily --json",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains(label), "{}", ran.out);
    let json: Value =
        serde_json::from_str(&ran.out[ran.out.find('{').expect("JSON")..]).expect("JSON");
    assert_eq!(json["totals"]["requests"], 3 + 4, "{json}");
}

const KEY: &str = "export USAGE_KEY='-----BEGIN KEY-----\nabc\n-----END KEY-----'\n";

fn guide() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/github.md"))
        .expect("the guide")
}

#[test]
fn the_guide_for_github_actions_works_as_it_is_written() {
    let stage = begins_anew();
    let guide = guide();
    let begin = guide
        .find("      - name: Begin to record usage")
        .expect("the example");
    let example = &guide[begin..begin + guide[begin..].find("```").expect("its end")];
    let steps: Vec<&str> = example.split("- name: ").skip(1).collect();
    let [first, last] = steps[..] else {
        panic!("two steps: {example}")
    };
    let script: String = first
        .split("run: |\n")
        .nth(1)
        .expect("a script")
        .lines()
        .take_while(|line| line.starts_with("          "))
        .fold(String::new(), |text, line| text + line.trim_start() + "\n");
    let ran = stage.sh("desktop", &format!("{KEY}{script}"));
    assert_eq!(ran.code, 0, "{script}{}{}", ran.out, ran.err);
    use_claude(&stage.home("desktop"));
    assert!(last.contains("if: always()"), "{last}");
    let script = last
        .split("run: ")
        .nth(1)
        .expect("a command")
        .lines()
        .next()
        .expect("a line");
    let ran = stage.sh("desktop", script);
    assert_eq!(ran.code, 0, "{script}: {}", ran.err);
    arrived(&stage, "ci");
}

#[test]
fn the_guide_for_dev_containers_works_as_it_is_written() {
    let stage = begins_anew();
    let guide = guide();
    let begin = guide.find("{\n  \"remoteEnv\"").expect("the example");
    let example: Value =
        serde_json::from_str(&guide[begin..begin + guide[begin..].find("```").expect("its end")])
            .expect("JSON");
    let script = example["postCreateCommand"].as_str().expect("a command");
    fs::create_dir_all(stage.home("desktop").join(".claude")).expect("Claude Code is installed");
    let ran = stage.sh("desktop", &format!("{KEY}{script}"));
    assert_eq!(ran.code, 0, "{script}: {}{}", ran.out, ran.err);
    use_claude(&stage.home("desktop"));
    // A session ends, and the container with it.
    let settings =
        fs::read_to_string(stage.home("desktop").join(".claude/settings.json")).expect("there");
    let settings: Value = serde_json::from_str(&settings).expect("JSON");
    let hook = settings["hooks"]["SessionEnd"][0]["hooks"][0]["command"]
        .as_str()
        .expect("a command");
    let ran = stage.sh("desktop", hook);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    arrived(&stage, "devcontainer");
}
