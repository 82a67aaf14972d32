//! Tables that fit the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::{Group, Kind, Report};
use crate::base::money::Cost;
use crate::base::text::{count, printable, thousands};
use crate::base::time::Timestamp;
use crate::records::Totals;

/// How a table is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The terminal's width in columns.
    pub width: u16,
    /// The clock, for how long ago something was.
    pub now: Timestamp,
}

/// From this width on, cache columns are shown.
const WIDE: u16 = 110;

/// The report as text, with what a reader should know below it.
pub fn to_table(report: &Report, look: Look) -> String {
    if report.groups.is_empty() {
        return "No usage in this period.\n".to_owned();
    }
    let wide = look.width >= WIDE;
    let mut table = Table::new();
    // Where a table cannot have the width it wants, words wrap inside their cells; figures never do.
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_width(look.width);
    let head = header(report.kind, wide);
    let texts = head.iter().take_while(|name| **name != FIGURES[0]).count();
    table.set_header(head.iter().enumerate().map(|(at, name)| Cell::new(name).set_alignment(side(at, texts))));
    for group in &report.groups {
        let cells = words(group, report.kind, look).into_iter().chain(figures(&group.totals, wide));
        table.add_row(cells.enumerate().map(|(at, text)| Cell::new(text).set_alignment(side(at, texts))));
    }
    let mut total = vec![String::new(); texts];
    "Total".clone_into(&mut total[0]);
    let cells = total.into_iter().chain(figures(&report.totals, wide));
    table.add_row(cells.enumerate().map(|(at, text)| Cell::new(text).set_alignment(side(at, texts))));
    for at in texts..head.len() {
        if let Some(column) = table.column_mut(at) {
            column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
        }
    }
    let mut out = format!("{table}\n");
    for note in notes(report) {
        out.push_str(&note);
        out.push('\n');
    }
    out
}

const FIGURES: [&str; 6] = ["Input", "Output", "Cache Create", "Cache Read", "Total Tokens", "Cost (USD)"];

fn header(kind: Kind, wide: bool) -> Vec<&'static str> {
    let mut out = match kind {
        Kind::Daily => vec!["Date", "Models"],
        Kind::Weekly => vec!["Week", "Models"],
        Kind::Projects => vec!["Project", "Models"],
        Kind::Models => vec!["Model"],
        Kind::Monthly => vec!["Month", "Models"],
        Kind::Session if wide => vec!["Session", "Project", "Models", "Last Activity"],
        Kind::Session => vec!["Session", "Project"],
        Kind::Machines if wide => vec!["Machine", "Models", "Last Sync"],
        Kind::Machines => vec!["Machine", "Last Sync"],
    };
    out.extend(FIGURES.into_iter().filter(|name| wide || !name.contains("Cache") && !name.contains("Total")));
    out
}

fn words(group: &Group, kind: Kind, look: Look) -> Vec<String> {
    let wide = look.width >= WIDE;
    let models = || group.models.keys().map(|model| short_model(model)).collect::<Vec<_>>().join("\n");
    let ago = |time: Option<Timestamp>| time.map_or("never".to_owned(), |time| ago(look.now, time));
    let key = printable(&group.key, 60);
    match kind {
        Kind::Daily | Kind::Weekly | Kind::Monthly => vec![key, models()],
        Kind::Projects => vec![if key.is_empty() { "(not told)".to_owned() } else { key }, models()],
        Kind::Models => vec![key],
        Kind::Session => {
            let id = match (key.is_empty(), wide) {
                (true, _) => "(claimed)".to_owned(),
                (false, true) => key,
                (false, false) => printable(&group.key, 8),
            };
            let project = printable(&group.project, if wide { 40 } else { 20 });
            if wide {
                vec![id, project, models(), group.last.map_or(String::new(), |last| last.to_string()[..10].to_owned())]
            } else {
                vec![id, project]
            }
        }
        Kind::Machines => {
            let label = printable(&group.label, 40);
            if wide { vec![label, models(), ago(group.last_sync)] } else { vec![label, ago(group.last_sync)] }
        }
    }
}

fn figures(totals: &Totals, wide: bool) -> Vec<String> {
    let c = &totals.counters;
    let all = [c.input, c.output, c.cache_creation, c.cache_read, c.total()];
    let shown = all.iter().enumerate().filter(|(at, _)| wide || *at < 2).map(|(_, count)| thousands(*count));
    shown.chain([price(totals.cost)]).collect()
}

/// A price; `+ ?` where a part of it is not known.
pub(super) fn price(cost: Cost) -> String {
    format!("${}{}", cost.amount.cents(), if cost.known { "" } else { " + ?" })
}

fn side(column: usize, texts: usize) -> CellAlignment {
    if column < texts { CellAlignment::Left } else { CellAlignment::Right }
}

/// `claude-opus-4-5-20251101` as `opus-4-5`.
pub(super) fn short_model(model: &str) -> String {
    let name = model.strip_prefix("claude-").unwrap_or(model);
    let dated = name.rsplit_once('-').filter(|(_, date)| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
    printable(dated.map_or(name, |(base, _)| base), 40)
}

/// How long ago, in the largest unit that fits.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.since(then) / 60_000;
    let say = |number: i64, unit: &str| format!("{} ago", count(number.unsigned_abs(), unit));
    match minutes {
        i64::MIN..0 => "in the future".to_owned(),
        0 => "just now".to_owned(),
        1..60 => say(minutes, "minute"),
        60..1440 => say(minutes / 60, "hour"),
        _ => say(minutes / 1440, "day"),
    }
}

fn notes(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    if !report.unpriced.is_empty() {
        let models: Vec<_> =
            report.unpriced.iter().map(|(model, requests)| format!("{} ({})", printable(model, 60), count(*requests, "request"))).collect();
        out.push(format!("No price is known for {}: tokens are counted, cost is not.", models.join(", ")));
    }
    let provisional: u64 = report.groups.iter().map(|group| group.provisional).sum();
    if provisional > 0 {
        out.push(format!("{}: the transcript does not show how they ended.", count(provisional, "provisional request")));
    }
    if report.pending > 0 {
        out.push(format!("{} must be looked at: see \"conflicts\" in sync/manifest.json.", count(report.pending, "session")));
    }
    if report.left_out > 0 {
        out.push(format!("{} left out: see \"conflicts\" in sync/manifest.json.", count(report.left_out, "file")));
    }
    out
}
