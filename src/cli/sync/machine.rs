//! `claude-sync machine …`: lists machines, and decides their labels, groups, ids and merges.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{JsonOption, json, note, out};
use crate::cli::table::{Column, TextTable};
use crate::cli::{exit, places, source};
use serde_json::{Value, json};

use crate::base::ids::MachineId;
use crate::base::text::{printable, thousands};
pub(crate) use crate::cli::machine_name::{find, machines};
pub(crate) use crate::cli::sync::decide::decide;
use crate::cli::sync::tags::{self, GroupArgs, UserArgs};
use crate::fleet::decisions::{Intent, LABEL, MERGED, RETIRED};
use crate::fleet::{Fleet, MachineView, Tag};
use crate::format::syncfile::SyncFile;
use crate::report::{ago, dollars};
use crate::store::{Places, machine_id};
use crate::sync::identity;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List machines
    List(JsonOption),
    /// Give this computer a new machine id, if another computer uses the same one
    NewId(JsonOption),
    /// Keep the machine id on this computer, after a move or a restored backup
    Adopt(JsonOption),
    /// Set the label of a machine, which reports show instead of its hostname
    #[command(override_usage = "claude-sync machine rename [OPTIONS] [MACHINE] <LABEL>")]
    Rename {
        /// The machine (its id, the beginning of its id, or its name; this one if it is left out),
        /// and its new label; an empty label restores the hostname
        #[arg(value_name = "LABEL", num_args = 1..=2, required = true)]
        names: Vec<String>,
        /// The same as MACHINE
        #[arg(long, hide = true)]
        machine: Option<String>,
        #[command(flatten)]
        print: JsonOption,
    },
    /// Put a machine into a group, such as a team: reports split and select usage by group
    Group(GroupArgs),
    /// State who uses this machine: reports split and select usage by user
    User(UserArgs),
    /// Mark a machine as retired; its history is kept
    Retire {
        /// The machine: its id, the beginning of its id, or its name
        machine: String,
        /// Undo the decision
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        print: JsonOption,
    },
    /// Merge an old machine id into another machine
    Merge {
        /// The old id
        old: String,
        /// The machine to merge it into
        into: String,
        /// Undo the decision
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        print: JsonOption,
    },
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let (intent, print) = match &args.action {
        Action::List(print) => return list(&places, env, print.json),
        Action::NewId(print) => return new_id(&places, env, print.json),
        Action::Adopt(print) => return adopt(&places, env, print.json),
        Action::Rename {
            names,
            machine,
            print,
        } => (rename_by(&places, names, machine.as_deref())?, print),
        Action::Group(args) => (tags::group(&places, args)?, &args.print),
        Action::User(args) => (tags::user(&places, args)?, &args.print),
        Action::Retire {
            machine,
            undo,
            print,
        } => (retire(&places, machine, *undo)?, print),
        Action::Merge {
            old,
            into,
            undo,
            print,
        } => (merge(&places, (old, into), *undo)?, print),
    };
    decide(&places, env, vec![intent], print.json)
}

fn new_id(places: &Places, env: &Env, as_json: bool) -> Result<u8, CliError> {
    let (old, new) = identity::new_id(places, &env.options())?;
    if as_json {
        ids_to_json(&new, old.as_ref());
        return Ok(exit::OK);
    }
    let mut text = format!("The new machine id of this computer is {new}.\n");
    if let Some(old) = old {
        text.push_str(&format!(
            "The history of {old} is kept, with its label, group and user. If all of it came from this computer, merge it after the next claude-sync: claude-sync machine merge {old} {new}\n"
        ));
    }
    note(env, &text);
    Ok(exit::OK)
}

fn adopt(places: &Places, env: &Env, as_json: bool) -> Result<u8, CliError> {
    let machine = identity::adopt(places, &env.options())?;
    if as_json {
        ids_to_json(&machine, Some(&machine));
    } else {
        note(env, &format!("This computer is machine {machine}.\n"));
    }
    Ok(exit::OK)
}

fn ids_to_json(new: &MachineId, old: Option<&MachineId>) {
    json(&json!({
        "version": 1,
        "machine_id": new.as_str(),
        "old_machine_id": old.map(MachineId::as_str),
    }));
}

/// Takes `LABEL` or `MACHINE LABEL`.
fn rename_by(places: &Places, names: &[String], option: Option<&str>) -> Result<Intent, CliError> {
    match (names, option) {
        ([machine, label], None) => rename(places, label, Some(machine)),
        ([label], machine) => rename(places, label, machine),
        _ => Err(CliError::plain(
            "the machine is named twice",
            "claude_sync::usage",
            exit::USAGE,
            "leave out --machine: claude-sync machine rename MACHINE LABEL",
        )),
    }
}

