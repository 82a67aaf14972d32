//! Finds the machine that a user names on the command line.

use super::error::CliError;
use super::{exit, source};
use crate::base::text::{nearest, printable};
use crate::fleet::{Fleet, MachineView};
use crate::report;
use crate::store::Places;

/// The machines of this clone, from their machine files, without records.
pub(crate) fn machines(places: &Places) -> Result<Fleet, CliError> {
    let repo = source::open(places)?;
    report::machines(&repo)?.ok_or_else(source::no_data)
}

/// The machine with this id, label or hostname, or whose id begins with at least four digits of it.
/// Fails if there is none, or several.
pub(crate) fn find<'f>(fleet: &'f Fleet, text: &str) -> Result<&'f MachineView, CliError> {
    let lower = text.to_lowercase();
    let by = |fits: &dyn Fn(&MachineView) -> bool| {
        let machines = fleet.machines.iter();
        machines.filter(|machine| fits(machine)).collect::<Vec<_>>()
    };
    let has_hostname = |machine: &MachineView| {
        let file = machine.machine_file.as_ref();
        file.is_some_and(|file| file.machine.hostname == text)
    };
    // From most to least specific: the first kind of name that matches decides.
    let found = [
        by(&|machine| machine.id.as_str() == lower),
        by(&|machine| machine.label == text),
        by(&has_hostname),
        by(&|machine| lower.len() >= 4 && machine.id.as_str().starts_with(&lower)),
    ];
    let found = found
        .into_iter()
        .find(|found| !found.is_empty())
        .unwrap_or_default();
    match found[..] {
        [one] => Ok(one),
        [] => Err(unknown(fleet, text)),
        [..] => Err(ambiguous(&found, text)),
    }
}

fn unknown(fleet: &Fleet, text: &str) -> CliError {
    let labels = fleet.machines.iter().map(|machine| machine.label.as_str());
    let near = nearest(text, labels)
        .map(|near| format!("did you mean {}? ", printable(near, 100)))
        .unwrap_or_default();
    CliError::plain(
        &format!("there is no machine \"{text}\""),
        "claude_sync::no_machine",
        exit::USAGE,
        format!("{near}claude-sync machine list shows all machines"),
    )
}

fn ambiguous(found: &[&MachineView], text: &str) -> CliError {
    let ids: Vec<_> = found.iter().map(|machine| machine.id.as_str()).collect();
    CliError::plain(
        &format!("{} machines are named \"{text}\"", found.len()),
        "claude_sync::no_machine",
        exit::USAGE,
        format!("use an id: {}", ids.join(", ")),
    )
}
