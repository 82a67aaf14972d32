//! A hermetic world for a test: machines with homes of their own, a remote, a clock, and git without anybody's configuration.

mod programs;
mod rows;

pub use programs::program_path;
pub use rows::{Row, corpus, transcript};

use std::borrow::BorrowMut;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The clock's start, if a test does not say otherwise.
pub const NOON: &str = "2026-03-10T12:00:00Z";

/// A folder with machines and a bare remote.
pub struct World {
    root: TempDir,
}

/// A machine: a home folder and a name.
pub struct Machine<'w> {
    pub world: &'w World,
    pub name: String,
    pub home: PathBuf,
}

/// What a command gave.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl World {
    pub fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("claude-sync-test-")
            .tempdir()
            .expect("a temporary folder");
        let world = Self { root };
        world.git(
            world.path(),
            &["init", "-q", "--bare", "-b", "main", "remote.git"],
        );
        world
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    pub fn remote(&self) -> String {
        format!("file://{}", self.path().join("remote.git").display())
    }

    /// A machine with a fixed id, so that snapshots and orders are the same in every run.
    pub fn machine(&self, name: &str) -> Machine<'_> {
        let home = self.path().join(name);
        let machine = Machine {
            world: self,
            name: name.to_owned(),
            home,
        };
        let number = name
            .bytes()
            .take(4)
            .fold(0_u32, |number, byte| number << 8 | u32::from(byte));
        let id = format!("{number:08x}-0000-4000-8000-000000000000");
        machine.write(".claude/machine_id", &id);
        machine
    }

    /// Runs git somewhere, and fails the test if git fails.
    pub fn git(&self, at: &Path, args: &[&str]) -> String {
        let ran = self.try_git(at, args);
        assert_eq!(ran.code, 0, "git {args:?} failed:\n{}{}", ran.out, ran.err);
        ran.out
    }

    /// Whether git is of this version or a later one.
    pub fn git_is(&self, major: u32, minor: u32) -> bool {
        let said = self.git(self.path(), &["version"]);
        let numbers: Vec<u32> = said
            .split([' ', '.'])
            .filter_map(|word| word.trim().parse().ok())
            .collect();
        numbers.as_slice() >= [major, minor].as_slice()
    }

    /// Every commit, tag and file that is stored in a repository, whether anything leads to it or not, unpacked.
    pub fn stored(&self, repo: &Path) -> String {
        let all = self.git(
            repo,
            &[
                "cat-file",
                "--batch-all-objects",
                "--batch-check=%(objectname) %(objecttype)",
            ],
        );
        let kinds = all
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, kind)| *kind != "tree");
        kinds
            .map(|(id, kind)| self.git(repo, &["cat-file", kind, id]))
            .collect()
    }

    pub fn try_git(&self, at: &Path, args: &[&str]) -> Ran {
        let mut command = Command::new("git");
        clean(&mut command, &self.path().join("git-home"));
        command
            .arg("-C")
            .arg(at)
            .args([
                "-c",
                "user.name=Tester",
                "-c",
                "user.email=tester@example.invalid",
            ])
            .args(args);
        run(command)
    }
}

/// Takes everything out of the environment that could make one machine's test differ from another's.
pub fn clean(command: &mut Command, home: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("TERM", "dumb")
        .env("COLUMNS", "100");
}

/// How long a command may take before the test fails: one that never ends must not hang the suite.
const LIMIT: Duration = Duration::from_mins(5);

/// Runs a command to its end.
pub fn run(mut command: impl BorrowMut<Command>) -> Ran {
    let command = command
        .borrow_mut()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    let id = child.id();
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(out) = ended.recv_timeout(LIMIT) else {
        end(id);
        panic!("no end after {} s: {command:?}", LIMIT.as_secs());
    };
    ran(out.expect("the program runs"))
}

#[cfg(unix)]
fn end(id: u32) {
    let id = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let id = id.expect("an id");
    let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
}

#[cfg(windows)]
fn end(id: u32) {
    let _ = Command::new("taskkill")
        .args(["/F", "/T", "/PID", &id.to_string()])
        .output();
}

/// Sets a file's permissions where it has any.
#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode);
    fs::set_permissions(path, mode).expect("changed");
}

#[cfg(windows)]
pub fn set_mode(_: &Path, _: u32) {}

pub fn ran(out: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
    Ran {
        code: out.status.code().unwrap_or(-1),
        out: text(out.stdout),
        err: text(out.stderr),
    }
}