fn rename(places: &Places, label: &str, machine: Option<&str>) -> Result<Intent, CliError> {
    let fleet = machines(places)?;
    let subject = match machine {
        Some(machine) => find(&fleet, machine)?.id.to_string(),
        None => tags::this_machine(places)?,
    };
    label_intent(subject, label)
}

/// The decision that a machine has a label.
pub(crate) fn label_intent(subject: String, label: &str) -> Result<Intent, CliError> {
    tags::check_name("label", label)?;
    Ok(Intent {
        kind: LABEL,
        subject,
        key: "label",
        value: label.into(),
    })
}

fn retire(places: &Places, machine: &str, undo: bool) -> Result<Intent, CliError> {
    let fleet = machines(places)?;
    Ok(Intent {
        kind: RETIRED,
        subject: find(&fleet, machine)?.id.to_string(),
        key: "retired",
        value: (!undo).into(),
    })
}

fn merge(places: &Places, (old, into): (&str, &str), undo: bool) -> Result<Intent, CliError> {
    let fleet = machines(places)?;
    let (old, into) = (find(&fleet, old)?, find(&fleet, into)?);
    if old.id == into.id {
        return Err(CliError::plain(
            "a machine cannot be merged into itself",
            "claude_sync::usage",
            exit::USAGE,
            "name two machines",
        ));
    }
    // An empty value undoes the merge.
    let value = if undo { "" } else { into.id.as_str() };
    Ok(Intent {
        kind: MERGED,
        subject: old.id.to_string(),
        key: "into",
        value: value.into(),
    })
}

fn list(places: &Places, env: &Env, as_json: bool) -> Result<u8, CliError> {
    let fleet = source::synced(places, None, &mut |_| {})?;
    let local = machine_id::read(&places.machine_id)?;
    if as_json {
        let machine = |machine| to_json(machine, &fleet, local.as_ref());
        let machines: Vec<_> = fleet.machines.iter().map(machine).collect();
        json(&json!({ "version": 1, "machines": machines }));
    } else {
        out(&to_table(&fleet, local.as_ref(), env));
    }
    Ok(exit::OK)
}

fn to_json(machine: &MachineView, fleet: &Fleet, local: Option<&MachineId>) -> Value {
    let file = machine.machine_file.as_ref();
    let last_sync = file.map(SyncFile::last_sync);
    json!({
        "machine_id": machine.id.as_str(),
        "label": machine.label,
        "group": machine.group,
        "user": machine.user,
        "hostname": file.map(|file| file.machine.hostname.as_str()),
        "platform": file.map(|file| file.machine.platform.as_str()),
        "last_sync": last_sync.map(|time| time.to_string()),
        "requests": machine.totals.requests,
        "total_cost_usd": dollars(machine.totals.cost.amount),
        "this_machine": local == Some(&machine.id),
        "retired": machine.retired,
        "merged_into": machine.merged_into.map(|index| fleet.machines[index].id.as_str()),
        "error": machine.error,
    })
}

fn to_table(fleet: &Fleet, local: Option<&MachineId>, env: &Env) -> String {
    let has = |tag: Tag| fleet.machines.iter().any(|one| !one.tag(tag).is_empty());
    let columns = [
        Column::text("Machine"),
        Column::text("Name"),
        Column::text("Group").only_if(has(Tag::Group)),
        Column::text("User").only_if(has(Tag::User)),
        Column::text("Last Sync"),
        Column::number("Requests").wide_only(),
        Column::number("Cost (USD)"),
        Column::text(""),
    ];
    let mut table = TextTable::new(env.width, columns);
    for machine in &fleet.machines {
        let last_sync = machine.machine_file.as_ref().map(SyncFile::last_sync);
        // A full id takes 36 characters.
        let id = if env.width < 130 {
            machine.id.short()
        } else {
            machine.id.as_str()
        };
        table.row([
            id.to_owned(),
            printable(&machine.label, 40),
            printable(&machine.group, 40),
            printable(&machine.user, 40),
            last_sync.map_or("never".to_owned(), |last| ago(env.now, last)),
            thousands(machine.totals.requests),
            format!("${}", machine.totals.cost.amount.cents()),
            state(machine, fleet, local),
        ]);
    }
    table.to_string()
}

/// The state of a machine, in words; empty for one that just syncs.
fn state(machine: &MachineView, fleet: &Fleet, local: Option<&MachineId>) -> String {
    let mut state = Vec::new();
    if local == Some(&machine.id) {
        state.push("this machine".to_owned());
    }
    if machine.retired {
        state.push("retired".to_owned());
    }
    if let Some(into) = machine.merged_into {
        state.push(format!("merged into {}", fleet.machines[into].id.short()));
    }
    if machine.error.is_some() {
        state.push("machine file unreadable".to_owned());
    }
    state.join(", ")
}
