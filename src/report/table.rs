//! Reports as tables that fit the terminal.

use super::grid::{Cell, Column, Grid};
use super::look::{ColumnName, Look};
use super::notes::{no_usage, notes};
use super::{Breakdown, Group, Report, ReportKind};
use crate::base::money::Cost;
use crate::base::text::{ago, model_name, printable, thousands, wrap};
use crate::base::time::Timestamp;
use crate::record::Totals;

/// The report as text, with notes below it.
pub(crate) fn to_table(report: &Report, look: Look) -> String {
    if report.all_groups().next().is_none() {
        return no_usage(report.bounds);
    }
    let fields = fields(report, look);
    let mut grid = Grid::new(fields.iter().map(|field| field.column).collect());
    for group in &report.groups {
        grid.row(cells(&fields, |field| field.of_group(group, look)));
        for (part, totals) in &group.parts {
            let name = Cell::Name(format!("└ {}", part_name(part, report.split)));
            grid.row(named(&fields, &name, totals));
        }
    }
    let total = Cell::Text("Total".to_owned());
    grid.total(named(&fields, &total, &report.totals));
    let mut out = grid.draw(look).with_note(look);
    for note in notes(report, look) {
        out.push_str(&wrap(&note, usize::from(look.width)));
    }
    out
}

fn cells(fields: &[Field], cell: impl Fn(&Field) -> Cell) -> Vec<Cell> {
    fields.iter().map(cell).collect()
}

/// A row that has only a name and figures.
fn named(fields: &[Field], name: &Cell, totals: &Totals) -> Vec<Cell> {
    cells(fields, |field| match field.content {
        Content::Key(_) => name.clone(),
        Content::Figure(figure) => Cell::Text(figure(totals)),
        Content::Word(_) => Cell::empty(),
    })
}

/// A column of a report, and what its cells contain.
#[derive(Debug, Clone, Copy)]
struct Field {
    column: Column,
    /// Its name for `--columns`; none: it is always shown.
    name: Option<ColumnName>,
    /// Whether it is shown in a compact table.
    compact: bool,
    content: Content,
}

/// A cell of a group.
type WordCell = fn(&Group, Look) -> Cell;

#[derive(Debug, Clone, Copy)]
enum Content {
    /// The name of the group.
    Key(WordCell),
    Word(WordCell),
    Figure(fn(&Totals) -> String),
}

impl Field {
    fn of_group(&self, group: &Group, look: Look) -> Cell {
        match self.content {
            Content::Key(cell) | Content::Word(cell) => cell(group, look),
            Content::Figure(figure) => Cell::Text(figure(&group.totals)),
        }
    }

    const fn key(heading: &'static str, cell: WordCell) -> Self {
        Self {
            column: Column::text(heading, 0),
            name: None,
            compact: true,
            content: Content::Key(cell),
        }
    }

    const fn word(name: ColumnName, heading: &'static str, rank: u8, cell: WordCell) -> Self {
        Self {
            column: Column::text(heading, rank),
            name: Some(name),
            compact: true,
            content: Content::Word(cell),
        }
    }

    const fn figure(
        name: ColumnName,
        heading: &'static str,
        rank: u8,
        figure: fn(&Totals) -> String,
    ) -> Self {
        Self {
            column: Column::number(heading, rank),
            name: Some(name),
            compact: rank < CACHE_RANK,
            content: Content::Figure(figure),
        }
    }
}

/// Columns of this rank and higher are left out first, and in compact tables.
const CACHE_RANK: u8 = 10;

const FIGURES: [Field; 6] = [
    Field::figure(ColumnName::Input, "Input", 2, |totals| {
        thousands(totals.counters.input)
    }),
    Field::figure(ColumnName::Output, "Output", 1, |totals| {
        thousands(totals.counters.output)
    }),
    Field::figure(ColumnName::CacheCreate, "Cache Create", 11, |totals| {
        thousands(totals.counters.cache_creation)
    }),
    Field::figure(ColumnName::CacheRead, "Cache Read", 10, |totals| {
        thousands(totals.counters.cache_read)
    }),
    Field::figure(ColumnName::Total, "Total Tokens", 12, |totals| {
        thousands(totals.counters.total())
    }),
    Field::figure(ColumnName::Cost, "Cost (USD)", 0, |totals| {
        cost_cell(totals.cost)
    }),
];

const MODELS: Field = Field::word(ColumnName::Models, "Models", 6, |group, _| models(group));

