//! Tables that fit the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::lower::Lower;
use super::{Group, Kind, Mode, Report, Split};
use crate::base::money::Cost;
use crate::base::text::{ago, count, printable, short_model, thousands};
use crate::base::time::Timestamp;
use crate::record::Totals;

/// How a table is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The terminal's width in columns.
    pub width: u16,
    /// The clock, for how long ago something was.
    pub now: Timestamp,
    /// Few columns, however wide the terminal is.
    pub compact: bool,
}

impl Look {
    fn wide(self) -> bool {
        self.width >= WIDE && !self.compact
    }
}

/// What stands for a model that nobody names.
const NO_MODEL: &str = "unknown";

/// From this width on, cache columns are shown.
const WIDE: u16 = 110;

/// The report as text, with what a reader should know below it.
pub fn to_table(report: &Report, look: Look) -> String {
    if report.groups.is_empty() {
        return "No usage in this period.\n".to_owned();
    }
    let wide = look.wide();
    let mut table = Table::new();
    // Where a table cannot have the width it wants, words wrap inside their cells; figures never do.
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width);
    let mut head = header(report.kind, wide);
    // Where models have lines of their own, their names need no column.
    let models = head
        .iter()
        .position(|name| *name == "Models")
        .filter(|_| report.split == Some(Split::Model));
    models.map(|at| head.remove(at));
    let texts = head.len();
    head.extend(columns(report, wide).map(|(name, _)| name));
    let mut row = |cells: Vec<String>| {
        table.add_row(
            cells
                .into_iter()
                .enumerate()
                .map(|(at, text)| Cell::new(text).set_alignment(side(at, texts))),
        );
    };
    // Of a part or of all, only the name is told.
    let named = |name: String, totals: &Totals| {
        let mut cells = vec![String::new(); texts];
        cells[0] = name;
        cells.extend(columns(report, wide).map(|(_, cell)| cell(totals)));
        cells
    };
    for group in &report.groups {
        let mut cells = words(group, report.kind, look);
        models.map(|at| cells.remove(at));
        cells.extend(columns(report, wide).map(|(_, cell)| cell(&group.totals)));
        row(cells);
        for (part, totals) in &group.parts {
            row(named(
                format!("└ {}", part_name(part, report.split)),
                totals,
            ));
        }
    }
    row(named("Total".to_owned(), &report.totals));
    table.set_header(
        head.iter()
            .enumerate()
            .map(|(at, name)| Cell::new(name).set_alignment(side(at, texts))),
    );
    for at in texts..head.len() {
        if let Some(column) = table.column_mut(at) {
            column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
        }
    }
    let mut out = format!("{table}\n");
    for note in notes(report, look) {
        out.push_str(&note);
        out.push('\n');
    }
    out
}

/// A column of figures: its name, and what stands in it.
type Column = (&'static str, fn(&Totals) -> String);

const FIGURES: [Column; 6] = [
    ("Input", |totals| thousands(totals.counters.input)),
    ("Output", |totals| thousands(totals.counters.output)),
    ("Cache Create", |totals| {
        thousands(totals.counters.cache_creation)
    }),
    ("Cache Read", |totals| thousands(totals.counters.cache_read)),
    ("Total Tokens", |totals| thousands(totals.counters.total())),
    ("Cost (USD)", |totals| price(totals.cost)),
];

/// The columns of figures that a report has.
fn columns(report: &Report, wide: bool) -> impl Iterator<Item = Column> {
    let cost = !report.without_cost;
    FIGURES
        .into_iter()
        .enumerate()
        .filter(move |(at, _)| (wide || [0, 1, 5].contains(at)) && (cost || *at < 5))
        .map(|(_, column)| column)
}

/// What a part is called.
fn part_name(part: &str, split: Option<Split>) -> String {
    match split {
        Some(Split::Model) => short_model(part),
        _ => project(part),
    }
}

/// A project's name; where it is not told, that.
fn project(name: &str) -> String {
    if name.is_empty() {
        "(not told)".to_owned()
    } else {
        printable(name, 40)
    }
}

fn header(kind: Kind, wide: bool) -> Vec<&'static str> {
    match kind {
        Kind::Daily => vec!["Date", "Models"],
        Kind::Weekly => vec!["Week", "Models"],
        Kind::Projects => vec!["Project", "Models"],
        Kind::Models => vec!["Model"],
        Kind::Monthly => vec!["Month", "Models"],
        Kind::Session if wide => vec!["Session", "Project", "Models", "Last Activity"],
        Kind::Session => vec!["Session", "Project"],
        Kind::Machines if wide => vec!["Machine", "Models", "Last Sync"],
        Kind::Machines => vec!["Machine", "Last Sync"],
    }
}

