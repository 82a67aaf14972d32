//! `claude-sync log` and `claude-sync diff`: history that people read.

use chrono::NaiveDate;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::json;

use super::env::Env;
use super::error::CliError;
use super::{exit, machine, out, rows, source};
use crate::base::text::{count, printable, thousands};
use crate::fleet::Fleet;
use crate::fleet::{DataError, read};
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::record::Totals;
use crate::report::{self, Zone, diff};
use crate::sync::{SyncError, history};

#[derive(Debug, clap::Args)]
pub struct LogArgs {
    /// Only syncs of this machine, by id, the beginning of its id, or name
    #[arg(long)]
    machine: Option<String>,
    /// The first day (YYYY-MM-DD or YYYYMMDD)
    #[arg(long, value_name = "DAY", value_parser = rows::date)]
    since: Option<NaiveDate>,
    /// How many commits to look at, from the newest
    #[arg(short = 'n', long, default_value_t = 10_000)]
    max_count: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// From here, as git names commits [default: before the last commit]
    from: Option<String>,
    /// To here [default: HEAD]
    to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Below this width of the terminal a table leaves columns out.
const NARROW: u16 = 84;

/// Leaves out what can be looked up elsewhere, where the terminal is narrow.
fn narrowed(env: &Env, cells: Vec<String>, left_out: [usize; 2]) -> Vec<String> {
    cells
        .into_iter()
        .enumerate()
        .filter(|(at, _)| env.width >= NARROW || !left_out.contains(at))
        .map(|(_, cell)| cell)
        .collect()
}

fn repo() -> Result<Repo, CliError> {
    let places = Env::places()?;
    source::open(&places)
}

pub fn log(args: &LogArgs, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let repo = repo()?;
    let fleet = machine::machines(&places)?;
    let wanted = args
        .machine
        .as_deref()
        .map(|text| machine::find(&fleet, text))
        .transpose()?
        .map(|view| view.id.clone());
    let late = |entry: &history::Entry| {
        args.since
            .is_none_or(|since| Zone::Local.date(entry.at) >= since)
    };
    let entries = history::log(&repo, args.max_count)?;
    let entries: Vec<_> = entries
        .into_iter()
        .filter(|entry| late(entry) && (wanted.is_none() || entry.machine == wanted))
        .collect();
    let name = |id: &crate::base::ids::MachineId| {
        let view = fleet
            .machines
            .iter()
            .find(|view| view.id == *id)
            .filter(|view| !view.label.is_empty());
        view.map_or_else(|| id.short().to_owned(), |view| view.label.clone())
    };
    if args.json {
        let rows: Vec<_> = entries
            .iter()
            .map(|entry| {
                json!({
                    "commit": entry.commit.to_string(),
                    "at": entry.at.to_string(),
                    "subject": entry.subject,
                    "machine_id": entry.machine.as_ref().map(crate::base::ids::MachineId::as_str),
                    "machine": entry.machine.as_ref().map(name),
                    "mode": entry.mode,
                    "sessions": entry.sessions,
                    "records_added": entry.added,
                    "records_grown": entry.grown,
                    "cost_added_usd": report::dollars(entry.cost),
                })
            })
            .collect();
        super::json(&json!({ "version": 1, "syncs": rows }));
        return Ok(exit::OK);
    }
    if entries.is_empty() {
        out("No syncs.\n");
        return Ok(exit::OK);
    }
    let narrow = |cells: Vec<String>| narrowed(env, cells, [2, 5]);
    let head = [
        "When",
        "Machine",
        "Sessions",
        "Records",
        "Cost (USD)",
        "Commit",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut table = table(
        env,
        &narrow(head).iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for entry in &entries {
        let when = Zone::Local.minute(entry.at);
        let commit = entry.commit.to_string()[..8].to_owned();
        table.add_row(narrow(match &entry.machine {
            Some(id) if entry.mode != "download" => {
                let records = thousands(entry.added.saturating_add(entry.grown));
                vec![
                    when,
                    printable(&name(id), 40),
                    thousands(entry.sessions),
                    records,
                    format!("${}", entry.cost.cents()),
                    commit,
                ]
            }
            // A commit by hand, or one that only joined: its subject says more than zeros.
            Some(id) => vec![
                when,
                printable(&name(id), 40),
                String::new(),
                "joined".to_owned(),
                String::new(),
                commit,
            ],
            None => vec![
                when,
                printable(&entry.subject, 40),
                String::new(),
                String::new(),
                String::new(),
                commit,
            ],
        }));
    }
    right(
        &mut table,
        if env.width < NARROW {
            &[2, 3]
        } else {
            &[2, 3, 4]
        },
    );
    if let Some(when) = table.column_mut(0) {
        when.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
    }
    out(&format!("{table}\n"));
    Ok(exit::OK)
}

pub fn diff(args: &DiffArgs, env: &Env) -> Result<u8, CliError> {
    let repo = repo()?;
    let find = |text: &str| {
        repo.revision(text).ok_or_else(|| {
            CliError::plain(
                &format!("there is no commit \"{text}\""),
                "claude_sync::no_commit",
                exit::USAGE,
                "name it as git does: HEAD~3, a branch, or the beginning of an id from claude-sync log",
            )
        })
    };
    let to = find(args.to.as_deref().unwrap_or("HEAD"))?;
    let from = match &args.from {
        Some(text) => Some(find(text)?),
        // The first commit came after nothing.
        None => repo.revision("HEAD^"),
    };
    let (old, new) = (fleet(&repo, from)?, fleet(&repo, Some(to))?);
    let changes = diff::diff(&old, &new);
    if args.json {
        let rows: Vec<_> = changes
            .sessions
            .iter()
            .map(|change| {
                json!({
                    "session_id": change.session.as_str(),
                    "project": change.project,
                    "machines": change.machines,
                    "before": totals(&change.before),
                    "after": totals(&change.after),
                })
            })
            .collect();
        super::json(&json!({
            "version": 1,
            "from": from.map(|commit| commit.to_string()),
            "to": to.to_string(),
            "sessions": rows,
            "before": totals(&changes.before),
            "after": totals(&changes.after),
        }));
        return Ok(exit::OK);
    }
    if changes.sessions.is_empty() {
        out("No session changed.\n");
        return Ok(exit::OK);
    }
    let head = [
        "Session",
        "Project",
        "Machines",
        "Requests",
        "Tokens",
        "Cost (USD)",
    ]
    .map(str::to_owned)
    .to_vec();
    let narrow = |cells: Vec<String>| narrowed(env, cells, [2, 4]);
    let mut table = table(
        env,
        &narrow(head).iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for change in &changes.sessions {
        let id = change.session.as_str();
        let id = if env.width < 120 && id.len() > 8 {
            printable(id, 8)
        } else {
            printable(id, 40)
        };
        let mut cells = vec![
            id,
            printable(&change.project, 30),
            printable(&change.machines.join(", "), 60),
        ];
        cells.extend(change_of(&change.before, &change.after));
        table.add_row(narrow(cells));
    }
    let mut cells = vec![
        "Total".to_owned(),
        count(changes.sessions.len() as u64, "session"),
        String::new(),
    ];
    cells.extend(change_of(&changes.before, &changes.after));
    table.add_row(narrow(cells));
    right(
        &mut table,
        if env.width < NARROW {
            &[2, 3]
        } else {
            &[3, 4, 5]
        },
    );
    out(&format!("{table}\n"));
    Ok(exit::OK)
}

/// The change of each figure, signed.
fn change_of(before: &Totals, after: &Totals) -> [String; 3] {
    let signed = |was: u64, is: u64| {
        if is >= was {
            format!("+{}", thousands(is - was))
        } else {
            format!("-{}", thousands(was - is))
        }
    };
    let (was, is) = (before.cost.amount, after.cost.amount);
    let cost = if is >= was {
        format!("+${}", is.minus(was).cents())
    } else {
        format!("-${}", was.minus(is).cents())
    };
    [
        signed(before.requests, after.requests),
        signed(before.counters.total(), after.counters.total()),
        cost,
    ]
}

fn totals(totals: &Totals) -> serde_json::Value {
    json!({ "requests": totals.requests, "total_tokens": totals.counters.total(), "total_cost_usd": report::dollars(totals.cost.amount) })
}

fn fleet(repo: &Repo, commit: Option<Oid>) -> Result<Fleet, CliError> {
    let read = || -> Result<Fleet, DataError> {
        let root = commit.map(|commit| repo.tree_of(commit)).transpose()?;
        let (machines, archive) = read::inputs(repo, root)?;
        Ok(Fleet::count(read::load(repo, machines, archive)?))
    };
    read().map_err(|error| SyncError::Merge(error).into())
}

fn table(env: &Env, head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(env.width);
    table.set_header(head);
    table
}

fn right(table: &mut Table, columns: &[usize]) {
    for at in columns {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
