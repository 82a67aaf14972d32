//! The tables of a front page.

use std::collections::BTreeMap;

use super::figures::{FrontFigures, add};
use crate::base::money::Cost;
use crate::base::text::{csv_field, printable, thousands};
use crate::base::time::Day;
use crate::record::Totals;

/// Number of machines with a line: those with the highest cost in the last month.
const MACHINES: usize = 20;

/// A text in a cell of a table in Markdown.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text, 60).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_ascii_punctuation() && !matches!(c, '.' | '-') => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn dollars(cost: Cost) -> String {
    let bound = if cost.known { "" } else { "at least " };
    format!("{bound}${}", cost.amount.cents())
}

fn line(name: &str, totals: &Totals) -> String {
    format!(
        "| {name} | {} | {} | {} |\n",
        thousands(totals.requests),
        thousands(totals.counters.total()),
        dollars(totals.cost)
    )
}

/// The tables of months and of machines.
pub(super) fn tables(figures: &FrontFigures, labels: &[String]) -> String {
    let mut out = "## Claude Code usage\n\n".to_owned();
    if figures.months.is_empty() {
        out.push_str(&format!(
            "No usage before {} (UTC): a day is shown when it is over.\n",
            figures.end
        ));
        return out;
    }
    out.push_str(&format!("Until {} (UTC).\n\n", figures.last_day()));
    out.push_str("| Month | Requests | Tokens | Cost (USD) |\n|---|--:|--:|--:|\n");
    let open = figures.is_last_month_open().then(|| figures.last_month());
    for name in figures.shown_months().iter().rev() {
        let so_far = if open.as_ref() == Some(name) {
            ", so far"
        } else {
            ""
        };
        let totals = figures.months.get(name).map(|month| month.totals);
        out.push_str(&line(
            &format!("{name}{so_far}"),
            &totals.unwrap_or_default(),
        ));
    }
    let all: Totals = figures.months.values().map(|month| month.totals).sum();
    out.push_str(&line("**All**", &all));
    out.push_str(&machines(figures, labels));
    out
}

fn machines(figures: &FrontFigures, labels: &[String]) -> String {
    let last_month = figures.last_month();
    let mut out = format!(
        "\n| Machine | Last used | Cost in {last_month} (USD) | Cost in all (USD) |\n|---|---|--:|--:|\n"
    );
    let mut now: BTreeMap<usize, Totals> = BTreeMap::new();
    let month = figures.months.get(&last_month);
    for ((machine, _), totals) in month.into_iter().flat_map(|month| &month.cells) {
        add(now.entry(*machine).or_default(), *totals);
    }
    let one = |(at, (last, sum)): (&usize, &(Day, Totals))| {
        (now.get(at).copied().unwrap_or_default(), *at, *last, *sum)
    };
    let mut machines: Vec<_> = figures.machines.iter().map(one).collect();
    machines.sort_by(|a, b| {
        (b.0.cost.amount, b.3.cost.amount, a.1).cmp(&(a.0.cost.amount, a.3.cost.amount, b.1))
    });
    for (now, at, last, sum) in machines.iter().take(MACHINES) {
        let (now, sum) = (dollars(now.cost), dollars(sum.cost));
        let label = cell(&labels[*at]);
        out.push_str(&format!("| {label} | {last} | {now} | {sum} |\n"));
    }
    let more = machines.len().saturating_sub(MACHINES);
    if more > 0 {
        out.push_str(&format!("| {more} more | | | |\n"));
    }
    out
}

/// Every month by machine and model.
pub(super) fn csv(figures: &FrontFigures, labels: &[String]) -> String {
    let mut out =
        "month,machine,model,requests,input_tokens,output_tokens,cache_creation_tokens,cache_read_tokens,cost_usd,cost_known\n".to_owned();
    for (name, month) in &figures.months {
        for ((machine, model), totals) in &month.cells {
            let c = &totals.counters;
            let counts = [
                totals.requests,
                c.input,
                c.output,
                c.cache_creation,
                c.cache_read,
            ]
            .map(|count| count.to_string())
            .join(",");
            let (machine, model) = (csv_field(&labels[*machine]), csv_field(model));
            out.push_str(&format!(
                "{name},{machine},{model},{counts},{},{}\n",
                totals.cost.amount, totals.cost.known
            ));
        }
    }
    out
}
