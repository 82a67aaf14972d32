//! `claude-sync git …` on a terminal: what others pushed steers nothing there.

use std::fs;
use std::process::Command;

use crate::shells::is_there;
use crate::world::{Machine, NOON, World, run, transcript};

/// What a command of git's shows on a terminal whose pager is `pager`.
fn shown(machine: &Machine, pager: &str, args: &str) -> String {
    let inner = machine.command("claude-sync", NOON);
    let line = format!("'{}' git {args}", inner.get_program().display());
    let mut command = Command::new("script");
    command.env_clear();
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let ran =
        run(command
            .env("TERM", "xterm")
            .env("PAGER", pager)
            .args(["-qec", &line, "/dev/null"]));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out
}

#[test]
fn a_log_of_hostile_messages_steers_no_terminal() {
    if !is_there("script", &["--version"]) {
        return;
    }
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    let clone = world.path().join("eve");
    world.git(
        world.path(),
        &["clone", "-q", &world.remote(), &clone.display().to_string()],
    );
    fs::write(
        clone.join("notes.txt"),
        "plain\n\u{1b}[2J\u{9b}31mwiped\u{202e}\n",
    )
    .expect("written");
    world.git(&clone, &["add", "-A"]);
    world.git(
        &clone,
        &["commit", "-q", "-m", "fix\u{1b}]0;owned\u{7}\u{1b}[2J typo"],
    );
    world.git(&clone, &["push", "-q", "origin", "HEAD:main"]);
    ada.sync(&[]);
    ada.git(&["config", "color.ui", "always"]);
    for pager in ["cat", "sed s/plain/paged/"] {
        let text = shown(&ada, pager, "log -p");
        for raw in ["\u{1b}]", "\u{1b}[2J", "\u{7}", "\u{9b}", "\u{202e}"] {
            assert!(!text.contains(raw), "{pager}: {raw:?} in {text:?}");
        }
        assert!(
            text.contains("\\u{1b}]0;owned\\u{7}") && text.contains("\\u{9b}31mwiped"),
            "{text:?}"
        );
        assert!(
            text.contains("\u{1b}[32m"),
            "git's own colors stay: {text:?}"
        );
        assert_eq!(
            text.contains("paged"),
            pager.starts_with("sed"),
            "the user's pager pages"
        );
    }
    // What goes to a file or another program is git's own output, byte for byte.
    let piped = ada
        .sync(&[
            "git",
            "log",
            "-1",
            "--format=%s",
            "--skip=0",
            "--author=Tester",
        ])
        .out;
    assert_eq!(piped, "fix\u{1b}]0;owned\u{7}\u{1b}[2J typo\n");
}
