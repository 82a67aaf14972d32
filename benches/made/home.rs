//! Homes: what a user has, in a folder of its own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use claude_sync::bench::{Git, Index, Repo};

use super::fleet;

/// A home folder with a machine's transcripts and its repository.
pub struct Home(PathBuf);

impl Home {
    /// An empty one, whose machine is the fleet's first.
    pub fn new(at: &Path) -> Self {
        fs::create_dir_all(at.join(".claude/projects/-home-dev-shop")).expect("a folder");
        fs::write(at.join(".claude/machine_id"), fleet::machine(0).as_str()).expect("written");
        Self(at.to_owned())
    }

    /// One with a history of made-up records: one commit, packed, and a run over it, so that the index knows it. Made once.
    pub fn grown(at: &Path, machines: u64, records: u64) -> Self {
        Self::grown_as(at, fleet::Shape::dense(machines, records))
    }

    /// As [`Self::grown`], of any shape.
    pub fn grown_as(at: &Path, shape: fleet::Shape) -> Self {
        if at.join("done").exists() {
            return Self(at.to_owned());
        }
        let _ = fs::remove_dir_all(at);
        let home = Self::new(at);
        home.sync(&["-q"]);
        let repo = Repo::open(&home.repo()).expect("opens").expect("is there");
        let head = repo.head("main").expect("reads").expect("a commit");
        let index = Index::open(&home.state()).expect("an index");
        let tree = fleet::write(
            &repo,
            Some(repo.tree_of(head).expect("reads")),
            shape,
            &index,
        );
        drop(index);
        let commit = repo
            .commit(&Git::find(false).expect("git"), tree, &[head], "made\n")
            .expect("a commit");
        home.git(&["update-ref", "refs/heads/main", &commit.to_string()]);
        home.git(&["reset", "-q", "--hard"]);
        home.git(&["repack", "-adq"]);
        // Files as young as git's index are read again whenever somebody looks: how many are depends on the moment.
        age(&home.repo().join("sync"));
        home.git(&["update-index", "-q", "--refresh"]);
        home.sync(&["-q"]);
        fs::write(at.join("done"), "").expect("written");
        home
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn repo(&self) -> PathBuf {
        self.0.join(".local/share/claude-sync/repo")
    }

    pub fn state(&self) -> PathBuf {
        self.0.join(".local/state/claude-sync")
    }

    /// What makes a command know this home alone.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut out = vec![
            ("HOME", self.0.display().to_string()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("TZ", "UTC".into()),
        ];
        for who in [
            "GIT_AUTHOR_NAME",
            "GIT_COMMITTER_NAME",
            "GIT_AUTHOR_EMAIL",
            "GIT_COMMITTER_EMAIL",
        ] {
            out.push((who, "bench@example.invalid".into()));
        }
        for (name, folder) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
        ] {
            out.push((name, self.0.join(folder).display().to_string()));
        }
        out
    }

    fn run(&self, command: &mut Command) -> String {
        let out = command
            .envs(self.environment())
            .env_remove("CLAUDE_CONFIG_DIR")
            .stdin(Stdio::null())
            .output()
            .expect("runs");
        assert!(
            out.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// Runs `claude-sync`.
    pub fn sync(&self, args: &[&str]) {
        self.run(Command::new(env!("CARGO_BIN_EXE_claude-sync")).args(args));
    }

    /// Runs git in the repository.
    pub fn git(&self, args: &[&str]) -> String {
        self.run(Command::new("git").arg("-C").arg(self.repo()).args(args))
    }

    /// Runs a script in the repository.
    fn shell(&self, script: &str) -> String {
        self.run(
            Command::new("sh")
                .args(["-c", script])
                .current_dir(self.repo()),
        )
    }

    /// The bytes of all day files, packed by gzip.
    pub fn gzipped(&self) -> u64 {
        self.shell("find sync/archive -name '*.jsonl' | sort | xargs cat | gzip -6 | wc -c")
            .parse()
            .expect("a number")
    }

    /// A repository with all files in one commit.
    pub fn in_one_commit(&self) -> PathBuf {
        let once = self.0.join("once");
        self.shell(&format!(
            "cp -r . '{0}' && cd '{0}' && rm -rf .git && git init -q && git add -A && git -c user.name=b -c user.email=b commit -qm all && git gc -q",
            once.display()
        ));
        once
    }

    /// The output of `claude-sync`.
    pub fn ask(&self, args: &[&str]) -> String {
        self.run(Command::new(env!("CARGO_BIN_EXE_claude-sync")).args(args))
    }

    /// Writes one more request into a transcript.
    pub fn request(&self) {
        self.request_on("2036-02-01");
    }

    /// Writes one more request of a day into a transcript.
    pub fn request_on(&self, day: &str) {
        let path = self
            .0
            .join(".claude/projects/-home-dev-shop/9f3e0001-0000-4000-8000-000000000000.jsonl");
        let number = fs::metadata(&path).map_or(0, |meta| meta.len());
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .expect("opens");
        writeln!(
            file,
            r#"{{"type":"assistant","timestamp":"{day}T10:{:02}:00.000Z","sessionId":"9f3e0001-0000-4000-8000-000000000000","cwd":"/home/dev/shop","requestId":"req_{number:022}","message":{{"id":"msg_01{number:022}","model":"claude-opus-4-8","stop_reason":"end_turn","usage":{{"input_tokens":3,"output_tokens":{},"cache_read_input_tokens":900}}}}}}"#,
            number % 60,
            number % 4000
        )
        .expect("written");
    }
}

/// Makes all files below a folder an hour old.
fn age(folder: &Path) {
    let then = SystemTime::now() - Duration::from_hours(1);
    for entry in fs::read_dir(folder).expect("lists").flatten() {
        if entry.path().is_dir() {
            age(&entry.path());
        } else {
            fs::File::options()
                .append(true)
                .open(entry.path())
                .and_then(|file| file.set_modified(then))
                .expect("is set");
        }
    }
}

/// The length of all files below a folder.
pub fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| {
            entry.metadata().map_or(0, |meta| {
                if meta.is_dir() {
                    size(&entry.path())
                } else {
                    meta.len()
                }
            })
        })
        .sum()
}
