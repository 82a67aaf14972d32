//! `claude-usage-tracker audit`: request lines against Claude Code's own account, session by session.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::env::Env;
use super::error::CliError;
use super::out;
use super::rows::Filter;
use crate::base::text::{count, printable, thousands};
use crate::base::time::Timestamp;
use crate::record::Totals;
use crate::report::{Bounds, dollars};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Request lines are the usage that a transcript logs for each request. Claude Code's own account contains the figures of /usage. \
Since August 2026 Claude Code writes it into the transcript when a session ends. Compare the sum of both columns with /usage, or with a bill.")]
pub struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Print JSON
    #[arg(short, long)]
    json: bool,
}

/// One session on one machine.
#[derive(Debug, Default)]
struct Line {
    last: Option<Timestamp>,
    lines: Totals,
    /// What the account has beyond them.
    beyond: Totals,
    /// There is an account.
    accounted: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let filter = &args.filter;
    let bounds = Bounds {
        since: filter.since,
        until: filter.until,
    };
    let mut all: BTreeMap<(usize, String), Line> = BTreeMap::new();
    let found = filter.read_all(env, bounds, &mut |row| {
        let date = if row.is_day() {
            row.at.day().date()
        } else {
            filter.timezone.date(row.at)
        };
        if !bounds.hold(date) || row.is_sum() {
            return;
        }
        let session = row.session.map(ToString::to_string).unwrap_or_default();
        let line = all.entry((row.machine, session)).or_default();
        line.last = line.last.max(Some(row.at));
        if row.is_ledger() {
            line.accounted = true;
            line.beyond = line.beyond.plus(row.totals);
        } else {
            line.lines = line.lines.plus(row.totals);
        }
    })?;
    let labels = found.fleet.labels();
    let mut lines: Vec<_> = all
        .into_iter()
        .filter(|((machine, _), _)| found.wants(*machine))
        .collect();
    lines
        .sort_by(|((_, a_id), a), ((_, b_id), b)| b.last.cmp(&a.last).then_with(|| a_id.cmp(b_id)));
    let sum = |pick: fn(&Line) -> Totals| lines.iter().map(|(_, line)| pick(line)).sum::<Totals>();
    let (shown, beyond) = (sum(|line| line.lines), sum(|line| line.beyond));
    let without = lines.iter().filter(|(_, line)| !line.accounted).count() as u64;
    if args.json {
        let one = |((machine, session), line): &((usize, String), Line)| {
            json!({
                "session": session, "machine": labels[*machine], "lastActivity": line.last.map(|at| at.to_string()), "accounted": line.accounted,
                "requestLines": totals(&line.lines), "beyond": totals(&line.beyond),
            })
        };
        let all: Vec<Value> = lines.iter().map(one).collect();
        let value = json!({
            "version": 1, "schema": "claude-usage-tracker/audit/1", "sessions": all,
            "totals": { "requestLines": totals(&shown), "beyond": totals(&beyond), "all": totals(&shown.plus(beyond)), "withoutAccount": without },
        });
        out(&format!("{value:#}\n"));
        return Ok(super::exit::OK);
    }
    if lines.is_empty() {
        out("No usage in this period.\n");
        return Ok(super::exit::OK);
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(env.width);
    let wide = env.width >= 84;
    let head = [
        "Session",
        "Machine",
        "Last",
        "Requests",
        "Lines (USD)",
        "Beyond (tokens)",
        "Beyond (USD)",
    ];
    let keeps = |at: usize| wide || ![2, 3].contains(&at);
    table.set_header(
        head.iter()
            .enumerate()
            .filter(|(at, _)| keeps(*at))
            .map(|(_, name)| *name),
    );
    for ((machine, session), line) in &lines {
        let beyond = |text: String| {
            if line.accounted {
                text
            } else {
                "no account".to_owned()
            }
        };
        let cells = [
            printable(
                if session.is_empty() {
                    "(not known)"
                } else {
                    session
                },
                40,
            ),
            printable(&labels[*machine], 24),
            line.last
                .map(|at| filter.timezone.date(at).to_string())
                .unwrap_or_default(),
            thousands(line.lines.requests),
            format!("${}", line.lines.cost.amount.cents()),
            beyond(thousands(line.beyond.counters.total())),
            beyond(format!("${}", line.beyond.cost.amount.cents())),
        ];
        table.add_row(
            cells
                .into_iter()
                .enumerate()
                .filter(|(at, _)| keeps(*at))
                .map(|(_, text)| text),
        );
    }
    table
        .column_iter_mut()
        .skip(if wide { 3 } else { 2 })
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let mut text = format!("{table}\n");
    let all = shown.plus(beyond);
    let cost = |totals: &Totals| format!("${}", totals.cost.amount.cents());
    text += &format!(
        "Request lines: {}, {}. Beyond them: {}, {}. Together: {}.\n",
        count(shown.counters.total(), "token"),
        cost(&shown),
        count(beyond.counters.total(), "token"),
        cost(&beyond),
        cost(&all)
    );
    if without > 0 {
        let what = count(without, "session");
        text += &format!(
            "{what} without an account (older version, or still running): their usage is a lower bound.\n"
        );
    }
    out(&text);
    Ok(super::exit::OK)
}

fn totals(totals: &Totals) -> Value {
    let c = &totals.counters;
    json!({
        "requests": totals.requests, "inputTokens": c.input, "outputTokens": c.output, "cacheCreationTokens": c.cache_creation,
        "cacheReadTokens": c.cache_read, "totalTokens": c.total(), "totalCost": dollars(totals.cost.amount), "costKnown": totals.cost.known,
    })
}
