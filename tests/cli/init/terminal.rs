//! Set-up on a terminal.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{Machine, NOON, World, clean, run, transcript};

/// A terminal of tmux's, on a server of its own.
struct Terminal<'w> {
    socket: std::path::PathBuf,
    world: &'w World,
}

impl<'w> Terminal<'w> {
    fn new(machine: &'w Machine, command: &str) -> Option<Self> {
        if !Command::new("tmux")
            .arg("-V")
            .output()
            .is_ok_and(|out| out.status.success())
        {
            crate::peers::missing("tmux", "there is no tmux");
            return None;
        }
        let terminal = Self {
            socket: machine.world.path().join("tmux"),
            world: machine.world,
        };
        let mut tmux = terminal.tmux();
        let seen = machine.command("claude-sync", NOON);
        for (name, value) in seen
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)))
        {
            tmux.env(name, value);
        }
        let ran = run(tmux.env("HOME", &machine.home).args([
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "50",
            command,
        ]));
        assert_eq!(ran.code, 0, "{}", ran.err);
        Some(terminal)
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        clean(&mut command, self.world.path());
        command.env("LC_ALL", "C.UTF-8").arg("-S").arg(&self.socket);
        command
    }

    /// Waits until the screen shows a text, and returns the screen.
    fn wait_for(&self, text: &str) -> String {
        let limit = Instant::now() + Duration::from_mins(1);
        loop {
            let screen = run(self.tmux().args(["capture-pane", "-p"])).out;
            if screen.contains(text) {
                return screen;
            }
            assert!(
                Instant::now() < limit,
                "\"{text}\" does not come:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&self, keys: &[&str]) {
        let ran = run(self.tmux().arg("send-keys").args(keys));
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

#[test]
fn on_a_terminal_it_asks() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    let command = format!(
        "'{}' init; echo ended with $?; sleep 60",
        env!("CARGO_BIN_EXE_claude-sync")
    );
    let Some(terminal) = Terminal::new(&ada, &command) else {
        return;
    };
    terminal.wait_for("Where should the history be stored?");
    let places = terminal.wait_for("on this machine only");
    // Where there is no gh, GitHub is not offered.
    if places.contains("made now with gh") {
        terminal.press(&["Down"]);
    }
    terminal.press(&["Enter"]);
    terminal.wait_for("Its address");
    terminal.press(&["-l", &world.remote()]);
    terminal.press(&["Enter"]);
    terminal.wait_for("what may be uploaded?");
    terminal.press(&["Down", "Enter"]);
    terminal.wait_for("Sync automatically");
    terminal.press(&["-l", "n"]);
    terminal.wait_for("in Claude Code's status line?");
    terminal.press(&["-l", "y"]);
    let screen = terminal.wait_for("Sync now?");
    assert!(screen.contains("What leaves this machine"), "{screen}");
    terminal.press(&["Enter"]);
    let screen = terminal.wait_for("ended with 0");
    assert!(screen.contains("Synced 5 records in 1 session"), "{screen}");
    assert!(
        screen.contains("Usage of the last 7 days, then by machine:") && screen.contains("\nNext:"),
        "{screen}"
    );
    let line = fs::read_to_string(ada.home.join(".claude/settings.json")).expect("settings");
    assert!(line.contains("claude-usage-tracker' statusline"), "{line}");
    let answers: Value =
        serde_json::from_str(&ada.sync(&["config", "list", "--json"]).out).expect("JSON");
    let set: Vec<&str> = answers["settings"]
        .as_array()
        .expect("settings")
        .iter()
        .filter(|setting| setting["is_set"] == true)
        .filter_map(|setting| setting["key"].as_str())
        .collect();
    assert_eq!(
        set,
        [
            "privacy_settings.anonymize_hostname",
            "privacy_settings.exclude_project_names"
        ]
    );
}

#[test]
fn an_interrupted_question_leaves_the_cursor_and_says_how_to_go_on() {
    let world = World::new();
    let ada = world.machine("ada");
    let command = format!(
        "'{}' init; echo ended with $?; sleep 60",
        env!("CARGO_BIN_EXE_claude-sync")
    );
    let Some(terminal) = Terminal::new(&ada, &command) else {
        return;
    };
    terminal.wait_for("on this machine only");
    terminal.press(&["C-c"]);
    let screen = terminal.wait_for("ended with 130");
    assert!(
        screen.contains("Interrupted. To go on: claude-sync init")
            && !screen.contains("nobody answered"),
        "{screen}"
    );
    let cursor = ["display-message", "-p", "#{cursor_flag}"];
    assert_eq!(run(terminal.tmux().args(cursor)).out.trim(), "1");
    assert!(!ada.repo().exists());
}
