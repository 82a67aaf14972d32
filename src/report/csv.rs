//! A report as CSV (RFC 4180): a line a group, for spreadsheets.

use super::{Report, ReportKind};
use crate::base::text::csv_field as quoted;
use crate::record::Totals;

/// The report, after a line of column names: one line per group, or per part of a group if it is
/// split. Costs are exact decimals of USD.
pub(crate) fn to_csv(report: &Report) -> String {
    let mut out = heading(report);
    for group in &report.groups {
        // Other groups may be of several projects.
        let project = if report.kind == ReportKind::Session {
            group.project.as_ref()
        } else {
            ""
        };
        let texts = [group.key.as_ref(), group.label.as_ref(), project]
            .map(quoted)
            .join(",");
        if report.split.is_none() {
            line(&mut out, &texts, &group.totals, report);
            continue;
        }
        for (part, totals) in &group.parts {
            let texts = format!("{texts},{}", quoted(part));
            line(&mut out, &texts, totals, report);
        }
    }
    out
}

fn heading(report: &Report) -> String {
    let name = match report.kind {
        ReportKind::Daily => "date",
        ReportKind::Weekly => "week",
        ReportKind::Monthly => "month",
        ReportKind::Session => "session",
        ReportKind::Machines => "machine",
        ReportKind::Projects => "project",
        ReportKind::Models => "model",
        ReportKind::Groups => "group",
        ReportKind::Users => "user",
    };
    let part = if report.split.is_some() { ",part" } else { "" };
    let cost = if report.without_cost {
        ""
    } else {
        ",cost_usd,cost_known"
    };
    format!(
        "{name},label,project_name{part},requests,input_tokens,output_tokens,cache_creation_tokens,cache_read_tokens,total_tokens{cost}\r\n"
    )
}

fn line(out: &mut String, texts: &str, totals: &Totals, report: &Report) {
    let c = &totals.counters;
    let counts = [
        totals.requests,
        c.input,
        c.output,
        c.cache_creation,
        c.cache_read,
        c.total(),
    ]
    .map(|count| count.to_string())
    .join(",");
    let cost = if report.without_cost {
        String::new()
    } else {
        format!(",{},{}", totals.cost.amount, totals.cost.known)
    };
    out.push_str(&format!("{texts},{counts}{cost}\r\n"));
}
