//! `claude-sync preview`: shows what the next sync would commit and push.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, places};
use serde_json::{Value, json};

use crate::base::ids::MachineId;
use crate::base::text::{count, printable};
use crate::sync::{self, Preview};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show all new lines of each file [default: the first 12]
    #[arg(long)]
    full: bool,
    /// Print JSON, with all new lines
    #[arg(long)]
    json: bool,
}

/// Number of lines of a file that are shown without `--full`.
const SHOWN: usize = 12;

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let preview = sync::preview(&places::find()?, &env.options())?;
    if args.json {
        json(&to_json(&preview));
    } else {
        let shown = if args.full { usize::MAX } else { SHOWN };
        out(&(heading(&preview) + &files(&preview, shown)));
    }
    Ok(exit::OK)
}

/// The commit's author, machine, encryption and message.
fn heading(preview: &Preview) -> String {
    let mut text = format!(
        "This is what the next claude-sync would commit and push. Nothing else leaves this machine.\n\nAuthor of the commit, from git's configuration: {}\n",
        printable(&preview.author, 200)
    );
    if preview.machine.is_none() {
        text.push_str(
            "This machine has no id yet; the one below is random, for this preview only.\n",
        );
    }
    text.push_str(&match &preview.sealed {
        Some(mark) => format!(
            "Contents are encrypted with the key {mark}; paths, the author and the time are not.\n"
        ),
        None => "Nothing is encrypted: everybody who can read the repository can read all of it.\n"
            .to_owned(),
    });
    text.push_str("\nCommit message:\n");
    for line in preview.message.lines() {
        text.push_str(&format!("  {}\n", printable(line, 400)));
    }
    text
}

/// The changed files, each with at most `shown` new lines.
fn files(preview: &Preview, shown: usize) -> String {
    if preview.files.is_empty() {
        return "\nNothing new.\n".to_owned();
    }
    let mut text = String::new();
    let mut hidden = 0;
    for file in &preview.files {
        let (path, number) = (printable(&file.path, 400), file.lines.len());
        let lines = count(number as u64, "new line");
        text.push_str(&format!("\n{path}: {lines}\n"));
        for line in file.lines.iter().take(shown) {
            text.push_str(&format!("  {}\n", printable(line, 2000)));
        }
        hidden += number.saturating_sub(shown);
    }
    if hidden > 0 {
        let lines = count(hidden as u64, "line");
        text.push_str(&format!(
            "\n{lines} more; to see all: claude-sync preview --full\n"
        ));
    }
    text
}

fn to_json(preview: &Preview) -> Value {
    let files: Vec<_> = preview
        .files
        .iter()
        .map(|file| json!({ "path": file.path, "lines": file.lines }))
        .collect();
    json!({
        "version": 1,
        "author": preview.author,
        "machine_id": preview.machine.as_ref().map(MachineId::as_str),
        "sealed_with": preview.sealed,
        "message": preview.message,
        "files": files,
    })
}
