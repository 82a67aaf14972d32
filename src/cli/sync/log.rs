//! `claude-sync log`: the history of syncs.

use crate::cli::days::{self, DayArg};
use crate::cli::deepen::deepen;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::machine_name::{find, machines};
use crate::cli::print::{json, out};
use crate::cli::table::{Column, TextTable};
use crate::cli::{exit, places, source};
use serde_json::{Value, json};

use crate::base::ids::MachineId;
use crate::base::text::{printable, thousands};
use crate::fleet::Fleet;
use crate::report::{Zone, dollars};
use crate::sync::history::{self, Entry};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only syncs of this machine: its id, the beginning of its id, or its name
    #[arg(long)]
    machine: Option<String>,
    /// First day: 2026-11-23, 20261123, today, yesterday, monday, or how long ago (3d, 2w, 1m)
    #[arg(long, value_name = "DAY", value_parser = days::day)]
    since: Option<DayArg>,
    /// Number of commits to read, from the newest
    #[arg(short = 'n', long, default_value_t = 10_000)]
    max_count: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let repo = source::open(&places)?;
    let fleet = machines(&places)?;
    let wanted = args
        .machine
        .as_deref()
        .map(|name| find(&fleet, name))
        .transpose()?
        .map(|view| &view.id);
    let mut entries = history::log(&repo, args.max_count)?;
    if entries.len() < args.max_count && !repo.shallow().is_empty() {
        deepen(&repo, env);
        let repo = source::open(&places)?;
        entries = history::log(&repo, args.max_count)?;
    }
    let today = Zone::Local.date(env.now);
    let first = args.since.map(|day| day.on(today));
    entries.retain(|entry| {
        let date = Zone::Local.date(entry.at);
        first.is_none_or(|since| date >= since)
            && (wanted.is_none() || entry.machine.as_ref() == wanted)
    });
    if args.json {
        let syncs: Vec<_> = entries.iter().map(|entry| to_json(entry, &fleet)).collect();
        json(&json!({ "version": 1, "syncs": syncs }));
    } else if entries.is_empty() {
        out("No syncs.\n");
    } else {
        out(&to_table(&entries, &fleet, env.width));
    }
    Ok(exit::OK)
}

/// A machine's label, or the first digits of its id if it has none.
fn label(fleet: &Fleet, id: &MachineId) -> String {
    fleet
        .machines
        .iter()
        .find(|view| view.id == *id)
        .filter(|view| !view.label.is_empty())
        .map_or_else(|| id.short().to_owned(), |view| view.label.clone())
}

fn to_json(entry: &Entry, fleet: &Fleet) -> Value {
    json!({
        "commit": entry.commit.to_string(),
        "at": entry.at.to_string(),
        "subject": entry.subject,
        "machine_id": entry.machine.as_ref().map(MachineId::as_str),
        "machine": entry.machine.as_ref().map(|id| label(fleet, id)),
        "mode": entry.mode,
        "syncs": entry.syncs,
        "sessions": entry.sessions,
        "records_added": entry.added,
        "records_grown": entry.grown,
        "cost_added_usd": dollars(entry.cost),
    })
}

fn to_table(entries: &[Entry], fleet: &Fleet, width: u16) -> String {
    let columns = [
        Column::text("When").unbroken(),
        Column::text("Machine"),
        Column::number("Sessions").wide_only(),
        Column::number("Records"),
        Column::number("Cost (USD)"),
        Column::text("Commit").wide_only(),
    ];
    let mut table = TextTable::new(width, columns);
    for entry in entries {
        table.row(cells(entry, fleet));
    }
    table.to_string()
}

/// What a commit without records did: its subject, without the machine's name.
fn what(entry: &Entry) -> String {
    let what = entry.subject.split_once(": ").map(|(_, what)| what);
    printable(what.unwrap_or(&entry.subject), 40)
}

fn cells(entry: &Entry, fleet: &Fleet) -> [String; 6] {
    let none = String::new;
    // The subject of a commit by hand, or of one without records, is more useful than zeros.
    let records = entry.added.saturating_add(entry.grown);
    let (machine, figures) = match &entry.machine {
        Some(id) if entry.mode == "download" => {
            (label(fleet, id), [none(), "joined".to_owned(), none()])
        }
        Some(id) if records == 0 => (label(fleet, id), [none(), what(entry), none()]),
        Some(id) => {
            let figures = [
                thousands(entry.sessions),
                thousands(records),
                format!("${}", entry.cost.cents()),
            ];
            (label(fleet, id), figures)
        }
        None => (entry.subject.clone(), [none(), none(), none()]),
    };
    let [sessions, records, cost] = figures;
    [
        Zone::Local.minute(entry.at),
        printable(&machine, 40),
        sessions,
        records,
        cost,
        entry.commit.to_string()[..8].to_owned(),
    ]
}
