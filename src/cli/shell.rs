//! Shell completions and manual pages, from the definitions of the command line.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Command;

use super::error::CliError;
use super::exit;
use super::print::{out, printed};
use crate::base::text::printable;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync completions bash > ~/.local/share/bash-completion/completions/claude-sync
  claude-sync completions zsh > ~/.zfunc/_claude-sync
  claude-sync completions fish > ~/.config/fish/completions/claude-sync.fish
The same for claude-usage-tracker: claude-usage-tracker completions SHELL")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints the completions of a program for a shell.
pub(crate) fn completions(args: &CompletionsArgs, mut program: Command) -> u8 {
    let name = program.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut program, name, &mut text);
    // It contains nothing from outside: no escaping is needed.
    let mut to = std::io::stdout();
    printed(to.write_all(&text).and_then(|()| to.flush()));
    exit::OK
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Folder for the manual pages, such as ~/.local/share/man/man1
    folder: PathBuf,
}

/// Writes the manual pages of programs and all their commands.
pub(crate) fn man(args: &ManArgs, programs: Vec<Command>) -> Result<u8, CliError> {
    // For everybody on the machine, and for packages.
    crate::store::private::release();
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&args.folder)?;
        programs
            .into_iter()
            .try_for_each(|program| clap_mangen::generate_to(program, &args.folder))
    };
    let shown = printable(&args.folder.display().to_string(), 400);
    write().map_err(|error| {
        let message = format!("failed to write manual pages into {shown}: {error}");
        CliError::plain(
            &message,
            "claude_sync::output",
            exit::FAILURE,
            "choose a folder that you may write to",
        )
    })?;
    out(&format!("Manual pages are in {shown}\n"));
    Ok(exit::OK)
}
