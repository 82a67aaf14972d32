//! `claude-sync restore`: brings back what an older version had.

use serde_json::json;

use super::env::Env;
use super::error::CliError;
use super::{exit, out, outcome, source, sync};
use crate::base::ids::MachineId;
use crate::base::text::{printable, thousands};
use crate::report::Zone;
use crate::sync::{Options, history};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("how").required(true), after_help = "\
Every sync is a commit, so every version is kept. Restoring joins a version's records with what is there now: nothing goes away by it, \
and what was forgotten stays forgotten. What only an earlier version of claude-sync forgot, on behalf of files that are not read any \
more, comes back.")]
pub struct Args {
    /// List the versions that there are, newest first
    #[arg(long, group = "how")]
    list: bool,
    /// Bring back the records of this version, as git names commits
    #[arg(long, value_name = "COMMIT", group = "how")]
    from: Option<String>,
    /// Also take files that are not encrypted, or encrypted with a former key: for versions from before that
    #[arg(long, requires = "from")]
    trust: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let repo = source::open(&places)?;
    let Some(from) = &args.from else {
        let mut versions = Vec::new();
        for (commit, seconds, subject) in repo.versions(1000)? {
            let at = crate::base::time::Timestamp::from_millis(seconds.saturating_mul(1000))
                .unwrap_or(crate::base::time::Timestamp::EPOCH);
            let entry = history::entry(&repo, commit, at, &subject);
            if args.json {
                versions.push(json!({
                    "commit": commit.to_string(), "at": at.to_string(), "subject": entry.subject, "records_added": entry.added,
                    "machine_id": entry.machine.as_ref().map(MachineId::as_str),
                }));
                continue;
            }
            out(&format!(
                "{}  {}  {:>8} new records  {}\n",
                &commit.to_string()[..12],
                Zone::Local.minute(at),
                thousands(entry.added),
                printable(&entry.subject, 100)
            ));
        }
        if args.json {
            super::json(&json!({ "version": 1, "versions": versions }));
        }
        return Ok(exit::OK);
    };
    let commit = repo.revision(from).ok_or_else(|| {
        CliError::plain(
            &format!("there is no version {}", printable(from, 100)),
            "claude_sync::usage",
            exit::USAGE,
            "see claude-sync restore --list",
        )
    })?;
    drop(repo);
    let options = Options {
        restore: vec![commit],
        trust_restored: args.trust,
        ..env.options()
    };
    let outcome = crate::sync::run(&places, &options)?;
    Ok(outcome::tell(
        &outcome,
        env,
        args.json.then(Vec::new),
        || sync::summary(&outcome, &options, &places.repo),
    ))
}
