//! `claude-sync demo`: syncs two example machines through a remote in a temporary folder, with the
//! same code as every sync.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, outcome};
use std::fs;
use std::path::{Path, PathBuf};

use crate::base::text::{count, printable};
use crate::base::time::Timestamp;
use crate::cache::NoCache;
use crate::fleet::{Fleet, Row};
use crate::git::Repo;
use crate::git::repo::RepoError;
use crate::report::{self, Bounds, Fold, Look, ReportKind, Zone};
use crate::store::Places;
use crate::sync::{self, Host, Options};
use crate::transcripts::Search;

/// An example machine.
struct DemoMachine {
    name: &'static str,
    platform: &'static str,
    home: PathBuf,
}

const SHARED: &str = "5e55104a-0000-4000-8000-000000000001";
const ALONE: &str = "5e55104a-0000-4000-8000-000000000002";

pub(crate) fn run(env: &Env) -> Result<u8, CliError> {
    let folder = tempfile::Builder::new()
        .prefix("claude-sync-demo-")
        .tempdir()
        .map_err(|error| failed(&error))?
        .keep();
    let remote = make_remote(&folder)?;
    out("Two example machines and a bare remote repository, in one temporary folder.\n");
    let repo = sync_twice(&folder, &remote, env)?;
    show_reports(&repo, env)?;
    show_places(&repo, &folder);
    Ok(exit::OK)
}

/// Makes a bare repository. Returns its address.
fn make_remote(folder: &Path) -> Result<String, CliError> {
    let path = folder.join("remote.git");
    let mut options = git2::RepositoryInitOptions::new();
    options
        .bare(true)
        .initial_head("main")
        .external_template(false);
    git2::Repository::init_opts(&path, &options).map_err(|source| RepoError::Git {
        what: "make the demo's remote".to_owned(),
        source,
    })?;
    Ok(format!("file://{}", path.display()))
}

/// Syncs both machines, and the first one again. Returns the first one's repository.
fn sync_twice(folder: &Path, remote: &str, env: &Env) -> Result<Repo, CliError> {
    let laptop = DemoMachine {
        name: "demo-laptop",
        platform: "darwin",
        home: folder.join("laptop"),
    };
    let desktop = DemoMachine {
        name: "demo-desktop",
        platform: "linux",
        home: folder.join("desktop"),
    };
    let (shop, notes) = ("/home/demo/web-shop", "/home/demo/notes");
    let shared = session(SHARED, shop, 1..7, env.now, 50);
    laptop.write("web-shop/shared.jsonl", &shared)?;
    let alone = session(ALONE, notes, 100..104, env.now, 30);
    laptop.write("notes/alone.jsonl", &alone)?;
    let title = "The laptop worked on two sessions, and syncs for the first time:";
    laptop.sync(env, 0, remote, title)?;

    // The desktop resumes the laptop's session: its transcript begins with a copy of the laptop's.
    let more = session(SHARED, shop, 7..12, env.now, 20);
    desktop.write("web-shop/shared.jsonl", &format!("{shared}{more}"))?;
    let title = "The desktop resumed one of them, so its transcript repeats six requests of the laptop's and adds five:";
    desktop.sync(env, 1, remote, title)?;
    laptop.sync(env, 2, remote, "The laptop syncs again and receives them:")?;
    report::open(&laptop.places().repo)?.ok_or_else(|| missing("the demo's repository is gone"))
}

/// Prints the fleet's reports by machine and by day.
fn show_reports(repo: &Repo, env: &Env) -> Result<(), CliError> {
    let fold = |kind| Fold::new(kind, Bounds::default(), Zone::Utc);
    let (mut machines, mut days) = (fold(ReportKind::Machines), fold(ReportKind::Daily));
    let mut add = |row: &Row<'_>| {
        machines.add(row);
        days.add(row);
    };
    let fleet = report::from_repo(repo, &NoCache, &mut add)?
        .ok_or_else(|| missing("the demo's repository is empty"))?;
    out(&format!(
        "Both machines have {} of one session; each counts once. Reports are the same on both machines:\n\n",
        count(shared_records(&fleet), "equal record")
    ));
    let look = Look {
        compact: true,
        ..env.look()
    };
    for fold in [machines, days] {
        out(&report::to_table(&fold.finish(&fleet, &[]), look));
    }
    Ok(())
}

/// Number of records that several machines have.
fn shared_records(fleet: &Fleet) -> u64 {
    fleet
        .sessions
        .values()
        .filter(|session| session.machines.len() > 1)
        .map(|session| session.shared)
        .sum()
}

