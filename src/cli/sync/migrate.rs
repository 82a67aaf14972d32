//! `claude-sync migrate`: converts the repository to the format of this version.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, note};
use crate::cli::{exit, places, source};
use serde_json::{Value, json};

use crate::base::text::{count, printable};
use crate::format::VERSION;
use crate::format::migrate::STEPS;
use crate::sync::{self, Migrated};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let migrated = sync::migrate(&places::find()?, &env.options(), STEPS)?;
    let migrated = migrated.ok_or_else(source::no_data)?;
    if args.json {
        json(&to_json(&migrated));
    } else {
        note(env, &to_text(&migrated));
    }
    Ok(exit::OK)
}

fn to_json(migrated: &Migrated) -> Value {
    let found: Vec<_> = migrated
        .versions
        .iter()
        .map(|(version, files)| json!({ "format": version, "files": files }))
        .collect();
    json!({
        "version": 1,
        "format": VERSION,
        "found": found,
        "changed": migrated.changed,
        "commit": migrated.commit.map(|commit| commit.to_string()),
    })
}

fn to_text(migrated: &Migrated) -> String {
    let mut text = String::new();
    for (version, files) in &migrated.versions {
        let (files, version) = (count(*files, "file"), printable(version, 20));
        text.push_str(&format!("{files} in format {version}\n"));
    }
    text.push_str(&match migrated.commit {
        Some(_) => {
            let files = count(migrated.changed, "file");
            format!("Migrated {files}. Next: claude-sync\n")
        }
        None => format!("Nothing to migrate: this version writes {VERSION} and reads all 1.x.\n"),
    });
    text
}
