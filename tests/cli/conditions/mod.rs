//! Conditions of git and of the machine under which a sync must work, or say what is in its way. Each row is tried on one of two machines:
//! exit code, what it says, both totals after both synced, `verify`, and that no other repository and no file of the user's changed.

mod changing;
mod configured;
mod environment;
mod files;
mod objects;
mod places;
mod remotes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

pub use files::{changed, owned};
use files::{copy, furnish, template};

use crate::world::{Machine, NOON, Ran, World, run, transcript};

/// Variables that the caller sets.
type Variables = Vec<(&'static str, String)>;

/// A condition.
struct Row {
    name: &'static str,
    /// How it is set; what it returns is in the environment of bob's commands.
    set: Box<dyn Fn(&Stage) -> Variables + Send + Sync>,
    /// The exit code of bob's first sync.
    code: i32,
    /// What that sync says.
    says: &'static str,
    /// How it is lifted before the totals are compared.
    lift: Option<fn(&Stage)>,
    /// The oldest git that has the feature.
    needs: (u32, u32),
}

impl Row {
    fn new(name: &'static str, set: impl Fn(&Stage) -> Variables + Send + Sync + 'static) -> Self {
        Self {
            name,
            set: Box::new(set),
            code: 0,
            says: "",
            lift: None,
            needs: (2, 39),
        }
    }

    /// A condition without variables.
    fn done(name: &'static str, set: impl Fn(&Stage) + Send + Sync + 'static) -> Self {
        Self::new(name, move |stage| {
            set(stage);
            Variables::new()
        })
    }

    fn code(self, code: i32) -> Self {
        Self { code, ..self }
    }

    fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    fn lift(self, lift: fn(&Stage)) -> Self {
        Self {
            lift: Some(lift),
            ..self
        }
    }

    fn needs(self, needs: (u32, u32)) -> Self {
        Self { needs, ..self }
    }
}

/// Two machines that synced with each other, and another repository of bob's.
struct Stage<'w> {
    world: &'w World,
    ada: Machine<'w>,
    bob: Machine<'w>,
}

impl Stage<'_> {
    fn remote(&self) -> PathBuf {
        self.world.path().join("remote.git")
    }

    /// A repository of bob's own, which no sync may touch.
    fn other(&self) -> PathBuf {
        self.bob.home.join("work")
    }

    /// Adds to bob's `~/.gitconfig`.
    fn configure(&self, text: &str) {
        let path = self.bob.home.join(".gitconfig");
        let old = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, format!("{old}{text}\n")).expect("written");
    }

    /// Git in bob's clone, with bob's own configuration.
    fn git(&self, args: &[&str]) {
        let mut command = Command::new("git");
        crate::world::clean(&mut command, &self.bob.home);
        let ran = run(command.arg("-C").arg(self.bob.repo()).args(args));
        assert_eq!(ran.code, 0, "git {args:?}: {}{}", ran.out, ran.err);
    }

    /// The sync's branch.
    fn branch(&self) -> String {
        let chosen = self.bob.try_git(&["config", "claude-sync.branch"]).out;
        if chosen.is_empty() {
            "main".to_owned()
        } else {
            chosen.trim().to_owned()
        }
    }

    fn sync(&self, variables: &Variables, args: &[&str]) -> Ran {
        run(self
            .bob
            .command("claude-sync", NOON)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .args(args))
    }

    /// Puts another clone in the place of bob's.
    fn clone_again(&self, args: &[&str]) {
        fs::remove_dir_all(self.bob.repo()).expect("removed");
        let (address, place) = (self.world.remote(), self.bob.repo().display().to_string());
        let all = [&["clone", "-q"], args, &[&address, &place]].concat();
        self.world.git(self.world.path(), &all);
    }
}

fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// What below a home is claude-sync's, or a part of its clone that a row put there.
const OURS: [&str; 9] = [
    ".local/share/claude-sync",
    ".local/state/claude-sync",
    ".config/claude-sync",
    ".claude/projects",
    ".claude/machine_id",
    ".claude/machine_id.host",
    "elsewhere.git",
    "tree",
    "packs",
];