/// Prints commands that show the repository, and the one that deletes everything.
fn show_places(repo: &Repo, folder: &Path) {
    let show = |path: &Path| printable(&path.display().to_string(), 400);
    out(&format!(
        "\nTo inspect the repository:\n  git -C {repo} log\n  cat {repo}/sync/manifest.json\n  ls {machines}\n\nTo delete everything: rm -r {folder}\n",
        repo = show(repo.path()),
        machines = show(&repo.path().join("sync/archive")),
        folder = show(folder),
    ));
}

fn failed(error: &std::io::Error) -> CliError {
    CliError::plain(
        &format!("failed to prepare the demo: {error}"),
        "claude_sync::demo",
        exit::FAILURE,
        "check the temporary folder (TMPDIR) and its free space",
    )
}

/// Something deleted the demo's repository while it ran.
fn missing(message: &str) -> CliError {
    CliError::plain(
        message,
        "claude_sync::demo",
        exit::FAILURE,
        "run the demo again",
    )
}

impl DemoMachine {
    fn places(&self) -> Places {
        let home = &self.home;
        Places {
            repo: home.join("repo"),
            state: home.join("state"),
            config: home.join("config.json"),
            key: home.join("key"),
            machine_id: home.join(".claude/machine_id"),
            claude: vec![home.join(".claude")],
            named: Vec::new(),
            search: Search::default(),
        }
    }

    /// Writes a transcript.
    fn write(&self, name: &str, text: &str) -> Result<(), CliError> {
        let path = self.home.join(".claude/projects").join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.home))
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| failed(&error))
    }

    /// Syncs, with `init` before the first time, and prints both commands and the result.
    fn sync(&self, env: &Env, minute: i64, remote: &str, title: &str) -> Result<(), CliError> {
        let (places, options) = (self.places(), self.options(env, minute));
        let name = self.name;
        out(&format!("\n{title}\n"));
        if !places.repo.exists() {
            sync::init(&places, &options, Some(remote), false)?;
            let remote = printable(remote, 200);
            out(&format!("  {name}$ claude-sync init {remote}\n"));
        }
        let outcome = sync::run(&places, &options)?;
        let summary = outcome::summary(&outcome, &options, &places.repo);
        out(&format!("  {name}$ claude-sync\n  {summary}"));
        Ok(())
    }

    /// The options of a sync, a minute after the one before: the earliest record counts, so the
    /// times must differ.
    fn options(&self, env: &Env, minute: i64) -> Options {
        let now = env.now.millis().saturating_add((minute - 3) * 60_000);
        Options {
            host: Host {
                hostname: self.name.to_owned(),
                platform: self.platform.to_owned(),
                os_version: "demo".to_owned(),
                fingerprint: String::new(),
            },
            now: Timestamp::from_millis(now).unwrap_or(env.now),
            attended: false,
            ..env.options()
        }
    }
}

/// A transcript as Claude Code writes it: each request is logged twice, the second time with all
/// its output. `requests`: their numbers.
fn session(
    id: &str,
    cwd: &str,
    requests: std::ops::Range<u64>,
    now: Timestamp,
    hours_ago: i64,
) -> String {
    let mut out = String::new();
    for n in requests {
        let minutes = hours_ago * 60 - i64::try_from(n % 50).unwrap_or(0) * 7;
        let time = Timestamp::from_millis(now.millis() - minutes * 60_000).unwrap_or(now);
        let model = if n % 3 == 0 {
            "claude-sonnet-5-5"
        } else {
            "claude-opus-5-5"
        };
        for (output, stop) in [(3, "null"), (180 + 37 * n, "\"end_turn\"")] {
            out.push_str(&format!(
                "{{\"type\":\"assistant\",\"timestamp\":\"{time}\",\"sessionId\":\"{id}\",\"cwd\":\"{cwd}\",\"requestId\":\"req_demo{n:04}\",\"uuid\":\"{id}-{n}-{output}\",\
                 \"message\":{{\"id\":\"msg_01demo{n:020}\",\"role\":\"assistant\",\"model\":\"{model}\",\"stop_reason\":{stop},\"content\":[{{\"type\":\"text\",\"text\":\"never leaves the machine\"}}],\
                 \"usage\":{{\"input_tokens\":{},\"output_tokens\":{output},\"cache_creation_input_tokens\":{},\"cache_read_input_tokens\":{}}}}}}}\n",
                4 + n % 9,
                1200 + 310 * (n % 7),
                18_000 + 950 * (n % 40),
            ));
        }
    }
    out
}
