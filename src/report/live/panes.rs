//! The lines of each pane.

use super::columns::{Cell, Column, bold, dim, list, pieces, wrap};
use super::state::{Request, State};
use crate::base::money::Cost;
use crate::base::text::{count, model_name, printable, thousands};
use crate::base::time::Timestamp;
use crate::report::blocks::{Block, Pace};
use crate::report::limits::{Limit, forecasts, pace, percent, time_left, title};
use crate::report::{Group, Report, price};

use ratatui::style::{Color, Style};
use ratatui::text::Line;

/// A bar has so many cells.
const BAR: u64 = 10;
/// From these shares on a bar is yellow, and red, in hundredths of a percent.
const WARN: u64 = 7500;
const ALARM: u64 = 9000;
/// A state of a limit that is older, in ms, is shown with its age.
const OLD: i64 = 10 * 60 * 1000;
/// The longest name, in characters.
const NAME: usize = 60;
const NO_LIMITS: &str = "None is known. Claude Code states them to its status line: \
    claude-usage-tracker limits shows how to set that up.";
/// The names of [`State::today`].
pub(super) const KINDS: [&str; 3] = ["Machine", "Project", "Model"];

fn plain(text: impl Into<String>) -> Cell {
    (text.into(), Style::new())
}

fn empty() -> Cell {
    plain("")
}

fn bar(hundredths: u64) -> Cell {
    let full = (hundredths.min(10_000) * BAR + 5000) / 10_000;
    let cells = (0..BAR).map(|at| if at < full { '█' } else { '░' });
    (cells.collect(), tint(hundredths))
}

fn tint(hundredths: u64) -> Style {
    match hundredths {
        ALARM.. => Style::new().fg(Color::Red),
        WARN.. => Style::new().fg(Color::Yellow),
        _ => Style::new().fg(Color::Green),
    }
}

/// Cost, tokens and requests.
fn amounts(cost: Cost, tokens: u64, requests: u64) -> [Cell; 3] {
    [
        (price(cost), bold()),
        plain(count(tokens, "token")),
        plain(count(requests, "request")),
    ]
}

/// Plan limits.
pub(super) fn limits(state: &State, now: Timestamp, width: usize) -> Vec<Line<'static>> {
    let limits = state.known.at(now, 0);
    if limits.is_empty() {
        return wrap(NO_LIMITS, dim(), width);
    }
    let columns = [
        Column::name(0, 6),
        Column::word(2),
        Column::number(0),
        Column::word(1),
        Column::word(3),
        Column::word(5),
        Column::word(4),
    ];
    let rows: Vec<Vec<Cell>> = limits
        .iter()
        .map(|limit| limit_row(limit, state, now))
        .collect();
    list(&columns, &rows, width)
}

fn limit_row(limit: &Limit, state: &State, now: Timestamp) -> Vec<Cell> {
    let used = u64::from(limit.state.used.hundredths());
    let [hour, _] = forecasts(limit, state.zone, now);
    let full = match hour.as_str() {
        "" | "reset is first" => empty(),
        "now" => ("full".to_owned(), tint(ALARM)),
        other => (format!("full {other}"), tint(WARN)),
    };
    let age = now.since(limit.state.at);
    let labelled = |label: &str, text: &str| {
        let is_there = !text.is_empty();
        is_there.then(|| format!("{label} {text}"))
    };
    vec![
        plain(printable(&title(limit, state.known.has_several()), NAME)),
        bar(used),
        (percent(used), bold()),
        plain(format!("resets in {}", time_left(limit.ends.since(now)))),
        full,
        plain(labelled("pace", &pace(limit)).unwrap_or_default()),
        if age >= OLD {
            (format!("{} old", time_left(age)), dim())
        } else {
            empty()
        },
    ]
}

/// The block that goes on, with its forecast.
pub(super) fn block(state: &State, now: Timestamp, width: usize) -> Vec<Line<'static>> {
    let Some(block) = state.block.as_ref().filter(|block| block.end > now) else {
        return wrap("None goes on: the next request begins one.", dim(), width);
    };
    let clock = |time| state.zone.clock(time).format("%H:%M").to_string();
    let length = block.end.since(block.start).max(1);
    let passed = now.since(block.start).clamp(0, length);
    let passed = u64::try_from(passed.saturating_mul(10_000) / length).unwrap_or(0);
    let time = [
        plain(format!("{} to {}", clock(block.start), clock(block.end))),
        (bar(passed).0, Style::new()),
        plain(format!("{} left", time_left(block.end.since(now)))),
    ];
    let used = amounts(block.used.cost, block.used.tokens(), block.used.requests);
    let mut lines = vec![pieces(&time, width), pieces(&used, width)];
    if let Some(pace) = block.pace(now) {
        lines.extend(forecast(block, pace, &clock(block.end)).map(|line| pieces(&line, width)));
    }
    lines
}

fn forecast(block: &Block, pace: Pace, end: &str) -> [[Cell; 3]; 2] {
    let cost = |amount| {
        price(Cost {
            amount,
            known: block.used.cost.known,
        })
    };
    [
        [
            ("Burn rate".to_owned(), dim()),
            plain(format!("{}/h", cost(pace.hour))),
            plain(format!("{} tokens/min", thousands(pace.tokens / 1000))),
        ],
        [
            (format!("At {end}  "), dim()),
            plain(cost(pace.final_cost)),
            plain(count(pace.final_tokens, "token")),
        ],
    ]
}

