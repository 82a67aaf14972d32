//! Transports for real, on the loopback interface: git's own daemon, a web server, ssh. Each is tried as it works and as it fails, with
//! somebody at the terminal and with nobody. What must hold: the message names the cause and the next step, nothing is lost, a run that
//! nobody attends waits for nobody, and the next run goes on.

mod server;
mod ssh;
mod terminal;
mod wire;

mod daemon_rows;
mod hosts;
mod http_rows;
mod ssh_rows;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, TimeDelta};
use serde_json::Value;

use self::wire::Wire;
use crate::conditions::{changed, owned};
use crate::world::{Machine, Ran, Row as Request, World, run};

/// A remote that two machines have: bob reaches it by a transport, ada by its path.
struct Scene<'w> {
    world: &'w World,
    ada: Machine<'w>,
    bob: Machine<'w>,
    /// How many requests each has made.
    made: Cell<(u32, u32)>,
    /// Hours since the start: runs that nobody attends leave a remote alone for a while after it failed.
    hours: Cell<i64>,
}

impl<'w> Scene<'w> {
    /// Both machines, and the remote as bob is to reach it.
    fn new(world: &'w World, address: &str) -> Self {
        let scene = Self {
            world,
            ada: world.machine("ada"),
            bob: world.machine("bob"),
            made: Cell::default(),
            hours: Cell::default(),
        };
        world.git(
            &world.path().join("remote.git"),
            &["config", "http.receivepack", "true"],
        );
        executable(&scene.asker(), "#!/bin/sh\necho asked >> \"$0.log\"\n");
        scene.bob.write(
            ".gitconfig",
            "[user]\n\tname = bob\n\temail = bob@example.invalid\n",
        );
        scene
            .bob
            .write(".claude/settings.json", "{\"model\": \"opus\"}\n");
        scene.use_claude(1, 1);
        for machine in [&scene.ada, &scene.bob] {
            machine.init().sync(&[]);
        }
        scene.bob.git(&["remote", "set-url", "origin", address]);
        scene
    }

    /// A setting of git's in bob's clone.
    fn set(&self, name: &str, value: &str) {
        self.bob.git(&["config", name, value]);
    }

    fn unset(&self, name: &str) {
        self.bob.git(&["config", "--unset-all", name]);
    }

    /// Makes so many requests on each machine.
    fn use_claude(&self, ada: u32, bob: u32) {
        let made = self.made.get();
        self.made.set((made.0 + ada, made.1 + bob));
        for (machine, first, count) in [
            (&self.ada, 0, made.0 + ada),
            (&self.bob, 1_000_000, made.1 + bob),
        ] {
            let row = |n: u32| {
                let time = format!(
                    "2026-03-10T{:02}:{:02}:{:02}.000Z",
                    n / 3600,
                    n / 60 % 60,
                    n % 60
                );
                // Figures that do not repeat stay large when they are packed.
                Request::new(if first == 0 { "adas" } else { "bobs" }, first + n, &time)
                    .output(u64::from(n.wrapping_mul(2_654_435_761) % 99_991))
            };
            machine.write(
                ".claude/projects/p/s.jsonl",
                &(0..count).map(|n| row(n).line()).collect::<String>(),
            );
        }
    }

    fn now(&self) -> String {
        let noon = DateTime::parse_from_rfc3339(crate::world::NOON).expect("a time");
        let now = noon + TimeDelta::hours(self.hours.get());
        now.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// A run of bob's on a terminal, as a timer starts it or by hand. Nobody answers but with `answers`.
    fn sync(&self, attended: bool, answers: &[(&str, &str)]) -> Ran {
        let mut command = self.bob.command("claude-sync", &self.now());
        command.env_remove("GIT_TERMINAL_PROMPT");
        if !attended {
            // A window that would ask is no better than a terminal.
            command
                .env("DISPLAY", ":0")
                .env("SSH_ASKPASS", self.asker())
                .args(["auto", "run", "--trigger", "timer"]);
        }
        terminal::run(&command, answers)
    }

    /// A program that asks in a window, and where it notes that it did.
    fn asker(&self) -> PathBuf {
        self.world.path().join("asker")
    }

    fn json(&self, args: &[&str]) -> Value {
        let ran = run(self
            .bob
            .command("claude-sync", &self.now())
            .args(args)
            .arg("--json"));
        serde_json::from_str(&ran.out)
            .unwrap_or_else(|error| panic!("claude-sync {args:?}: {error}: {}{}", ran.out, ran.err))
    }
}

type Act<'a> = Box<dyn Fn(&Scene) + 'a>;

/// A way in which a transport goes.
struct Row<'a> {
    name: &'static str,
    /// How it is set, and how it is taken back.
    set: Act<'a>,
    lift: Act<'a>,
    /// The exit code of a run that nobody attends, and of one by hand.
    codes: (i32, i32),
    /// What is said of it: the cause, and the next step.
    says: &'static [&'static str],
    /// What is asked on the terminal, and answered.
    answers: &'static [(&'static str, &'static str)],
    /// How many requests ada and bob make before.
    used: (u32, u32),
}

impl<'a> Row<'a> {
    /// One that works.
    fn works(name: &'static str, set: impl Fn(&Scene) + 'a) -> Self {
        Self {
            name,
            set: Box::new(set),
            lift: Box::new(|_| {}),
            codes: (0, 0),
            says: &[],
            answers: &[],
            used: (1, 1),
        }
    }

    /// One that fails.
    fn fails(name: &'static str, says: &'static [&'static str], set: impl Fn(&Scene) + 'a) -> Self {
        Self {
            codes: (7, 7),
            says,
            ..Self::works(name, set)
        }
    }

    /// By hand it says this, though it works.
    fn says(self, says: &'static [&'static str]) -> Self {
        Self { says, ..self }
    }