impl Machine<'_> {
    /// Changes a figure in a committed day file by hand, so that its checksum fails, and pushes that.
    pub fn break_checksum(&self) {
        let path = self
            .files()
            .into_keys()
            .find(|path| path.contains("/archive/"))
            .expect("a day file");
        let file = self.repo().join(path);
        let text = fs::read_to_string(&file).expect("there").replacen(
            "\"output_tokens\":10",
            "\"output_tokens\":99",
            1,
        );
        fs::write(&file, text).expect("written");
        self.git(&["commit", "-q", "--no-verify", "-am", "make it look more"]);
        self.sync(&["--offline"]);
        self.sync(&[]);
    }

    pub fn repo(&self) -> PathBuf {
        self.home.join(".local/share/claude-sync/repo")
    }

    pub fn state(&self) -> PathBuf {
        self.home.join(".local/state/claude-sync")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.home.join(path);
        let folder = path.parent().expect("a parent");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(&path, text).expect("a file");
        if folder.ends_with(".config/claude-sync") {
            // As claude-sync makes it: nobody else reads it.
            set_mode(folder, 0o700);
            set_mode(&path, 0o600);
        }
    }

    pub fn command(&self, program: &str, now: &str) -> Command {
        let path =
            program_path().with_file_name(format!("{program}{}", std::env::consts::EXE_SUFFIX));
        let mut command = Command::new(path);
        clean(&mut command, &self.home);
        command
            .env("CLAUDE_SYNC_NOW", now)
            .env("CLAUDE_SYNC_HOSTNAME", &self.name)
            .env("CLAUDE_SYNC_HOST", &self.name);
        command
    }

    /// Runs `claude-sync` at a time and returns whatever happens. Tests say themselves when to sync for the first time.
    pub fn try_sync(&self, now: &str, args: &[&str]) -> Ran {
        let mut command = self.command("claude-sync", now);
        match args {
            ["init", rest @ ..] => command.args(["init", "--no-sync"]).args(rest),
            _ => command.args(args),
        };
        run(command)
    }

    /// Runs `claude-sync` at noon; it must succeed.
    pub fn sync(&self, args: &[&str]) -> Ran {
        self.sync_at(NOON, args)
    }

    pub fn sync_at(&self, now: &str, args: &[&str]) -> Ran {
        let ran = self.try_sync(now, args);
        assert_eq!(
            ran.code, 0,
            "claude-sync {args:?} failed:\n{}{}",
            ran.out, ran.err
        );
        ran
    }

    pub fn init(&self) -> &Self {
        self.sync(&["init", &self.world.remote()]);
        self
    }

    pub fn git(&self, args: &[&str]) -> String {
        self.world.git(&self.repo(), args)
    }

    /// Git as the machine's owner runs it, with their home: the driver finds settings and key there.
    pub fn owners_git(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        clean(&mut command, &self.home);
        let name = [
            "-c",
            "user.name=Tester",
            "-c",
            "user.email=tester@example.invalid",
        ];
        command.arg("-C").arg(self.repo()).args(name).args(args);
        command
    }

    pub fn try_git(&self, args: &[&str]) -> Ran {
        self.world.try_git(&self.repo(), args)
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub fn manifest(&self) -> String {
        self.git(&["show", "HEAD:sync/manifest.json"])
    }

    pub fn manifest_json(&self) -> Value {
        serde_json::from_str(&self.manifest()).expect("the manifest is JSON")
    }

    pub fn track(&self, args: &[&str]) -> Ran {
        run(self.command("claude-usage-tracker", NOON).args(args))
    }

    /// The tracker's JSON for the fleet or this machine.
    pub fn report(&self, args: &[&str]) -> Value {
        let ran = self.track(&[args, &["--json", "-z", "UTC"]].concat());
        assert_eq!(
            ran.code, 0,
            "claude-usage-tracker {args:?} failed:\n{}",
            ran.err
        );
        serde_json::from_str(&ran.out).expect("the report is JSON")
    }

    /// Requests and output tokens of the fleet that were synced, as this machine sees it.
    pub fn fleet(&self) -> (u64, u64) {
        let totals = &self.report(&["daily", "--synced-only"])["totals"];
        (
            totals["requests"].as_u64().expect("requests"),
            totals["outputTokens"].as_u64().expect("output"),
        )
    }

    /// Every file of the work tree with its content.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        collect(&self.repo(), &self.repo(), &mut out);
        out
    }

    /// Asserts that the work tree shows HEAD, and that HEAD's manifest is what the tool computes from the files beside it.
    pub fn assert_sound(&self) {
        assert_eq!(
            self.git(&["status", "--porcelain"]),
            "",
            "the work tree of {} is not clean",
            self.name
        );
        let manifest = self.manifest_json();
        for (key, path) in [("machines", "sync/machines"), ("archive", "sync/archive")] {
            let tree = self
                .try_git(&["rev-parse", "--verify", "-q", &format!("HEAD:{path}")])
                .out;
            assert_eq!(
                manifest["inputs"][key].as_str().unwrap_or_default(),
                tree.trim(),
                "the manifest of {} was computed from another {path}",
                self.name
            );
        }
    }
}

fn collect(root: &Path, folder: &Path, out: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != ".git" {
                collect(root, &path, out);
            }
        } else {
            let name = path
                .strip_prefix(root)
                .expect("below")
                .display()
                .to_string();
            out.insert(name, fs::read_to_string(&path).expect("a file of UTF-8"));
        }
    }
}
