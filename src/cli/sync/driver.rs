//! `claude-sync merge-driver %O %A %B %P`: the merge driver, called by git.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, places};
use std::ffi::OsString;
use std::path::PathBuf;

use crate::base::key::Key;
use crate::cache::index::Index;
use crate::cache::{Cache, NoCache};
use crate::merge::driver;
use crate::store::key;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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
    /// Parses the arguments that git passes. `None` for anything else, which clap reports.
    pub(crate) fn from_git(args: impl Iterator<Item = OsString>) -> Option<Self> {
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

/// The cache of earlier runs, if there is one.
fn cache() -> Box<dyn Cache> {
    let index = places::find()
        .ok()
        .and_then(|places| Index::peek(&places.state));
    index.map_or_else(
        || Box::new(NoCache) as Box<dyn Cache>,
        |index| Box::new(index),
    )
}

/// The fleet's key, if this machine has it.
fn key() -> Option<Key> {
    key::read(&places::find().ok()?.key).ok()?
}

pub(crate) fn run(args: &Args) -> u8 {
    match driver::run(&args.base, &args.ours, &args.theirs, &args.path, key, cache) {
        Ok(()) => exit::OK,
        Err(error) => {
            let (error, env) = (CliError::from(error), Env::read());
            eprint!("{}", error.render(env.colors, env.message_width()));
            exit::DRIVER
        }
    }
}
