//! `claude-sync machine …`: who the machines are.

use comfy_table::{Table, presets};
use serde_json::json;

use super::env::Env;
use super::error::CliError;
use super::sync::summary;
use super::{exit, note, out, outcome, source};
use crate::base::ids::MachineId;
use crate::base::text::{nearest, printable, thousands};
use crate::fleet::decisions::{Intent, LABEL, MERGED, RETIRED};
use crate::fleet::{Fleet, MachineView};
use crate::report;
use crate::store::{Places, machine_id};
use crate::sync::{self, Options, identity};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

/// What every one of these can print.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Print {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List all machines
    List(Print),
    /// Give this computer an id of its own, where another computer has the same
    NewId(Print),
    /// Say that this computer is the machine that its id names, after a move or a restored backup
    Adopt(Print),
    /// Call a machine something else than its host's name
    Rename {
        /// The new name; empty for the host's name
        label: String,
        /// The machine, by id, the beginning of its id, or name [default: this one]
        #[arg(long)]
        machine: Option<String>,
        #[command(flatten)]
        print: Print,
    },
    /// Say that a machine will not sync again; its history stays
    Retire {
        /// The machine, by id, the beginning of its id, or name
        machine: String,
        /// Take it back
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        print: Print,
    },
    /// Count an old id as another machine's past
    Merge {
        /// The old id
        old: String,
        /// The machine that it became
        into: String,
        /// Take it back
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        print: Print,
    },
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let options = env.options();
    let (intent, print) = match &args.action {
        Action::List(print) => {
            list(&places, env, print.json)?;
            return Ok(exit::OK);
        }
        Action::NewId(print) => {
            let (old, new) = identity::new_id(&places, &options)?;
            if print.json {
                super::json(
                    &json!({ "version": 1, "machine_id": new.as_str(), "old_machine_id": old.as_ref().map(MachineId::as_str) }),
                );
                return Ok(exit::OK);
            }
            let mut text = format!("This computer is machine {new} from now on.\n");
            if let Some(old) = old {
                text.push_str(&format!(
                    "What {old} synced stays. Where that was all this computer's: claude-sync machine merge {old} {new}, after the next claude-sync.\n"
                ));
            }
            note(env, &text);
            return Ok(exit::OK);
        }
        Action::Adopt(print) => {
            let machine = identity::adopt(&places, &options)?;
            if print.json {
                super::json(
                    &json!({ "version": 1, "machine_id": machine.as_str(), "old_machine_id": machine.as_str() }),
                );
                return Ok(exit::OK);
            }
            note(env, &format!("This computer is machine {machine}.\n"));
            return Ok(exit::OK);
        }
        Action::Rename {
            label,
            machine,
            print,
        } => {
            let fleet = machines(&places)?;
            let subject = match machine {
                Some(machine) => find(&fleet, machine)?.id.to_string(),
                None => machine_id::read_or_create(&places.machine_id)?
                    .0
                    .to_string(),
            };
            if label.chars().count() > 100 || label.chars().any(char::is_control) {
                return Err(CliError::plain(
                    "a label has at most 100 characters, and none that control a terminal",
                    "claude_sync::usage",
                    exit::USAGE,
                    "choose another",
                ));
            }
            (
                Intent {
                    kind: LABEL,
                    subject,
                    key: "label",
                    value: label.as_str().into(),
                },
                print,
            )
        }
        Action::Retire {
            machine,
            undo,
            print,
        } => {
            let fleet = machines(&places)?;
            (
                Intent {
                    kind: RETIRED,
                    subject: find(&fleet, machine)?.id.to_string(),
                    key: "retired",
                    value: (!undo).into(),
                },
                print,
            )
        }
        Action::Merge {
            old,
            into,
            undo,
            print,
        } => {
            let fleet = machines(&places)?;
            let (old, into) = (find(&fleet, old)?, find(&fleet, into)?);
            if old.id == into.id {
                return Err(CliError::plain(
                    "a machine is its own past already",
                    "claude_sync::usage",
                    exit::USAGE,
                    "name two machines",
                ));
            }
            let value = if *undo {
                "".into()
            } else {
                into.id.as_str().into()
            };
            (
                Intent {
                    kind: MERGED,
                    subject: old.id.to_string(),
                    key: "into",
                    value,
                },
                print,
            )
        }
    };
    decide(&places, env, vec![intent], print.json)
}

/// Syncs with a decision.
pub fn decide(
    places: &Places,
    env: &Env,
    intents: Vec<Intent>,
    json: bool,
) -> Result<u8, CliError> {
    let options = Options {
        intents,
        ..env.options()
    };
    let outcome = sync::run(places, &options)?;
    let decided = || -> Vec<_> {
        options.intents.iter().map(|one| json!({ "kind": one.kind, "subject": one.subject, "key": one.key, "value": one.value })).collect()
    };
    let words = || {
        format!(
            "Decided. It holds on every machine from its next sync on.\n{}",
            summary(&outcome, &options, &places.repo)
        )
    };
    Ok(outcome::tell(
        &outcome,
        env,
        json.then(|| vec![("decided", decided().into())]),
        words,
    ))
}

