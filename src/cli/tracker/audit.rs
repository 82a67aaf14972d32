//! `claude-usage-tracker audit`: compares request lines with Claude Code's own account, by session.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::text::{count, printable, thousands};
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::print::out;
use crate::cli::rows::{Filter, SelectedFleet};
use crate::cli::table::{Column, TextTable};
use crate::fleet::Row;
use crate::record::Totals;
use crate::report::{Zone, dollars, no_usage};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Request lines are the usage that a transcript logs for each request. Claude Code's own account contains the figures of /usage. \
Since August 2026 Claude Code writes it into the transcript when a session ends. Compare the sum of both columns with /usage, or with a bill.")]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Print JSON
    #[arg(short, long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let audit = Audit::read(&args.filter, env)?;
    if args.json {
        out(&format!("{:#}\n", audit.to_json()));
    } else if audit.sessions.is_empty() {
        out(&no_usage(args.filter.bounds(env.now)));
    } else {
        let table = audit.to_table(args.filter.timezone, env.width);
        out(&(table + &audit.summary()));
    }
    Ok(exit::OK)
}

/// One session on one machine.
#[derive(Debug, Default)]
struct AuditedSession {
    /// Label of the machine.
    machine: String,
    /// Empty if the rows have no session.
    id: String,
    last: Option<Timestamp>,
    /// Usage in request lines.
    lines: Totals,
    /// Usage that only the account has.
    beyond: Totals,
    /// Whether the transcript contains an account.
    accounted: bool,
}

impl AuditedSession {
    fn add(&mut self, row: &Row<'_>) {
        self.last = self.last.max(Some(row.at));
        if row.is_ledger() {
            self.accounted = true;
            self.beyond = self.beyond.plus(row.totals);
        } else {
            self.lines = self.lines.plus(row.totals);
        }
    }
}

/// All sessions of the period, sorted by last activity, descending, and their totals.
struct Audit {
    sessions: Vec<AuditedSession>,
    lines: Totals,
    beyond: Totals,
    /// Number of sessions without an account.
    without: u64,
}

impl Audit {
    fn read(filter: &Filter, env: &Env) -> Result<Self, CliError> {
        let bounds = filter.bounds(env.now);
        let mut all: BTreeMap<(usize, String), AuditedSession> = BTreeMap::new();
        let found = filter.read_all(env, bounds, &mut |row| {
            let date = if row.is_day() {
                row.at.day().date()
            } else {
                filter.timezone.date(row.at)
            };
            // Imported totals have no request lines to compare.
            if bounds.contain(date) && !row.is_sum() {
                let session = row.session.map(ToString::to_string).unwrap_or_default();
                all.entry((row.machine, session)).or_default().add(row);
            }
        })?;
        Ok(Self::new(all, &found))
    }

    fn new(all: BTreeMap<(usize, String), AuditedSession>, found: &SelectedFleet) -> Self {
        let labels = found.fleet.labels();
        let mut sessions: Vec<AuditedSession> = all
            .into_iter()
            .filter(|((machine, _), _)| found.wants(*machine))
            .map(|((machine, id), session)| AuditedSession {
                machine: labels[machine].clone(),
                id,
                ..session
            })
            .collect();
        sessions.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.id.cmp(&b.id)));
        Self {
            lines: sessions.iter().map(|session| session.lines).sum(),
            beyond: sessions.iter().map(|session| session.beyond).sum(),
            without: sessions.iter().filter(|session| !session.accounted).count() as u64,
            sessions,
        }
    }

    fn to_json(&self) -> Value {
        let session = |session: &AuditedSession| {
            json!({
                "session": session.id,
                "machine": session.machine,
                "lastActivity": session.last.map(|at| at.to_string()),
                "accounted": session.accounted,
                "requestLines": totals(&session.lines),
                "beyond": totals(&session.beyond),
            })
        };
        json!({
            "version": 1,
            "schema": "claude-usage-tracker/audit/1",
            "sessions": self.sessions.iter().map(session).collect::<Vec<_>>(),
            "totals": {
                "requestLines": totals(&self.lines),
                "beyond": totals(&self.beyond),
                "all": totals(&self.lines.plus(self.beyond)),
                "withoutAccount": self.without,
            },
        })
    }

    fn to_table(&self, zone: Zone, width: u16) -> String {
        let columns = [
            Column::text("Session"),
            Column::text("Machine"),
            Column::text("Last").wide_only(),
            Column::number("Requests").wide_only(),
            Column::number("Lines (USD)"),
            Column::number("Beyond (tokens)"),
            Column::number("Beyond (USD)"),
        ];
        let mut table = TextTable::new(width, columns);
        for session in &self.sessions {
            table.row(cells(session, zone));
        }
        table.to_string()
    }

    fn summary(&self) -> String {
        let usage = |totals: &Totals| {
            let tokens = count(totals.counters.total(), "token");
            format!("{tokens}, {}", usd(totals))
        };
        let mut text = format!(
            "Request lines: {}. Beyond them: {}. Together: {}.\n",
            usage(&self.lines),
            usage(&self.beyond),
            usd(&self.lines.plus(self.beyond))
        );
        if self.without > 0 {
            text += &format!(
                "{} without an account (older version, or still running): their usage is a lower bound.\n",
                count(self.without, "session")
            );
        }
        text
    }
}

fn cells(session: &AuditedSession, zone: Zone) -> [String; 7] {
    let id = if session.id.is_empty() {
        "(unknown)"
    } else {
        &session.id
    };
    let last = session.last.map(|at| zone.date(at).to_string());
    let beyond = |text: String| {
        if session.accounted {
            text
        } else {
            "no account".to_owned()
        }
    };
    [
        printable(id, 40),
        printable(&session.machine, 24),
        last.unwrap_or_default(),
        thousands(session.lines.requests),
        usd(&session.lines),
        beyond(thousands(session.beyond.counters.total())),
        beyond(usd(&session.beyond)),
    ]
}

fn usd(totals: &Totals) -> String {
    format!("${}", totals.cost.amount.cents())
}

fn totals(totals: &Totals) -> Value {
    let c = &totals.counters;
    json!({
        "requests": totals.requests,
        "inputTokens": c.input,
        "outputTokens": c.output,
        "cacheCreationTokens": c.cache_creation,
        "cacheReadTokens": c.cache_read,
        "totalTokens": c.total(),
        "totalCost": dollars(totals.cost.amount),
        "costKnown": totals.cost.known,
    })
}