/// Tries a row, and says what does not hold.
fn fails(row: &Row, template: &World) -> Option<String> {
    let world = copy(template);
    let stage = Stage {
        world: &world,
        ada: world.machine("ada"),
        bob: world.machine("bob"),
    };
    let variables = (row.set)(&stage);
    let before = [owned(&stage.ada.home), owned(&stage.bob.home)];
    stage
        .ada
        .write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
    stage
        .bob
        .write(".claude/projects/p/s.jsonl", &transcript("bobs", 100..105));
    stage.ada.sync(&[]);
    let ran = stage.sync(&variables, &["--quiet"]);
    if ran.code != row.code {
        return Some(format!(
            "exit code {}, not {}: {}{}",
            ran.code, row.code, ran.out, ran.err
        ));
    }
    let mut said = ran.err.clone() + &ran.out;
    if !row.says.is_empty() {
        said += &stage.sync(&variables, &["status"]).err;
        if !said.replace('\n', " ").contains(row.says) {
            return Some(format!("does not say \"{}\": {said}", row.says));
        }
    }
    if let Some(lift) = row.lift {
        lift(&stage);
    }
    let variables = if row.lift.is_some() {
        Variables::new()
    } else {
        variables
    };
    let again = stage.sync(&variables, &[]);
    if again.code != 0 {
        return Some(format!(
            "the sync after that: {} {}{}",
            again.code, again.out, again.err
        ));
    }
    stage.ada.sync(&[]);
    for machine in [&stage.ada, &stage.bob] {
        let mut command = machine.command("claude-usage-tracker", NOON);
        let ran = run(command
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .args(["daily", "--json", "-z", "UTC"]));
        let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_default();
        if json["totals"]["requests"].as_u64() != Some(10) {
            return Some(format!(
                "{} has {} requests, not 10: {}",
                machine.name, json["totals"]["requests"], ran.err
            ));
        }
    }
    for (name, ran) in [
        ("ada", stage.ada.try_sync(NOON, &["verify"])),
        ("bob", stage.sync(&variables, &["verify"])),
    ] {
        if ran.code != 0 {
            return Some(format!(
                "verify of {name}: {} {}{}",
                ran.code, ran.out, ran.err
            ));
        }
    }
    let after = [owned(&stage.ada.home), owned(&stage.bob.home)];
    let changed: Vec<_> = before
        .iter()
        .zip(&after)
        .flat_map(|(before, after)| changed(before, after))
        .collect();
    (!changed.is_empty()).then(|| format!("these are the user's and changed: {changed:?}"))
}

/// The version of the git that runs.
fn version() -> (u32, u32) {
    let ran = run(Command::new("git").arg("version"));
    let mut numbers = ran
        .out
        .trim_start_matches("git version ")
        .split(['.', ' ', '\n'])
        .map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Tries all rows, several at once; `CLAUDE_SYNC_ROW` picks those whose name contains it.
fn all_hold(rows: Vec<Row>) {
    let (template, version) = (template(), version());
    let picked = std::env::var("CLAUDE_SYNC_ROW").unwrap_or_default();
    let todo = Mutex::new(
        rows.into_iter()
            .filter(|row| row.name.contains(&picked))
            .collect::<Vec<_>>(),
    );
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(row) = todo.lock().expect("no panic").pop() else {
                        break;
                    };
                    if row.needs > version {
                        eprintln!(
                            "skipped: {}: git {}.{} or later has it",
                            row.name, row.needs.0, row.needs.1
                        );
                        continue;
                    }
                    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        fails(&row, &template)
                    }));
                    let failed = failed.unwrap_or_else(|panic| {
                        Some(panic.downcast_ref::<String>().cloned().unwrap_or_default())
                    });
                    if let Some(why) = failed {
                        wrong
                            .lock()
                            .expect("no panic")
                            .push(format!("{}: {why}", row.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(
        wrong.is_empty(),
        "{} rows do not hold:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}
