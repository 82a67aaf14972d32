//! `claude-sync merge-driver %O %A %B %P`: what git calls.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::env::Env;
use super::error::CliError;
use super::exit;
use crate::base::key::Key;
use crate::cache::index::Index;
use crate::cache::{Cache, NoCache};
use crate::merge::driver;
use crate::store::key;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The common ancestor's version
    base: PathBuf,
    /// Our version; the result is written here
    ours: PathBuf,
    /// Their version
    theirs: PathBuf,
    /// The path in the repository
    path: String,
}

impl Args {
    /// The arguments as the configured driver has them; none for anything else, which the command line explains.
    pub fn from_git(args: impl Iterator<Item = OsString>) -> Option<Self> {
        let words: Vec<OsString> = args.skip(1).take(6).collect();
        let [verb, base, ours, theirs, path] = &words[..] else {
            return None;
        };
        let path = path.to_str().filter(|_| verb == "merge-driver")?.to_owned();
        Some(Self {
            base: base.into(),
            ours: ours.into(),
            theirs: theirs.into(),
            path,
        })
    }
}

/// What earlier runs of claude-sync remember of files: it saves reading them.
fn cache() -> Box<dyn Cache> {
    let index = Env::places()
        .ok()
        .and_then(|places| Index::peek(&places.state));
    index.map_or_else(
        || Box::new(NoCache) as Box<dyn Cache>,
        |index| Box::new(index),
    )
}

/// The fleet's key, where this machine has it.
fn key() -> Option<Key> {
    key::read(&Env::places().ok()?.key).ok()?
}

pub fn run(args: &Args) -> ExitCode {
    match driver::run(&args.base, &args.ours, &args.theirs, &args.path, key, cache) {
        Ok(()) => ExitCode::from(exit::OK),
        Err(error) => {
            let error = CliError::from(error);
            eprint!("{}", error.render(&Env::read()));
            ExitCode::from(exit::DRIVER)
        }
    }
}
