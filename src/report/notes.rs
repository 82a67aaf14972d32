//! Lines below a table that qualify its figures.

use super::look::Look;
use super::lower::Lower;
use super::{Bounds, CostMode, Report, ReportKind};
use crate::base::money::Money;
use crate::base::text::{ago, count, printable, thousands};
use crate::base::time::Timestamp;
use crate::record::Totals;

/// How many machines are listed with the time of their last sync: those that synced longest ago.
const MACHINES: usize = 8;

/// All lines that apply to a report.
pub(super) fn notes(report: &Report, look: Look) -> Vec<String> {
    let review = "see \"conflicts\" in sync/manifest.json.";
    let pending = (report.pending > 0).then(|| {
        format!(
            "{} must be looked at: {review}",
            count(report.pending, "session")
        )
    });
    let left_out = (report.left_out > 0)
        .then(|| format!("{} left out: {review}", count(report.left_out, "file")));
    let lower = report.all_groups().map(|group| group.lower);
    let lower = lower.fold(Lower::default(), Lower::plus);
    [
        omitted(report),
        not_listed(report),
        unpriced(report, look),
        ledger(report),
        lower.line(report.totals.counters.output),
        pending,
        left_out,
        last_syncs(report, look),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The text of a report without usage.
pub(crate) fn no_usage(bounds: Bounds) -> String {
    match (bounds.since, bounds.until) {
        (Some(since), Some(until)) if since == until => format!("No usage on {since}.\n"),
        (Some(since), Some(until)) => format!("No usage from {since} to {until}.\n"),
        (Some(since), None) => format!("No usage since {since}.\n"),
        (None, Some(until)) => format!("No usage until {until}.\n"),
        (None, None) => "No usage found.\n".to_owned(),
    }
}

/// The rows that `--top` left out.
fn omitted(report: &Report) -> Option<String> {
    let shown = report.groups.len() as u64;
    let all = count(shown.saturating_add(report.omitted), noun(report.kind));
    let shown = thousands(shown);
    (report.omitted > 0).then(|| format!("The {shown} of {all} that cost most, and their total."))
}

/// The rows that `--min-cost` left out.
fn not_listed(report: &Report) -> Option<String> {
    let least = report.min_cost?;
    let number = report.not_listed.len() as u64;
    let (rows, are) = (count(number, "row"), if number == 1 { "is" } else { "are" });
    (number > 0).then(|| format!("{rows} below ${} {are} not listed.", exact(least)))
}

/// An amount as somebody would write it: `1`, `0.50`, `0.001`.
fn exact(amount: Money) -> String {
    let cents = amount.cents();
    if Money::parse(&cents.replace(',', "")) != Some(amount) {
        return amount.to_string();
    }
    cents.strip_suffix(".00").unwrap_or(&cents).to_owned()
}

/// What a row is about.
fn noun(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Daily => "day",
        ReportKind::Weekly => "week",
        ReportKind::Monthly => "month",
        ReportKind::Session => "session",
        ReportKind::Machines => "machine",
        ReportKind::Projects => "project",
        ReportKind::Models => "model",
        ReportKind::Groups => "group",
        ReportKind::Users => "user",
    }
}

fn unpriced(report: &Report, look: Look) -> Option<String> {
    if report.unpriced.is_empty() || report.without_cost {
        return None;
    }
    let models: Vec<&str> = report.unpriced.keys().map(String::as_str).collect();
    if report.mode != CostMode::Display {
        return Some(no_price(&models, look));
    }
    let models: Vec<_> = models.iter().map(|model| printable(model, 60)).collect();
    Some(format!(
        "The transcripts contain no cost of {}: tokens are counted, cost is not.",
        models.join(", ")
    ))
}

/// Usage that is only in Claude Code's account, where it is more than a hundredth.
fn ledger(report: &Report) -> Option<String> {
    let ledger: Totals = report.all_groups().map(|group| group.ledger).sum();
    let all = &report.totals;
    let tokens = ledger.counters.total();
    let many = tokens.saturating_mul(100) > all.counters.total();
    let dear = ledger.cost.amount.pico().saturating_mul(100) > all.cost.amount.pico();
    let cost = if report.without_cost {
        String::new()
    } else {
        format!(", ${}", ledger.cost.amount.cents())
    };
    (many || dear).then(|| {
        format!(
            "Includes {}{cost} from Claude Code's own account that are in no request line (--requests-only excludes them).",
            count(tokens, "token")
        )
    })
}

fn last_syncs(report: &Report, look: Look) -> Option<String> {
    if report.synced.is_empty() || report.kind == ReportKind::Machines {
        return None;
    }
    let one = |(label, time): &(String, Timestamp)| {
        format!("{}: {}", printable(label, 40), ago(look.now, *time))
    };
    let first: Vec<_> = report.synced.iter().take(MACHINES).map(one).collect();
    let more = match report.synced.len().saturating_sub(MACHINES) {
        0 => String::new(),
        more => format!("; and {more} more, later"),
    };
    Some(format!("Last syncs: {}{more}", first.join("; ")))
}

/// Names models without a price, with the command to set one, on a line that fits the terminal.
pub(super) fn no_price(models: &[&str], look: Look) -> String {
    let first = printable(models.first().unwrap_or(&"unknown"), 60);
    let all: Vec<_> = models.iter().map(|model| printable(model, 60)).collect();
    let all = all.join(", ");
    let more = match models.len() {
        0 | 1 => first.clone(),
        several => format!("{first} and {} more", several - 1),
    };
    let width = usize::from(look.width);
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
    let fits = |line: &&String| line.chars().count() <= width;
    lines.iter().find(fits).unwrap_or(&lines[5]).clone()
}
