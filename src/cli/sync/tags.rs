//! `claude-sync machine group` and `machine user`: the tags by which reports split machines.

use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::machine_name::{find, machines};
use crate::cli::print::JsonOption;

use crate::fleet::Tag;
use crate::fleet::decisions::{Intent, kind_of};
use crate::store::{Places, machine_id};

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "claude-sync machine group [OPTIONS] [MACHINE] <NAME>\n       claude-sync machine group --undo [MACHINE]",
    after_help = "\
Examples:
  claude-sync machine group backend           this machine
  claude-sync machine group laptop backend    another machine, from here
  claude-usage-tracker monthly --by group     reports by group"
)]
pub(crate) struct GroupArgs {
    /// The machine (its id, the beginning of its id, or its name; this one if it is left out), and
    /// its group
    #[arg(value_name = "NAME", num_args = 0..=2, required_unless_present = "undo")]
    names: Vec<String>,
    /// Take the machine out of its group
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    pub(super) print: JsonOption,
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "claude-sync machine user [OPTIONS] <LABEL>\n       claude-sync machine user --undo",
    after_help = "\
Nothing is guessed from git or the system, and no other machine can set it. Everybody who can read
the repository sees it; the name stays in the repository's files after --undo.

Examples:
  claude-sync machine user ada              this machine
  claude-usage-tracker monthly --by user    reports by user"
)]
pub(crate) struct UserArgs {
    /// What to call the user: a name, initials or a pseudonym
    #[arg(value_name = "LABEL", required_unless_present = "undo")]
    label: Option<String>,
    /// Take it back
    #[arg(long, conflicts_with = "label")]
    undo: bool,
    #[command(flatten)]
    pub(super) print: JsonOption,
}

/// The decision on a machine's group.
pub(super) fn group(places: &Places, args: &GroupArgs) -> Result<Intent, CliError> {
    let (machine, name) = match (args.undo, args.names.as_slice()) {
        (false, [name]) => (None, name.as_str()),
        (false, [machine, name]) => (Some(machine), name.as_str()),
        (true, []) => (None, ""),
        (true, [machine]) => (Some(machine), ""),
        _ => {
            return Err(CliError::plain(
                "--undo takes no name of a group",
                "claude_sync::usage",
                exit::USAGE,
                "name the machine only: claude-sync machine group --undo MACHINE",
            ));
        }
    };
    let subject = match machine {
        Some(machine) => find(&machines(places)?, machine)?.id.to_string(),
        None => this_machine(places)?,
    };
    intent(Tag::Group, subject, name)
}

/// The decision on this machine's user.
pub(super) fn user(places: &Places, args: &UserArgs) -> Result<Intent, CliError> {
    let label = args.label.as_deref().unwrap_or_default();
    intent(Tag::User, this_machine(places)?, label)
}

/// The id of this machine.
pub(super) fn this_machine(places: &Places) -> Result<String, CliError> {
    Ok(machine_id::read_or_create(&places.machine_id)?
        .0
        .to_string())
}

fn intent(tag: Tag, subject: String, name: &str) -> Result<Intent, CliError> {
    let kind = kind_of(tag);
    check_name(kind, name)?;
    Ok(Intent {
        kind,
        subject,
        key: kind,
        value: name.into(),
    })
}

/// Fails for a name that reports could not show. `what`: what it is the name of.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), CliError> {
    if name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(CliError::plain(
            &format!("the {what} has more than 100 characters, or contains control characters"),
            "claude_sync::usage",
            exit::USAGE,
            format!("choose another {what}"),
        ));
    }
    Ok(())
}