/// The columns of a report.
fn fields(report: &Report, look: Look) -> Vec<Field> {
    let several_machines = || {
        let mut all = report.groups.iter().flat_map(|group| &group.machines);
        let first = all.next();
        all.any(|machine| Some(machine) != first)
    };
    let wanted = |field: &Field| match (field.name, look.columns) {
        (None, _) => true,
        (Some(ColumnName::Models), _) if report.split == Some(Breakdown::Model) => false,
        (Some(ColumnName::Cost), _) if report.without_cost => false,
        (Some(name), Some(asked)) => asked.contains(name),
        (Some(ColumnName::Machine), None) => several_machines(),
        (Some(_), None) => field.compact || !look.compact,
    };
    let asked = |field: Field| {
        // What the user names is left out last, but is better left out than broken.
        let rank = if look.columns.is_some() {
            1
        } else {
            field.column.rank
        };
        let rank = field.column.rank.min(rank);
        let column = Column {
            rank,
            ..field.column
        };
        Field { column, ..field }
    };
    let all = words(report.kind).into_iter().chain(FIGURES);
    all.filter(wanted).map(asked).collect()
}

/// The columns of text that a report has.
fn words(kind: ReportKind) -> Vec<Field> {
    let key = |group: &Group, _: Look| Cell::Text(printable(&group.key, 60));
    let last_sync = Field::word(ColumnName::Last, "Last Sync", 4, |group, look| {
        let synced = group.last_sync;
        Cell::Text(synced.map_or("never".to_owned(), |time| ago(look.now, time)))
    });
    match kind {
        ReportKind::Daily => vec![Field::key("Date", key), MODELS],
        ReportKind::Weekly => vec![Field::key("Week", key), MODELS],
        ReportKind::Monthly => vec![Field::key("Month", key), MODELS],
        ReportKind::Models => vec![Field::key("Model", |group, _| {
            Cell::Text(printable(&group.key, 40))
        })],
        ReportKind::Projects => vec![
            Field::key("Project", |group, _| Cell::Name(project(&group.key))),
            MODELS,
        ],
        ReportKind::Machines => vec![
            Field::key("Machine", |group, _| {
                Cell::Name(printable(&group.label, 40))
            }),
            MODELS,
            last_sync,
        ],
        ReportKind::Groups => vec![
            Field::key("Group", |group, _| Cell::Name(tag(&group.key, NO_GROUP))),
            MODELS,
        ],
        ReportKind::Users => vec![
            Field::key("User", |group, _| Cell::Name(tag(&group.key, NO_USER))),
            MODELS,
        ],
        ReportKind::Session => session_words(),
    }
}

fn session_words() -> Vec<Field> {
    fn day(last: Timestamp) -> String {
        last.day().to_string()
    }
    vec![
        Field::key("Session", |group, _| {
            if group.key.is_empty() {
                Cell::Text("(claimed)".to_owned())
            } else {
                Cell::Id(printable(&group.key, 60))
            }
        }),
        Field::word(ColumnName::Project, "Project", 3, |group, _| {
            Cell::Name(project(&group.project))
        }),
        Field::word(ColumnName::Machine, "Machine", 4, |group, _| {
            let labels = group.machines.iter().map(|label| printable(label, 40));
            Cell::List(labels.collect())
        }),
        MODELS,
        Field::word(ColumnName::Last, "Last Activity", 5, |group, _| {
            Cell::Text(group.last.map_or(String::new(), day))
        }),
    ]
}

/// The models of a group, sorted by cost, descending.
fn models(group: &Group) -> Cell {
    let mut models: Vec<(&String, &Totals)> = group.models.iter().collect();
    models.sort_by(|a, b| super::group::by_cost((a.0, a.1), (b.0, b.1)));
    let names = models.into_iter().map(|(model, _)| model_name(model));
    Cell::List(names.collect())
}

/// The name of a part.
fn part_name(part: &str, split: Option<Breakdown>) -> String {
    match split {
        Some(Breakdown::Model) => model_name(part),
        Some(Breakdown::Group) => tag(part, NO_GROUP),
        Some(Breakdown::User) => tag(part, NO_USER),
        _ => project(part),
    }
}

/// The row of machines without a group.
const NO_GROUP: &str = "(no group)";

/// The row of machines of which no user is stated.
const NO_USER: &str = "(no user)";

/// A project's name, or a placeholder if it is empty.
fn project(name: &str) -> String {
    tag(name, "(no name)")
}

/// A name, or a placeholder if it is empty.
fn tag(name: &str, none: &str) -> String {
    if name.is_empty() {
        none.to_owned()
    } else {
        printable(name, 40)
    }
}

/// A price in a table; a lower bound if a part of it is unknown.
pub(super) fn cost_cell(cost: Cost) -> String {
    let bound = if cost.known { "" } else { "≥ " };
    format!("{bound}${}", cost.amount.cents())
}

/// A price in a sentence; a lower bound if a part of it is unknown.
pub(crate) fn price(cost: Cost) -> String {
    let bound = if cost.known { "" } else { "at least " };
    format!("{bound}${}", cost.amount.cents())
}