    fn lift(self, lift: impl Fn(&Scene) + 'a) -> Self {
        Self {
            lift: Box::new(lift),
            ..self
        }
    }

    /// By hand it works, where somebody answers these questions.
    fn asks(self, answers: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            codes: (self.codes.0, 0),
            answers,
            ..self
        }
    }

    fn used(self, ada: u32, bob: u32) -> Self {
        Self {
            used: (ada, bob),
            ..self
        }
    }
}

/// What is on a terminal where somebody is asked.
const QUESTIONS: [&str; 5] = [
    "Username for",
    "Password for",
    "passphrase for",
    "(yes/no",
    "'s password",
];

macro_rules! must {
    ($holds:expr, $($text:tt)*) => {
        if !$holds {
            return Err(format!($($text)*));
        }
    };
}

/// Tries a row one way, and says what does not hold.
fn try_row(scene: &Scene, row: &Row, wire: &Wire, attended: bool) -> Result<(), String> {
    scene.use_claude(row.used.0, row.used.1);
    scene.hours.set(scene.hours.get() + 24);
    run(scene
        .ada
        .command("claude-sync", &scene.now())
        .arg("--quiet"));
    (row.set)(scene);
    let before = owned(&scene.bob.home);
    let ran = scene.sync(attended, if attended { row.answers } else { &[] });
    let code = if attended { row.codes.1 } else { row.codes.0 };
    must!(
        ran.code == code,
        "exit code {}, not {code}: {}",
        ran.code,
        ran.out
    );
    if std::env::var_os("CLAUDE_SYNC_SHOW").is_some() {
        eprintln!(
            "== {} ({})\n{}",
            row.name,
            if attended { "by hand" } else { "by a timer" },
            ran.out
        );
    }
    let heard = ran
        .out
        .replace("could not read Username for", "")
        .replace("could not read Password for", "");
    let asked: Vec<_> = QUESTIONS
        .iter()
        .filter(|question| heard.contains(**question))
        .collect();
    must!(
        asked.is_empty() || attended && !row.answers.is_empty(),
        "it asked {asked:?}: {}",
        ran.out
    );
    must!(
        !scene.asker().with_extension("log").exists(),
        "it asked in a window: {}",
        ran.out
    );
    let said = ran.out.replace('\n', " ");
    if code != 0 || attended && row.answers.is_empty() {
        for part in row.says {
            must!(
                said.contains(part),
                "it does not say \"{part}\": {}",
                ran.out
            );
        }
    }
    if code != 0 {
        let kept = scene.bob.fleet().0;
        must!(
            kept >= u64::from(scene.made.get().1),
            "bob's own requests are not committed: {kept}"
        );
        let status = scene.json(&["status"]);
        must!(
            status["reason"].is_string() && status["retry"].is_object(),
            "status does not say why: {status}"
        );
        must!(
            status["advice"]
                .as_str()
                .is_some_and(|advice| said.contains(advice)),
            "status does not say what to do: {status}"
        );
        let doctor = scene.json(&["doctor"]);
        let sick = |name: &str| {
            let check = doctor["checks"]
                .as_array()
                .and_then(|all| all.iter().find(|check| check["name"] == name));
            check.is_some_and(|check| {
                ["warning", "error"].contains(&check["status"].as_str().unwrap_or_default())
                    && check["advice"].is_string()
            })
        };
        must!(
            sick("reachable") || sick("push"),
            "doctor finds nothing: {doctor}"
        );
        if !attended {
            let tries = wire.connections();
            let again = scene.sync(false, &[]);
            must!(
                again.code == 7 && wire.connections() == tries,
                "a remote that failed just now is not left alone: {}",
                again.out
            );
        }
    }
    let changed = changed(&before, &owned(&scene.bob.home));
    must!(
        changed.is_empty(),
        "these are bob's and changed: {changed:?}"
    );
    (row.lift)(scene);
    scene.hours.set(scene.hours.get() + 24);
    let ran = scene.sync(attended, row.answers);
    must!(
        ran.code == 0,
        "the run after that: {} {}",
        ran.code,
        ran.out
    );
    run(scene
        .ada
        .command("claude-sync", &scene.now())
        .arg("--quiet"));
    let wanted = u64::from(scene.made.get().0 + scene.made.get().1);
    let totals = (scene.ada.fleet().0, scene.bob.fleet().0);
    must!(
        totals == (wanted, wanted),
        "the totals are {totals:?}, not {wanted}"
    );
    for machine in [&scene.ada, &scene.bob] {
        let ran = machine.try_sync(&scene.now(), &["verify"]);
        must!(
            ran.code == 0,
            "verify of {}: {}{}",
            machine.name,
            ran.out,
            ran.err
        );
    }
    Ok(())
}

/// Tries all rows by a timer and by hand, one after the other; `CLAUDE_SYNC_ROW` picks those whose name contains it.
fn all_hold(scene: &Scene, wire: &Wire, rows: &[Row]) {
    if !terminal::there_is_one() {
        return;
    }
    let picked = std::env::var("CLAUDE_SYNC_ROW").unwrap_or_default();
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row.name.contains(&picked)) {
        for attended in [false, true] {
            let how = if attended { "by hand" } else { "by a timer" };
            let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                try_row(scene, row, wire, attended)
            }));
            let tried = tried.unwrap_or_else(|panic| {
                Err(panic.downcast_ref::<String>().cloned().unwrap_or_default())
            });
            if let Err(why) = tried {
                wrong.push(format!("{} ({how}): {why}", row.name));
                // The next row begins without it.
                let _ =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (row.lift)(scene)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} do not hold:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}
