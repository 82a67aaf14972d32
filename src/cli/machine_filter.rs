//! The options that select machines: by name, by group and by user.

use super::error::CliError;
use super::exit;
use super::machine_name::find;

use crate::base::ids::MachineId;
use crate::base::text::{nearest, printable};
use crate::fleet::{Fleet, MachineView, Tag};

/// The options that select machines. Several of one option add up; of several options all must fit.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct MachineFilter {
    /// Only the machine with this name or id; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) machine: Vec<String>,
    /// Only machines of this group; may be given several times; "" is machines without one
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Vec<String>,
    /// Only machines of this user; may be given several times; "" is machines without one
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Vec<String>,
}

impl MachineFilter {
    /// Whether all machines are selected.
    pub(crate) fn is_empty(&self) -> bool {
        self.machine.is_empty() && self.group.is_empty() && self.user.is_empty()
    }

    /// The ids of the selected machines; none where all are. Fails for a name that no machine has,
    /// and where no machine fits all options.
    pub(crate) fn select(&self, fleet: &Fleet) -> Result<Vec<MachineId>, CliError> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let names = self.machine.iter();
        let ids: Vec<MachineId> = names
            .map(|name| machine_id(fleet, name))
            .collect::<Result<_, _>>()?;
        check(fleet, Tag::Group, &self.group)?;
        check(fleet, Tag::User, &self.user)?;
        let fits = |wanted: &[String], name: &str| {
            wanted.is_empty() || wanted.iter().any(|one| one == name)
        };
        let selected: Vec<MachineId> = counted(fleet)
            .filter(|one| ids.is_empty() || ids.contains(&one.id))
            .filter(|one| fits(&self.group, &one.group) && fits(&self.user, &one.user))
            .map(|one| one.id.clone())
            .collect();
        if selected.is_empty() {
            return Err(unknown(
                "no machine fits --machine, --group and --user together",
                "",
            ));
        }
        Ok(selected)
    }
}

/// The machines that usage counts for.
fn counted(fleet: &Fleet) -> impl Iterator<Item = &MachineView> {
    let machines = fleet.machines.iter();
    machines.filter(|machine| machine.merged_into.is_none())
}

/// Fails for the name of a group or user that no machine has.
fn check(fleet: &Fleet, tag: Tag, names: &[String]) -> Result<(), CliError> {
    let has = |name: &&String| counted(fleet).any(|machine| machine.tag(tag) == name.as_str());
    let Some(name) = names.iter().find(|name| !has(name)) else {
        return Ok(());
    };
    let known = counted(fleet).map(|machine| machine.tag(tag));
    let near = nearest(name, known.filter(|known| !known.is_empty()))
        .map(|near| format!("did you mean {}? ", printable(near, 100)))
        .unwrap_or_default();
    let what = match (tag, name.is_empty()) {
        (Tag::Group, false) => format!("no machine is in the group \"{name}\""),
        (Tag::Group, true) => "every machine is in a group".to_owned(),
        (Tag::User, false) => format!("no machine has the user \"{name}\""),
        (Tag::User, true) => "every machine has a user".to_owned(),
    };
    Err(unknown(&what, &near))
}

fn unknown(what: &str, near: &str) -> CliError {
    CliError::plain(
        what,
        "claude_sync::no_machine",
        exit::USAGE,
        format!("{near}claude-sync machine list shows all machines, with their groups and users"),
    )
}

/// The id of a named machine; if it was merged into another one, of that one.
fn machine_id(fleet: &Fleet, name: &str) -> Result<MachineId, CliError> {
    let found = find(fleet, name)?;
    Ok(found
        .merged_into
        .map_or(&found.id, |index| &fleet.machines[index].id)
        .clone())
}
