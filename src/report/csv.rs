//! A report as CSV (RFC 4180): a line a group, for spreadsheets.

use super::{Group, Kind, Report};

/// The report, with a line of names first. Costs are exact decimals of USD.
pub fn to_csv(report: &Report) -> String {
    let name = match report.kind {
        Kind::Daily => "date",
        Kind::Weekly => "week",
        Kind::Monthly => "month",
        Kind::Session => "session",
        Kind::Machines => "machine",
        Kind::Projects => "project",
        Kind::Models => "model",
    };
    let mut out = format!(
        "{name},label,project_name,requests,input_tokens,output_tokens,cache_creation_tokens,cache_read_tokens,total_tokens,cost_usd,cost_known\r\n"
    );
    report.groups.iter().for_each(|group| out.push_str(&line(group)));
    out
}

fn line(group: &Group) -> String {
    let c = &group.totals.counters;
    let texts = [&group.key, &group.label, &group.project].map(|text| quoted(text)).join(",");
    format!(
        "{texts},{},{},{},{},{},{},{},{}\r\n",
        group.totals.requests,
        c.input,
        c.output,
        c.cache_creation,
        c.cache_read,
        c.total(),
        group.totals.cost.amount,
        group.totals.cost.known
    )
}

/// A text as a field. A spreadsheet would run one that begins like a formula: it gets an apostrophe, which keeps it a text.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