fn words(group: &Group, kind: Kind, look: Look) -> Vec<String> {
    let wide = look.wide();
    let models = || {
        group
            .models
            .keys()
            .map(|model| short_model(model))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let ago = |time: Option<Timestamp>| time.map_or("never".to_owned(), |time| ago(look.now, time));
    let key = printable(&group.key, 60);
    match kind {
        Kind::Daily | Kind::Weekly | Kind::Monthly => vec![key, models()],
        Kind::Projects => vec![project(&group.key), models()],
        Kind::Models => vec![key],
        Kind::Session => {
            let id = match (key.is_empty(), wide) {
                (true, _) => "(claimed)".to_owned(),
                (false, true) => key,
                (false, false) => printable(&group.key, 8),
            };
            let project = printable(&group.project, if wide { 40 } else { 20 });
            if wide {
                vec![
                    id,
                    project,
                    models(),
                    group
                        .last
                        .map_or(String::new(), |last| last.to_string()[..10].to_owned()),
                ]
            } else {
                vec![id, project]
            }
        }
        Kind::Machines => {
            let label = printable(&group.label, 40);
            if wide {
                vec![label, models(), ago(group.last_sync)]
            } else {
                vec![label, ago(group.last_sync)]
            }
        }
    }
}

/// A price; `+ ?` where a part of it is not known.
pub fn price(cost: Cost) -> String {
    format!(
        "${}{}",
        cost.amount.cents(),
        if cost.known { "" } else { " + ?" }
    )
}

fn side(column: usize, texts: usize) -> CellAlignment {
    if column < texts {
        CellAlignment::Left
    } else {
        CellAlignment::Right
    }
}

/// So many machines are told when they last synced: those that did so longest ago.
const MACHINES: usize = 8;

/// Names models without a price, with the command to set one, on a line that fits the terminal.
pub(super) fn no_price(models: &[&str], look: Look) -> String {
    let first = printable(models.first().unwrap_or(&NO_MODEL), 60);
    let all = models
        .iter()
        .map(|model| printable(model, 60))
        .collect::<Vec<_>>()
        .join(", ");
    let more = match models.len() {
        0 | 1 => first.clone(),
        several => format!("{first} and {} more", several - 1),
    };
    let set = format!("claude-sync price set {first}");
    let full = format!("{set} --input USD --output USD");
    let number = count(models.len() as u64, "model");
    let lines = [
        format!("No price for {all}: {full}"),
        format!("No price for {more}: {full}"),
        format!("No price for {more}: {set}"),
        format!("No price for {all}: claude-sync price set MODEL"),
        format!("No price for {more}: claude-sync price set MODEL"),
        format!("No price for {number}: claude-sync price set MODEL"),
    ];
    let fits = |line: &&String| line.chars().count() <= usize::from(look.width);
    lines.iter().find(fits).unwrap_or(&lines[5]).clone()
}

pub(super) fn notes(report: &Report, look: Look) -> Vec<String> {
    let mut out = Vec::new();
    if !report.unpriced.is_empty() && !report.without_cost {
        let models: Vec<&str> = report.unpriced.keys().map(String::as_str).collect();
        out.push(if report.mode == Mode::Display {
            let models: Vec<_> = models.iter().map(|model| printable(model, 60)).collect();
            format!(
                "The transcripts tell no cost for {}: tokens are counted, cost is not.",
                models.join(", ")
            )
        } else {
            no_price(&models, look)
        });
    }
    let ledger: Totals = report.groups.iter().map(|group| group.ledger).sum();
    let all: Totals = report.groups.iter().map(|group| group.totals).sum();
    if ledger.counters.total().saturating_mul(100) > all.counters.total()
        || ledger.cost.amount.pico().saturating_mul(100) > all.cost.amount.pico()
    {
        let cost = if report.without_cost {
            String::new()
        } else {
            format!(", ${}", ledger.cost.amount.cents())
        };
        let tokens = count(ledger.counters.total(), "token");
        out.push(format!(
            "Includes {tokens}{cost} from Claude Code's own account that are in no request line (--requests-only excludes them)."
        ));
    }
    let lower = report
        .groups
        .iter()
        .fold(Lower::default(), |sum, group| sum.plus(group.lower));
    out.extend(lower.line(report.totals.counters.output));
    if report.pending > 0 {
        out.push(format!(
            "{} must be looked at: see \"conflicts\" in sync/manifest.json.",
            count(report.pending, "session")
        ));
    }
    if report.left_out > 0 {
        out.push(format!(
            "{} left out: see \"conflicts\" in sync/manifest.json.",
            count(report.left_out, "file")
        ));
    }
    if !report.synced.is_empty() && report.kind != Kind::Machines {
        let ago = |(label, time): &(String, Timestamp)| {
            format!("{}: {}", printable(label, 40), ago(look.now, *time))
        };
        let told: Vec<_> = report.synced.iter().take(MACHINES).map(ago).collect();
        let more = report.synced.len().saturating_sub(MACHINES);
        let more = if more > 0 {
            format!("; and {more} more, later")
        } else {
            String::new()
        };
        out.push(format!("Last syncs: {}{more}", told.join("; ")));
    }
    out
}
