//! `claude-sync migrate`: to the format of this version.

use serde_json::json;

use super::env::Env;
use super::error::CliError;
use super::{exit, note, source};
use crate::base::text::{count, printable};
use crate::format::VERSION;
use crate::format::migrate::STEPS;
use crate::sync;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let done =
        sync::migrate(&Env::places()?, &env.options(), STEPS)?.ok_or_else(source::no_data)?;
    if args.json {
        let files: Vec<_> = done
            .versions
            .iter()
            .map(|(version, files)| json!({ "format": version, "files": files }))
            .collect();
        super::json(&json!({
            "version": 1,
            "format": VERSION,
            "found": files,
            "changed": done.changed,
            "commit": done.commit.map(|commit| commit.to_string()),
        }));
        return Ok(exit::OK);
    }
    let mut text = String::new();
    for (version, files) in &done.versions {
        text.push_str(&format!(
            "{} in format {}\n",
            count(*files, "file"),
            printable(version, 20)
        ));
    }
    text.push_str(&match done.commit {
        Some(_) => format!(
            "Migrated {}. Next: claude-sync\n",
            count(done.changed, "file")
        ),
        None => format!("Nothing to migrate: this version writes {VERSION} and reads all 1.x.\n"),
    });
    note(env, &text);
    Ok(exit::OK)
}
