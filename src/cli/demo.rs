//! `claude-sync demo`: two machines and a remote in a temporary folder, through the real code paths.

use std::fs;
use std::path::{Path, PathBuf};

use super::env::Env;
use super::error::CliError;
use super::{exit, out};
use crate::base::text::{count, printable};
use crate::base::time::Timestamp;
use crate::cache::NoCache;
use crate::fleet::Row;
use crate::git::repo::RepoError;
use crate::report::{self, Bounds, Fold, Kind, Look, Zone};
use crate::store::Places;
use crate::sync::{self, Host, Options, Outcome};
use crate::transcripts::Search;

/// A made-up machine.
struct Player {
    name: &'static str,
    platform: &'static str,
    home: PathBuf,
}

pub fn run(env: &Env) -> Result<u8, CliError> {
    let stage = tempfile::Builder::new()
        .prefix("claude-sync-demo-")
        .tempdir()
        .map_err(|e| failed(&e))?
        .keep();
    let remote = stage.join("remote.git");
    let bare = git2::Repository::init_opts(
        &remote,
        git2::RepositoryInitOptions::new()
            .bare(true)
            .initial_head("main")
            .external_template(false),
    );
    bare.map_err(|source| RepoError::Git {
        what: "make the demo's remote".to_owned(),
        source,
    })?;
    let laptop = Player {
        name: "demo-laptop",
        platform: "darwin",
        home: stage.join("laptop"),
    };
    let desktop = Player {
        name: "demo-desktop",
        platform: "linux",
        home: stage.join("desktop"),
    };
    let address = format!("file://{}", remote.display());

    out("Two made-up machines and a bare remote, all below one temporary folder.\n");
    let shared = session(
        "5e55104a-0000-4000-8000-000000000001",
        "/home/demo/web-shop",
        1,
        6,
        env.now,
        50,
    );
    write(&laptop, "web-shop/shared.jsonl", &shared)?;
    write(
        &laptop,
        "notes/alone.jsonl",
        &session(
            "5e55104a-0000-4000-8000-000000000002",
            "/home/demo/notes",
            100,
            4,
            env.now,
            30,
        ),
    )?;
    step(
        &laptop,
        env,
        0,
        &address,
        "The laptop worked on two sessions, and syncs for the first time:",
    )?;

    // The desktop resumes the laptop's session: its transcript begins with a copy of what the laptop logged.
    let more = session(
        "5e55104a-0000-4000-8000-000000000001",
        "/home/demo/web-shop",
        7,
        5,
        env.now,
        20,
    );
    write(
        &desktop,
        "web-shop/shared.jsonl",
        &format!("{shared}{more}"),
    )?;
    step(
        &desktop,
        env,
        1,
        &address,
        "The desktop resumed one of them, so its transcript repeats six requests of the laptop's and adds five:",
    )?;
    step(
        &laptop,
        env,
        2,
        &address,
        "The laptop syncs again and receives them:",
    )?;

    let repo = report::open(&places(&laptop).repo)?.ok_or_else(|| {
        CliError::plain(
            "the demo's repository is gone",
            "claude_sync::demo",
            exit::FAILURE,
            "run the demo again",
        )
    })?;
    let (mut machines, mut days) = (
        Fold::new(Kind::Machines, Bounds::default(), Zone::Utc),
        Fold::new(Kind::Daily, Bounds::default(), Zone::Utc),
    );
    let mut add = |row: &Row<'_>| {
        [&mut machines, &mut days]
            .into_iter()
            .for_each(|fold| fold.add(row))
    };
    let Some(fleet) = report::from_repo(&repo, &NoCache, None, &mut add)? else {
        return Err(CliError::plain(
            "the demo's repository is empty",
            "claude_sync::demo",
            exit::FAILURE,
            "run the demo again",
        ));
    };
    let resolved = fleet
        .sessions
        .values()
        .filter(|session| session.machines.len() > 1)
        .map(|session| session.shared)
        .sum::<u64>();
    out(&format!(
        "Both hold {} of one session; each counts once. The fleet, as either machine sees it:\n\n",
        count(resolved, "equal record")
    ));
    let look = Look {
        width: env.width,
        now: env.now,
        compact: false,
    };
    for fold in [machines, days] {
        out(&report::to_table(&fold.finish(&fleet, &[]), look));
    }
    let show = |path: &Path| printable(&path.display().to_string(), 400);
    out(&format!(
        "\nLook around:\n  git -C {repo} log\n  cat {repo}/sync/manifest.json\n  ls {machines}\n\nThrow it away with: rm -r {stage}\n",
        repo = show(repo.path()),
        machines = show(&repo.path().join("sync/archive")),
        stage = show(&stage),
    ));
    Ok(exit::OK)
}

fn failed(error: &std::io::Error) -> CliError {
    CliError::plain(
        &format!("failed to prepare the demo: {error}"),
        "claude_sync::demo",
        exit::FAILURE,
        "check the temporary folder (TMPDIR) and its free space",
    )
}

fn places(player: &Player) -> Places {
    let home = &player.home;
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

fn step(
    player: &Player,
    env: &Env,
    minute: i64,
    address: &str,
    title: &str,
) -> Result<Outcome, CliError> {
    let host = Host {
        hostname: player.name.to_owned(),
        platform: player.platform.to_owned(),
        os_version: "demo".to_owned(),
        fingerprint: String::new(),
    };
    // A minute passes between the steps, so that whose record came first is plain.
    let now = Timestamp::from_millis(env.now.millis().saturating_add((minute - 3) * 60_000))
        .unwrap_or(env.now);
    let options = Options {
        host,
        now,
        attended: false,
        ..env.options()
    };
    let places = places(player);
    out(&format!("\n{title}\n"));
    if !places.repo.exists() {
        sync::init(&places, &options, Some(address), false)?;
        out(&format!(
            "  {}$ claude-sync init {}\n",
            player.name,
            printable(address, 200)
        ));
    }
    let outcome = sync::run(&places, &options)?;
    out(&format!(
        "  {}$ claude-sync\n  {}",
        player.name,
        super::sync::summary(&outcome, &options, &places.repo)
    ));
    Ok(outcome)
}

fn write(player: &Player, name: &str, text: &str) -> Result<(), CliError> {
    let path = player.home.join(".claude/projects").join(name);
    fs::create_dir_all(path.parent().unwrap_or(&player.home))
        .and_then(|()| fs::write(&path, text))
        .map_err(|e| failed(&e))
}

/// Lines as Claude Code writes them: one request is logged twice, the second time with all its output.
fn session(
    id: &str,
    cwd: &str,
    first: u64,
    requests: u64,
    now: Timestamp,
    hours_ago: i64,
) -> String {
    let mut out = String::new();
    for n in first..first + requests {
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
