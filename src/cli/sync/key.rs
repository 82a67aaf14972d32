//! `claude-sync key`: the fleet's key, which users copy from machine to machine.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{JsonOption, json, note, out};
use crate::cli::{exit, outcome, places, prompt};
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use dialoguer::Password;

use crate::base::key::Key;
use crate::base::text::printable;
use crate::git::repo::Repo;
use crate::store::{Places, key};
use crate::sync::clear::{Purpose, likely_purpose, remember_key, replaced_by};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a key, on the first machine of the fleet
    Init(JsonOption),
    /// Print the key, for another machine to import
    Show(JsonOption),
    /// Replace the fleet's key, and encrypt everything with the new one in a new history. Other
    /// machines wait until they have it
    Rotate {
        /// Do not ask for confirmation
        #[arg(short, long)]
        yes: bool,
        /// Print JSON; requires --yes
        #[arg(long, requires = "yes")]
        json: bool,
    },
    /// Import the key of another machine, from standard input, a file or a prompt
    #[command(after_help = "\
Examples:
  ssh laptop claude-sync key show | claude-sync key import
  claude-sync key import --file fleet.key
  claude-sync key import               prompts for it, without showing it")]
    Import {
        /// The key; the shell's history and other users of this computer can see it
        #[arg(hide = true, conflicts_with = "file")]
        key: Option<String>,
        /// Read the key from a file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Use of the key: encrypt all files (sealing), or hide project names only (names)
        /// [default: answered at a prompt, or by the settings]
        #[arg(long = "for", value_enum, value_name = "WHAT")]
        purpose: Option<For>,
        /// Replace the key of this machine; the old key is kept, to decrypt older files
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        print: JsonOption,
    },
}

/// The use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum For {
    // Encrypt all files: this machine never pushes unencrypted ones.
    Sealing,
    // Hide project names; files are not encrypted.
    Names,
}

/// The mark of the key that the repository, or a fetched commit, is encrypted with.
fn sealed_by(places: &Places) -> Result<Option<String>, CliError> {
    let Some(repo) = Repo::open(&places.repo)? else {
        return Ok(None);
    };
    for commit in repo.tips()? {
        if let Some(mark) = repo.seal_of(repo.tree_of(commit)?)? {
            return Ok(Some(mark));
        }
    }
    Ok(None)
}

/// Creates a key.
pub(crate) fn make(places: &Places) -> Result<Key, CliError> {
    let new = Key::random().ok_or_else(|| {
        CliError::plain(
            "the system gave no random bytes",
            "claude_sync::key",
            exit::FAILURE,
            "try again; nothing was made",
        )
    })?;
    key::write(&places.key, &new)?;
    Ok(new)
}

/// The text about a new key.
pub(crate) fn about(key: &Key, places: &Places) -> String {
    format!(
        "Made the key {} in {}\nKeep a copy in a safe place: what is encrypted with it is lost without it.\nOther machines take it over with: claude-sync key import\n",
        key.mark(),
        printable(&places.key.display().to_string(), 400)
    )
}

/// Prints a key and its file as JSON. Only `key show` prints its text.
fn print_json(key: &Key, places: &Places, made: bool, text: Option<&str>) {
    json(
        &json!({ "version": 1, "mark": key.mark(), "file": places.key, "made": made, "key": text }),
    );
}

/// The text of a file with a key.
fn from_file(file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read =
        std::fs::File::open(file).and_then(|file| file.take(MAX_SIZE).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| {
        let message = format!(
            "failed to read {}: {error}",
            printable(&file.display().to_string(), 400)
        );
        CliError::plain(
            &message,
            "claude_sync::key",
            exit::CONFIG,
            "name the file that holds what claude-sync key show prints",
        )
    })
}

/// Maximum size of the text of a key, in bytes.
const MAX_SIZE: u64 = 1000;

/// Stores a key. Replaces another one if the fleet did so, or if `replace` is set.
fn take_over(places: &Places, new: &Key, replace: bool) -> Result<(), CliError> {
    if let Some(there) = key::read(&places.key)?.filter(|there| !there.is(new)) {
        let is_next =
            || -> Result<bool, CliError> { Ok(replaced_by(places, &there)? == Some(new.mark())) };
        if replace || is_next()? {
            key::replace(&places.key, new)?;
            return Ok(());
        }
    }
    Ok(key::write(&places.key, new)?)
}

/// Replaces the fleet's key.
fn rotate(yes: bool, json: bool, env: &Env, places: &Places) -> Result<u8, CliError> {
    const WAIT: &str = "begin a new history; all other machines wait until they have the new key";
    let would = format!("this would replace the fleet's key and {WAIT}");
    let question = format!("Replace the fleet's key and {WAIT}?");
    if !yes && !prompt::confirm_or_refuse(env, &would, &question)? {
        out("Nothing was changed.\n");
        return Ok(exit::OK);
    }
    let options = env.options();
    let (new, outcome) = crate::sync::rotate(places, &options)?;
    let words = || {
        let path = printable(&places.key.display().to_string(), 400);
        format!(
            "The fleet's key is {} now, in {path}\nKeep a copy in a safe place. On every other machine: claude-sync key import\n{}",
            new.mark(),
            outcome::summary(&outcome, &options, &places.repo)
        )
    };
    Ok(outcome::print(
        &outcome,
        env,
        json.then(|| vec![("mark", new.mark().into())]),
        words,
    ))
}