/// What was used today.
pub(super) fn today_total(state: &State) -> [Cell; 3] {
    let totals = &state.today[0].totals;
    amounts(totals.cost, totals.counters.total(), totals.requests)
}

fn used(report: &Report) -> Vec<&Group> {
    let groups = report.groups.iter();
    groups.filter(|group| !group.totals.is_zero()).collect()
}

/// How many rows of each kind of [`State::today`] fit into so many lines together.
pub(super) fn fair(state: &State, lines: usize) -> usize {
    let numbers = state.today.each_ref().map(|report| used(report).len());
    let needed = |each: usize| numbers.map(|number| number.min(each)).iter().sum::<usize>();
    let most = numbers.into_iter().max().unwrap_or(0);
    let fits = (1..=most).take_while(|each| needed(*each) <= lines);
    fits.last().unwrap_or(1)
}

/// The largest number of rows of any kind of [`State::today`].
pub(super) fn most(state: &State) -> usize {
    let numbers = state.today.iter().map(|report| used(report).len());
    numbers.max().unwrap_or(0)
}

/// The usage of today by one kind of name, at most `lines` of it.
pub(super) fn today(state: &State, kind: usize, lines: usize, width: usize) -> Vec<Line<'static>> {
    let columns = [
        Column::name(0, 12),
        Column::number(1),
        Column::number(0),
        Column::number(2),
    ];
    list(
        &columns,
        &today_rows(&state.today[kind], kind, lines),
        width,
    )
}

/// The usage of today by all kinds of names, at most `each` rows of a kind.
pub(super) fn today_stacked(state: &State, each: usize, width: usize) -> Vec<Line<'static>> {
    let columns = [
        Column::word(3),
        Column::name(0, 12),
        Column::number(1),
        Column::number(0),
        Column::number(2),
    ];
    let mut rows = Vec::new();
    for (kind, name) in KINDS.iter().enumerate() {
        let own = today_rows(&state.today[kind], kind, each).into_iter();
        rows.extend(own.enumerate().map(|(at, row)| {
            let head = if at == 0 { *name } else { "" };
            [vec![(head.to_owned(), dim())], row].concat()
        }));
    }
    list(&columns, &rows, width)
}

fn today_rows(report: &Report, kind: usize, lines: usize) -> Vec<Vec<Cell>> {
    let groups = used(report);
    let total = report.totals.cost.amount.pico();
    let own = if groups.len() > lines {
        lines.saturating_sub(1)
    } else {
        groups.len()
    };
    let row = |name: String, cost: Cost, tokens: u64| {
        let share = cost.amount.pico().saturating_mul(100);
        let share = share.saturating_add(total / 2).checked_div(total);
        let share = share.map_or_else(String::new, |share| format!("{share}%"));
        vec![
            plain(name),
            plain(thousands(tokens)),
            (price(cost), bold()),
            (share, dim()),
        ]
    };
    let (shown, others) = groups.split_at(own);
    let mut rows: Vec<Vec<Cell>> = shown
        .iter()
        .map(|group| {
            let totals = &group.totals;
            row(name(group, kind), totals.cost, totals.counters.total())
        })
        .collect();
    if !others.is_empty() && lines > 0 {
        let sum = others.iter().map(|group| group.totals);
        let sum: crate::record::Totals = sum.sum();
        let name = count(others.len() as u64, "other");
        rows.push(row(format!("+{name}"), sum.cost, sum.counters.total()));
    }
    rows
}

fn name(group: &Group, kind: usize) -> String {
    let text = match kind {
        0 => printable(&group.label, NAME),
        1 => printable(&group.key, NAME),
        _ => model_name(&group.key),
    };
    if text.is_empty() {
        "(none)".to_owned()
    } else {
        text
    }
}

/// The last requests, at most so many lines.
pub(super) fn requests(
    state: &State,
    now: Timestamp,
    lines: usize,
    width: usize,
) -> Vec<Line<'static>> {
    if state.requests.is_empty() {
        return wrap("None in the last 7 days.", dim(), width);
    }
    let columns = [
        Column::word(0),
        Column::name(3, 6),
        Column::name(0, 8),
        Column::name(0, 6),
        Column::number(2),
        Column::number(0),
    ];
    let row = |request: &Request| request_row(request, state, now);
    let rows: Vec<Vec<Cell>> = state.requests.iter().take(lines).map(row).collect();
    list(&columns, &rows, width)
}

fn request_row(request: &Request, state: &State, now: Timestamp) -> Vec<Cell> {
    let at = state.zone.clock(request.at);
    let is_today = at.date() == state.zone.date(now);
    let form = if is_today { "%H:%M:%S" } else { "%a %H:%M" };
    let machine = if state.machines > 1 {
        printable(&request.machine, NAME)
    } else {
        String::new()
    };
    let project = if request.project.is_empty() {
        ("(none)".to_owned(), dim())
    } else {
        plain(printable(&request.project, NAME))
    };
    vec![
        (at.format(form).to_string(), dim()),
        plain(machine),
        plain(model_name(&request.model)),
        project,
        plain(thousands(request.tokens)),
        (price(request.cost), bold()),
    ]
}
