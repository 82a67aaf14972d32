//! `claude-usage-tracker live` on a terminal: what it shows, and that the terminal is as before
//! however it ends.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::world::{Machine, NOON, Row, World, clean, run, transcript};

/// A terminal of tmux's, on a server of its own, with a shell in it.
struct Terminal<'w> {
    socket: PathBuf,
    world: &'w World,
}

impl<'w> Terminal<'w> {
    fn new(machine: &'w Machine, (width, height): (u16, u16)) -> Option<Self> {
        let version = Command::new("tmux").arg("-V").output();
        if !version.is_ok_and(|out| out.status.success()) {
            crate::peers::missing("tmux", "there is no tmux");
            return None;
        }
        let terminal = Self {
            socket: machine.world.path().join("tmux"),
            world: machine.world,
        };
        let mut tmux = terminal.tmux();
        let seen = machine.command("claude-usage-tracker", NOON);
        for (name, value) in seen.get_envs() {
            tmux.env(name, value.unwrap_or_default());
        }
        let (width, height) = (width.to_string(), height.to_string());
        let size = ["-x", &width, "-y", &height];
        let start = ["-f", "/dev/null", "new-session", "-d"];
        let ran = run(tmux
            .env("HOME", &machine.home)
            .env("PS1", "$ ")
            .args(start)
            .args(size)
            .arg("sh"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        Some(terminal)
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        clean(&mut command, self.world.path());
        command.env("LC_ALL", "C.UTF-8").arg("-S").arg(&self.socket);
        command
    }

    fn ask(&self, args: &[&str]) -> String {
        let ran = run(self.tmux().args(args));
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    }

    /// Waits until the screen fulfils a condition, and returns it.
    fn wait(&self, what: &str, is_met: impl Fn(&str) -> bool) -> String {
        let limit = Instant::now() + Duration::from_mins(2);
        loop {
            let screen = self.ask(&["capture-pane", "-p"]);
            if is_met(&screen) {
                return screen;
            }
            assert!(Instant::now() < limit, "{what} does not come:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    fn type_line(&self, line: &str) {
        self.ask(&["send-keys", "-l", line]);
        self.ask(&["send-keys", "Enter"]);
    }

    /// The terminal's modes, whether it shows another screen, and its cursor.
    fn state(&self, at: &str) -> (String, String) {
        let file = self.world.path().join(format!("stty-{at}"));
        self.type_line(&format!(
            "stty -a > '{}'; echo noted-$((40 + 2)){at}",
            file.display()
        ));
        self.wait_for(&format!("noted-42{at}"));
        let modes = std::fs::read_to_string(file).expect("written");
        // The size of the terminal is in the first line.
        let modes = modes.lines().skip(1).collect::<Vec<_>>().join("\n");
        let flags = "#{alternate_on} #{cursor_flag} #{keypad_flag} #{mouse_any_flag}";
        (modes, self.ask(&["display-message", "-p", flags]))
    }

    /// Starts the view from the shell.
    fn start(&self, machine: &Machine, args: &str) {
        let program = machine.command("claude-usage-tracker", NOON);
        let program = program.get_program().display().to_string();
        self.type_line(&format!("'{program}' live -z UTC {args}"));
    }

    /// Waits until the view has ended, with this exit code.
    fn wait_for_end(&self, code: u8) {
        let limit = Instant::now() + Duration::from_mins(2);
        while self
            .ask(&["display-message", "-p", "#{alternate_on}"])
            .trim()
            != "0"
        {
            assert!(Instant::now() < limit, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.type_line("echo ended with $?");
        self.wait_for(&format!("ended with {code}"));
    }

    /// Sends a signal to the view.
    fn kill(&self, signal: &str) {
        let shell = self.ask(&["display-message", "-p", "#{pane_pid}"]);
        let ran = run(Command::new("pkill").args([signal, "-P", shell.trim()]));
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

/// A machine with usage until noon.
fn used(world: &World) -> Machine<'_> {
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..30));
    ada.init().sync(&[]);
    ada
}

#[test]
fn without_a_terminal_it_says_what_to_do_instead() {
    let world = World::new();
    let ran = world.machine("ada").track(&["live"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    assert!(ran.err.contains("live needs a terminal"), "{}", ran.err);
    assert!(ran.err.contains("blocks --active"), "{}", ran.err);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn it_shows_what_is_appended_resizes_and_leaves_the_terminal_as_it_was() {
    let world = World::new();
    let ada = used(&world);
    let Some(terminal) = Terminal::new(&ada, (100, 30)) else {
        return;
    };
    let before = terminal.state("before");
    terminal.start(&ada, "");
    let wide = terminal.wait_for("Last requests");
    assert!(wide.contains("30 requests"), "{wide}");
    let rule = |screen: &str| {
        let rules = screen.lines().filter(|line| line.contains("Plan limits"));
        rules.map(|line| line.contains("Current block")).next()
    };
    assert_eq!(rule(&wide), Some(true), "side by side: {wide}");
    // Another request while it is shown.
    let more = Row::new("s2", 77, "2026-03-10T11:59:00.000Z").line();
    ada.write(".claude/projects/p/s2.jsonl", &more);
    terminal.wait_for("31 requests");
    terminal.ask(&["resize-window", "-x", "60", "-y", "24"]);
    let narrow = terminal.wait("one pane a line", |screen| {
        rule(screen) == Some(false) && screen.contains("q: quit")
    });
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 60),
        "{narrow}"
    );
    terminal.ask(&["resize-window", "-x", "200", "-y", "40"]);
    terminal.wait("a half for the last requests", |screen| {
        screen
            .lines()
            .any(|line| line.contains("Plan limits") && line.contains("Last requests"))
    });
    terminal.ask(&["send-keys", "q"]);
    terminal.wait_for_end(0);
    assert_eq!(terminal.state("after"), before);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn keys_and_signals_leave_the_terminal_as_it_was() {
    let world = World::new();
    let ada = used(&world);
    let Some(terminal) = Terminal::new(&ada, (100, 30)) else {
        return;
    };
    let before = terminal.state("before");
    for (at, (end, code)) in [
        ("C-c", 0),
        ("Escape", 0),
        ("-TERM", 143),
        ("-INT", 130),
        ("-HUP", 129),
    ]
    .into_iter()
    .enumerate()
    {
        terminal.ask(&["send-keys", "-R"]);
        terminal.type_line("clear");
        terminal.start(&ada, "");
        terminal.wait_for("Last requests");
        if end.starts_with('-') {
            terminal.kill(end);
        } else {
            terminal.ask(&["send-keys", end]);
        }
        terminal.wait_for_end(code);
        assert_eq!(terminal.state(&at.to_string()), before, "{end}");
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn r_fetches_what_other_machines_pushed() {
    let world = World::new();
    let ada = used(&world);
    let bob = world.machine("bob");
    bob.init().sync(&[]);
    let Some(terminal) = Terminal::new(&ada, (100, 30)) else {
        return;
    };
    terminal.start(&ada, "");
    let alone = terminal.wait_for("r: fetch from other machines");
    assert!(alone.contains("30 requests"), "{alone}");
    let rows = transcript("s3", 100..105);
    bob.write(".claude/projects/q/s3.jsonl", &rows);
    bob.sync(&[]);
    terminal.ask(&["send-keys", "r"]);
    terminal.wait_for("35 requests");
    let remote = world.remote().replace("file://", "");
    std::fs::rename(remote, world.path().join("gone")).expect("moved");
    terminal.ask(&["send-keys", "r"]);
    let failed = terminal.wait("a message", |screen| {
        screen.lines().rev().find(|line| !line.is_empty()).is_some()
            && !screen.contains("fetching")
            && screen.contains("remote")
            && screen.contains("failed")
    });
    assert!(failed.contains("35 requests"), "figures stay: {failed}");
}