/// The machines as this clone knows them, by their pages: who they are, not what they used.
pub fn machines(places: &Places) -> Result<Fleet, CliError> {
    let repo = source::open(places)?;
    report::machines(&repo)?.ok_or_else(source::no_data)
}

/// The machine that a person means.
pub fn find<'f>(fleet: &'f Fleet, text: &str) -> Result<&'f MachineView, CliError> {
    let low = text.to_lowercase();
    let by = |fits: &dyn Fn(&MachineView) -> bool| {
        fleet
            .machines
            .iter()
            .filter(|m| fits(m))
            .collect::<Vec<_>>()
    };
    let host = |m: &MachineView| {
        m.page
            .as_ref()
            .is_some_and(|page| page.machine.hostname == text)
    };
    let tries = [
        by(&|m| m.id.as_str() == low),
        by(&|m| m.label == text),
        by(&host),
        by(&|m| low.len() >= 4 && m.id.as_str().starts_with(&low)),
    ];
    let found = tries
        .into_iter()
        .find(|found| !found.is_empty())
        .unwrap_or_default();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let near = nearest(
                text,
                fleet.machines.iter().map(|machine| machine.label.as_str()),
            );
            let near = near
                .map(|near| format!("did you mean {}? ", printable(near, 100)))
                .unwrap_or_default();
            Err(CliError::plain(
                &format!("there is no machine \"{text}\" here"),
                "claude_sync::no_machine",
                exit::USAGE,
                format!("{near}claude-sync machine list shows all that this clone knows"),
            ))
        }
        [..] => {
            let ids: Vec<_> = found.iter().map(|m| m.id.as_str()).collect();
            Err(CliError::plain(
                &format!("{} machines are called \"{text}\"", found.len()),
                "claude_sync::no_machine",
                exit::USAGE,
                format!("name one by its id: {}", ids.join(", ")),
            ))
        }
    }
}

fn list(places: &Places, env: &Env, as_json: bool) -> Result<(), CliError> {
    let fleet = source::synced(places, None, &mut |_| {})?;
    let own = machine_id::read(&places.machine_id)?;
    let rows = fleet.machines.iter().map(|m| {
        let last = m
            .page
            .as_ref()
            .map(crate::format::syncfile::SyncFile::last_sync);
        let mut state = Vec::new();
        if own.as_ref() == Some(&m.id) {
            state.push("this machine".to_owned());
        }
        if m.retired {
            state.push("retired".to_owned());
        }
        if let Some(into) = m.merged_into {
            state.push(format!("past of {}", fleet.machines[into].id.short()));
        }
        if m.error.is_some() {
            state.push("its page cannot be read".to_owned());
        }
        (m, last, state)
    });
    if as_json {
        let rows: Vec<_> = rows
            .map(|(m, last, _)| {
                json!({
                    "machine_id": m.id.as_str(),
                    "label": m.label,
                    "hostname": m.page.as_ref().map(|p| p.machine.hostname.as_str()),
                    "platform": m.page.as_ref().map(|p| p.machine.platform.as_str()),
                    "last_sync": last.map(|time| time.to_string()),
                    "requests": m.totals.requests,
                    "total_cost_usd": report::dollars(m.totals.cost.amount),
                    "this_machine": own.as_ref() == Some(&m.id),
                    "retired": m.retired,
                    "merged_into": m.merged_into.map(|at| fleet.machines[at].id.as_str()),
                    "error": m.error,
                })
            })
            .collect();
        super::json(&json!({ "version": 1, "machines": rows }));
        return Ok(());
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(comfy_table::ContentArrangement::Dynamic)
        .set_width(env.width);
    let wide = env.width >= 84;
    let head = ["Machine", "Name", "Last Sync", "Requests", "Cost (USD)", ""];
    table.set_header(head.into_iter().filter(|name| wide || *name != "Requests"));
    for (m, last, state) in rows {
        let cells = [
            if env.width < 130 {
                m.id.short().to_owned()
            } else {
                m.id.to_string()
            },
            printable(&m.label, 40),
            last.map_or("never".to_owned(), |last| report::ago(env.now, last)),
            thousands(m.totals.requests),
            format!("${}", m.totals.cost.amount.cents()),
            state.join(", "),
        ];
        table.add_row(
            cells
                .into_iter()
                .enumerate()
                .filter(|(at, _)| wide || *at != 3)
                .map(|(_, cell)| cell),
        );
    }
    for at in if wide { 3..=4 } else { 3..=3 } {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    out(&format!("{table}\n"));
    Ok(())
}