/// Asks for the use of the key.
fn ask() -> Result<Purpose, CliError> {
    let answers = [
        "all files: the fleet is encrypted, and nothing may leave in clear",
        "project names alone: files are not encrypted",
    ];
    Ok(
        if prompt::choose("What does this fleet use the key for?", &answers)? == 0 {
            Purpose::Sealing
        } else {
            Purpose::Names
        },
    )
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    match &args.what {
        Action::Init(print) => init(print.json, env, &places),
        Action::Show(print) => show(print.json, &places),
        Action::Rotate { yes, json } => rotate(*yes, *json, env, &places),
        Action::Import {
            key,
            file,
            purpose,
            replace,
            print,
        } => {
            let new = given(key.as_deref(), file.as_deref())?;
            take_over(&places, &new, *replace)?;
            if key.is_some() {
                eprintln!(
                    "warning: The key stood on the command line: the shell's history has it, and other users of this computer may have seen it. Delete it from the history; next time: claude-sync key import --file FILE, or from standard input."
                );
            }
            let may_ask = key.is_none() && file.is_none() && env.attended;
            let purpose = match purpose {
                Some(For::Sealing) => Purpose::Sealing,
                Some(For::Names) => Purpose::Names,
                None if may_ask && std::io::stdin().is_terminal() => ask()?,
                None => likely_purpose(&places)?,
            };
            if purpose == Purpose::Sealing {
                remember_key(&places, &new)?;
            }
            imported(&new, purpose, print.json, env, &places);
            Ok(exit::OK)
        }
    }
}

fn init(json: bool, env: &Env, places: &Places) -> Result<u8, CliError> {
    if let Some(there) = key::read(&places.key)? {
        if json {
            print_json(&there, places, false, None);
        } else {
            let path = printable(&places.key.display().to_string(), 400);
            let text = format!("There is a key already, {}, in {path}\n", there.mark());
            note(env, &text);
        }
        return Ok(exit::OK);
    }
    // With a new key this machine could not read the data of a fleet that has another one.
    if let Some(mark) = sealed_by(places)? {
        let message = format!("this fleet has a key, {mark}, which is not on this machine");
        let help =
            "on a machine that has it: claude-sync key show; then here: claude-sync key import";
        return Err(CliError::plain(
            &message,
            "claude_sync::no_key",
            exit::CONFIG,
            help,
        ));
    }
    let new = make(places)?;
    if json {
        print_json(&new, places, true, None);
        return Ok(exit::OK);
    }
    note(env, &about(&new, places));
    note(
        env,
        "To encrypt the repository: claude-sync config set privacy_settings.encryption at-rest\n",
    );
    Ok(exit::OK)
}

fn show(json: bool, places: &Places) -> Result<u8, CliError> {
    match key::read(&places.key)? {
        Some(key) if json => print_json(&key, places, false, Some(&key.text())),
        Some(key) => out(&format!("{}\n", key.text())),
        None => {
            return Err(CliError::plain(
                "this machine has no key",
                "claude_sync::no_key",
                exit::CONFIG,
                "claude-sync key init makes one; claude-sync key import takes over another machine's",
            ));
        }
    }
    Ok(exit::OK)
}

/// The key to import, from the command line, a file, a prompt or standard input.
fn given(key: Option<&str>, file: Option<&Path>) -> Result<Key, CliError> {
    let mut text = key.unwrap_or_default().to_owned();
    if let Some(file) = file {
        text = from_file(file)?;
    } else if key.is_none() && std::io::stdin().is_terminal() {
        // Not echoed: terminals keep their output.
        let asked = Password::new()
            .with_prompt("The key that claude-sync key show prints on another machine")
            .interact();
        text = asked.unwrap_or_default();
    } else if key.is_none() {
        let _ = std::io::stdin().take(MAX_SIZE).read_to_string(&mut text);
    }
    Key::parse(&text).ok_or_else(|| {
        CliError::plain(
            "that is no key of claude-sync, or a character of it is wrong",
            "claude_sync::key",
            exit::CONFIG,
            "copy the whole line that claude-sync key show prints",
        )
    })
}

fn imported(new: &Key, purpose: Purpose, json: bool, env: &Env, places: &Places) {
    if json {
        print_json(new, places, false, None);
        return;
    }
    let what = match purpose {
        Purpose::Sealing => "The fleet is encrypted with it: nothing leaves this machine in clear.",
        Purpose::Names => "It hides project names alone; files are not encrypted with it.",
    };
    let (mark, path) = (
        new.mark(),
        printable(&places.key.display().to_string(), 400),
    );
    let text =
        format!("This machine has the key {mark} now, in {path}\n{what}\nNext: claude-sync\n");
    note(env, &text);
}
