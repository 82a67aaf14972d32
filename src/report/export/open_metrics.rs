//! Totals by machine, project and model as `OpenMetrics`, for Prometheus and similar programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::row::ExportData;
use super::shown::shown;
use crate::base::time::Timestamp;
use crate::record::Totals;

/// Totals by the labels of their metric.
type Series = BTreeMap<String, Totals>;

/// `wanted`: whether the machine at an index is selected.
pub(super) fn write(
    rows: &ExportData<'_>,
    wanted: &impl Fn(usize) -> bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let series = series(rows);
    tokens(&series, out)?;
    requests(&series, out)?;
    cost(&series, out)?;
    last_sync(rows, wanted, out)?;
    tags(rows, wanted, out)?;
    writeln!(out, "# EOF")
}

fn series(rows: &ExportData<'_>) -> Series {
    let mut out = Series::new();
    for row in rows.rows {
        let name = |number: u32| escaped(rows.names.text(number));
        let key = format!(
            "machine=\"{}\",project=\"{}\",model=\"{}\"",
            escaped(&rows.labels[row.machine]),
            name(row.project),
            name(row.model)
        );
        let sum = out.entry(key).or_default();
        *sum = sum.plus(row.totals);
    }
    out
}

/// Writes the type and the description of a metric.
fn describe(out: &mut impl Write, name: &str, kind: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# TYPE {name} {kind}\n# HELP {name} {help}")
}

fn tokens(series: &Series, out: &mut impl Write) -> io::Result<()> {
    let name = "claude_usage_tokens";
    describe(out, name, "counter", "Tokens, each request once.")?;
    for (key, totals) in series {
        let c = &totals.counters;
        let kinds = [
            ("input", c.input),
            ("output", c.output),
            ("cache_creation", c.cache_creation),
            ("cache_read", c.cache_read),
        ];
        for (kind, count) in kinds {
            writeln!(out, "{name}_total{{{key},type=\"{kind}\"}} {count}")?;
        }
    }
    Ok(())
}

fn requests(series: &Series, out: &mut impl Write) -> io::Result<()> {
    let name = "claude_usage_requests";
    describe(out, name, "counter", "Requests to the API.")?;
    for (key, totals) in series {
        writeln!(out, "{name}_total{{{key}}} {}", totals.requests)?;
    }
    Ok(())
}

fn cost(series: &Series, out: &mut impl Write) -> io::Result<()> {
    let name = "claude_usage_cost_usd";
    let help = "What requests with a known price cost.";
    describe(out, name, "counter", help)?;
    for (key, totals) in series {
        writeln!(out, "{name}_total{{{key}}} {}", totals.cost.amount)?;
    }
    Ok(())
}

fn last_sync(
    rows: &ExportData<'_>,
    wanted: &impl Fn(usize) -> bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let name = "claude_usage_last_sync_seconds";
    describe(out, name, "gauge", "When the machine last synced.")?;
    let machines = rows.fleet.machines.iter().enumerate();
    let machines = machines
        .filter(|(index, machine)| wanted(*index) && machine.merged_into.is_none())
        .filter_map(|(index, machine)| {
            let file = machine.machine_file.as_ref()?;
            Some((escaped(&rows.labels[index]), file.last_sync()))
        });
    // Of several machines with one label, the last one counts: a metric must not appear twice.
    let times: BTreeMap<String, Timestamp> = machines.collect();
    for (label, time) in times {
        let seconds = time.millis().div_euclid(1000);
        writeln!(out, "{name}{{machine=\"{label}\"}} {seconds}")?;
    }
    Ok(())
}

/// The user and the group of each machine that has one, which queries join with other metrics.
fn tags(
    rows: &ExportData<'_>,
    wanted: &impl Fn(usize) -> bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let machines = rows.fleet.machines.iter().enumerate();
    let tagged = machines
        .filter(|(index, machine)| wanted(*index) && machine.merged_into.is_none())
        .filter(|(_, machine)| !machine.user.is_empty() || !machine.group.is_empty());
    let lines: BTreeMap<String, [String; 2]> = tagged
        .map(|(index, machine)| {
            let tags = [&machine.user, &machine.group].map(|tag| escaped(tag));
            (escaped(&rows.labels[index]), tags)
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let name = "claude_usage_machine";
    describe(out, name, "info", "Who uses the machine, and its group.")?;
    for (machine, [user, group]) in lines {
        writeln!(
            out,
            "{name}_info{{machine=\"{machine}\",user=\"{user}\",group=\"{group}\"}} 1"
        )?;
    }
    Ok(())
}

/// The value of a label. The format also escapes line ends, but [`shown`] leaves none.
fn escaped(text: &str) -> String {
    shown(text).replace('\\', "\\\\").replace('"', "\\\"")
}
