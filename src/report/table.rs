//! Tables that fit the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::look::Look;
use super::notes::notes;
use super::{Breakdown, Group, Report, ReportKind};
use crate::base::money::Cost;
use crate::base::text::{ago, printable, short_model, thousands};
use crate::base::time::Timestamp;
use crate::record::Totals;

/// The report as text, with notes below it.
pub(crate) fn to_table(report: &Report, look: Look) -> String {
    if report.groups.is_empty() {
        return "No usage in this period.\n".to_owned();
    }
    let mut table = Table::new();
    // If a table is too wide, words wrap in their cells; figures never do.
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width);
    let layout = Layout::of(report, look);
    table.set_header(layout.cells(layout.head.iter().map(|name| (*name).to_owned())));
    for group in &report.groups {
        table.add_row(layout.group(group));
        for (part, totals) in &group.parts {
            let name = format!("└ {}", part_name(part, report.split));
            table.add_row(layout.named(name, totals));
        }
    }
    table.add_row(layout.named("Total".to_owned(), &report.totals));
    for at in layout.texts..layout.head.len() {
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

/// The columns of a table.
struct Layout<'r> {
    report: &'r Report,
    look: Look,
    head: Vec<&'static str>,
    /// Index of a column of models that is left out, since models have rows of their own.
    without: Option<usize>,
    /// Number of columns with text. Figures are in the columns after them.
    texts: usize,
}

impl<'r> Layout<'r> {
    fn of(report: &'r Report, look: Look) -> Self {
        let wide = look.wide();
        let mut head = header(report.kind, wide);
        let models = head.iter().position(|name| *name == "Models");
        let without = models.filter(|_| report.split == Some(Breakdown::Model));
        if let Some(at) = without {
            head.remove(at);
        }
        let texts = head.len();
        head.extend(columns(report, wide).map(|(name, _)| name));
        Self {
            report,
            look,
            head,
            without,
            texts,
        }
    }

    fn cells(&self, texts: impl Iterator<Item = String>) -> Vec<Cell> {
        let cell = |(at, text): (usize, String)| {
            let figure = at >= self.texts;
            let side = if figure {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            };
            Cell::new(text).set_alignment(side)
        };
        texts.enumerate().map(cell).collect()
    }

    fn figures<'t>(&self, totals: &'t Totals) -> impl Iterator<Item = String> + use<'t> {
        columns(self.report, self.look.wide()).map(|(_, cell)| cell(totals))
    }

    fn group(&self, group: &Group) -> Vec<Cell> {
        let mut cells = words(group, self.report.kind, self.look);
        if let Some(at) = self.without {
            cells.remove(at);
        }
        self.cells(cells.into_iter().chain(self.figures(&group.totals)))
    }

    /// A row that has only a name and figures.
    fn named(&self, name: String, totals: &Totals) -> Vec<Cell> {
        let empty = std::iter::repeat_n(String::new(), self.texts - 1);
        self.cells(
            std::iter::once(name)
                .chain(empty)
                .chain(self.figures(totals)),
        )
    }
}

/// A column of figures: its heading, and its text.
type CountColumn = (&'static str, fn(&Totals) -> String);

const FIGURES: [CountColumn; 6] = [
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
fn columns(report: &Report, wide: bool) -> impl Iterator<Item = CountColumn> + use<> {
    let cost = !report.without_cost;
    FIGURES
        .into_iter()
        .enumerate()
        .filter(move |(at, _)| (wide || [0, 1, 5].contains(at)) && (cost || *at < 5))
        .map(|(_, column)| column)
}

/// The name of a part.
fn part_name(part: &str, split: Option<Breakdown>) -> String {
    match split {
        Some(Breakdown::Model) => short_model(part),
        _ => project(part),
    }
}

/// A project's name, or a placeholder if it is empty.
fn project(name: &str) -> String {
    if name.is_empty() {
        "(no name)".to_owned()
    } else {
        printable(name, 40)
    }
}

fn header(kind: ReportKind, wide: bool) -> Vec<&'static str> {
    match kind {
        ReportKind::Daily => vec!["Date", "Models"],
        ReportKind::Weekly => vec!["Week", "Models"],
        ReportKind::Projects => vec!["Project", "Models"],
        ReportKind::Models => vec!["Model"],
        ReportKind::Monthly => vec!["Month", "Models"],
        ReportKind::Session if wide => vec!["Session", "Project", "Models", "Last Activity"],
        ReportKind::Session => vec!["Session", "Project"],
        ReportKind::Machines if wide => vec!["Machine", "Models", "Last Sync"],
        ReportKind::Machines => vec!["Machine", "Last Sync"],
    }
}

/// The text cells of a group.
fn words(group: &Group, kind: ReportKind, look: Look) -> Vec<String> {
    let wide = look.wide();
    let models = || {
        let names: Vec<_> = group
            .models
            .keys()
            .map(|model| short_model(model))
            .collect();
        names.join("\n")
    };
    let key = printable(&group.key, 60);
    match kind {
        ReportKind::Daily | ReportKind::Weekly | ReportKind::Monthly => vec![key, models()],
        ReportKind::Projects => vec![project(&group.key), models()],
        ReportKind::Models => vec![key],
        ReportKind::Session => {
            let id = match (key.is_empty(), wide) {
                (true, _) => "(claimed)".to_owned(),
                (false, true) => key,
                (false, false) => printable(&group.key, 8),
            };
            let project = printable(&group.project, if wide { 40 } else { 20 });
            let day = |last: Timestamp| last.to_string()[..10].to_owned();
            if wide {
                let last = group.last.map_or(String::new(), day);
                return vec![id, project, models(), last];
            }
            vec![id, project]
        }
        ReportKind::Machines => {
            let label = printable(&group.label, 40);
            let synced = group.last_sync;
            let synced = synced.map_or("never".to_owned(), |time| ago(look.now, time));
            if wide {
                return vec![label, models(), synced];
            }
            vec![label, synced]
        }
    }
}

/// A price, with `+ ?` if a part of it is unknown.
pub(crate) fn price(cost: Cost) -> String {
    format!(
        "${}{}",
        cost.amount.cents(),
        if cost.known { "" } else { " + ?" }
    )
}
