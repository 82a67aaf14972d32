//! `claude-sync restore`: lists versions of the repository, and restores the records of one.

use crate::cli::deepen::deepen;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, outcome, places, source};
use serde_json::json;

use crate::base::ids::MachineId;
use crate::base::text::{printable, thousands};
use crate::base::time::Timestamp;
use crate::git::{Oid, Repo};
use crate::report::Zone;
use crate::store::Places;
use crate::sync::Options;
use crate::sync::history::{self, Entry};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("how").required(true), after_help = "\
Every sync is a commit, so every version is kept. Restoring joins the records of a version with the current ones: nothing is removed, \
and forgotten data stays forgotten. What only an earlier version of claude-sync forgot, on behalf of files that are not read any more, \
comes back.")]
pub(crate) struct Args {
    /// List versions, newest first
    #[arg(long, group = "how")]
    list: bool,
    /// Restore the records of a version, named as git names commits
    #[arg(long, value_name = "COMMIT", group = "how")]
    from: Option<String>,
    /// Also take files that are not encrypted, or encrypted with a former key: for versions from
    /// before that
    #[arg(long, requires = "from")]
    trust: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Maximum number of versions in the list.
const MAX_VERSIONS: usize = 1000;

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    deepen(&source::open(&places)?, env);
    // Opened anew, with the commits that came.
    let repo = source::open(&places)?;
    match &args.from {
        Some(version) => {
            let commit = commit(&repo, version)?;
            // The run opens the repository itself.
            drop(repo);
            restore(&places, env, commit, args)
        }
        None => list(&repo, args.json),
    }
}

fn list(repo: &Repo, as_json: bool) -> Result<u8, CliError> {
    let mut versions = Vec::new();
    for (commit, seconds, subject) in repo.versions(MAX_VERSIONS)? {
        let at = Timestamp::from_millis(seconds.saturating_mul(1000)).unwrap_or(Timestamp::EPOCH);
        let entry = history::entry(repo, commit, at, &subject);
        if as_json {
            versions.push(to_json(&entry));
        } else {
            // Printed one by one: reading all of a long history takes its time.
            out(&to_line(&entry));
        }
    }
    if as_json {
        json(&json!({ "version": 1, "versions": versions }));
    }
    Ok(exit::OK)
}

fn to_json(entry: &Entry) -> serde_json::Value {
    json!({
        "commit": entry.commit.to_string(),
        "at": entry.at.to_string(),
        "subject": entry.subject,
        "records_added": entry.added,
        "machine_id": entry.machine.as_ref().map(MachineId::as_str),
    })
}

fn to_line(entry: &Entry) -> String {
    format!(
        "{}  {}  {:>8} {}  {}\n",
        &entry.commit.to_string()[..12],
        Zone::Local.minute(entry.at),
        thousands(entry.added),
        if entry.added == 1 {
            "new record "
        } else {
            "new records"
        },
        printable(&entry.subject, 100)
    )
}

fn commit(repo: &Repo, version: &str) -> Result<Oid, CliError> {
    repo.revision(version).ok_or_else(|| {
        CliError::plain(
            &format!("there is no version {}", printable(version, 100)),
            "claude_sync::usage",
            exit::USAGE,
            "claude-sync restore --list shows all versions",
        )
    })
}

fn restore(places: &Places, env: &Env, commit: Oid, args: &Args) -> Result<u8, CliError> {
    let options = Options {
        restore: vec![commit],
        trust_restored: args.trust,
        ..env.options()
    };
    let outcome = crate::sync::run(places, &options)?;
    let summary = || outcome::summary(&outcome, &options, &places.repo);
    Ok(outcome::print(
        &outcome,
        env,
        args.json.then(Vec::new),
        summary,
    ))
}
