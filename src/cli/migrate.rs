//! `claude-sync migrate`: to the format of this version.

use super::env::Env;
use super::error::CliError;
use super::{exit, out, source};
use crate::base::text::{count, printable};
use crate::format::VERSION;
use crate::format::migrate::STEPS;
use crate::sync;

pub fn run(env: &Env) -> Result<u8, CliError> {
    let done = sync::migrate(&Env::places()?, &env.options(), STEPS)?.ok_or_else(source::no_data)?;
    let mut text = String::new();
    for (version, files) in &done.versions {
        text.push_str(&format!("{} in format {}\n", count(*files, "file"), printable(version, 20)));
    }
    text.push_str(&match done.commit {
        Some(_) => format!("Migrated {}. Next: claude-sync\n", count(done.changed, "file")),
        None => format!("Nothing to migrate: this version writes {VERSION} and reads all 1.x.\n"),
    });
    out(&text);
    Ok(exit::OK)
}
