//! `claude-sync preview`: what would leave this machine.

use serde_json::{Value, json};

use super::env::Env;
use super::error::CliError;
use super::{exit, out};
use crate::base::ids::MachineId;
use crate::base::text::{count, printable};
use crate::sync::{self, Preview};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show every line, however many there are
    #[arg(long)]
    full: bool,
    /// Print JSON, with every line
    #[arg(long)]
    json: bool,
}

/// So many lines of a file are shown unasked.
const SHOWN: usize = 12;

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let preview = sync::preview(&places, &env.options())?;
    if args.json {
        super::json(&to_json(&preview));
        return Ok(exit::OK);
    }
    let mut text = String::from(
        "This is what the next claude-sync would commit and push. Nothing else leaves this machine.\n",
    );
    text.push_str(&format!(
        "\nAuthor of the commit, from git's configuration: {}\n",
        printable(&preview.author, 200)
    ));
    if preview.machine.is_none() {
        text.push_str("This machine has no id yet; the one below is made up for this preview.\n");
    }
    match &preview.sealed {
        Some(mark) => {
            text.push_str(&format!("All of it is encrypted with the key {mark}; paths are not, nor are the author and the time.\n"));
        }
        None => {
            text.push_str("It is not encrypted: who can read the repository can read all of it.\n")
        }
    }
    text.push_str("\nCommit message:\n");
    preview
        .message
        .lines()
        .for_each(|line| text.push_str(&format!("  {}\n", printable(line, 400))));
    let mut left = 0;
    for file in &preview.files {
        text.push_str(&format!(
            "\n{}: {}\n",
            printable(&file.path, 400),
            count(file.lines.len() as u64, "new line")
        ));
        let shown = if args.full { file.lines.len() } else { SHOWN };
        file.lines
            .iter()
            .take(shown)
            .for_each(|line| text.push_str(&format!("  {}\n", printable(line, 2000))));
        left += file.lines.len().saturating_sub(shown);
    }
    if preview.files.is_empty() {
        text.push_str("\nNothing new.\n");
    }
    if left > 0 {
        text.push_str(&format!(
            "\n{} more; all of them: claude-sync preview --full\n",
            count(left as u64, "line")
        ));
    }
    out(&text);
    Ok(exit::OK)
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
