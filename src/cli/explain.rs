//! `claude-usage-tracker explain`: where a figure comes from.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::env::Env;
use super::error::CliError;
use super::rows::{Filter, Found, Source};
use super::{exit, out, source};
use crate::base::money::Money;
use crate::base::text::{count, nearest, printable, thousands};
use crate::fleet::{Row, RowSource};
use crate::prices::Bill;
use crate::record::{self, Level, Totals};
use crate::report::explain::{Evidence, Explanation, Subject};
use crate::report::{Bounds, Mode, dollars, price};
use crate::store::{config, key};

/// What is to be explained.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-usage-tracker explain 2026-11-20                      a day
  claude-usage-tracker explain 2026-11 --model opus            a month's cell of a report by model
  claude-usage-tracker explain 0b6f1a2c --machine laptop       a session, as one machine has it
  claude-usage-tracker explain 2026-11-20 --limit 0 --json     everything, for other programs")]
pub struct Args {
    /// A day (2026-11-20), a month (2026-11), a session's id or its beginning, or a record's id
    #[arg(value_name = "WHAT", default_value = "")]
    what: String,
    #[command(flatten)]
    filter: Filter,
    /// Only models whose name contains this; may be given several times
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// Show so many requests, the dearest first; 0 shows all
    #[arg(short, long, default_value_t = 10, value_name = "N")]
    limit: usize,
    /// Print JSON
    #[arg(short, long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let filter = &args.filter;
    let subject = if args.what.is_empty() {
        Subject::All
    } else {
        Subject::parse(&args.what)
    };
    let asked = Bounds {
        since: filter.since,
        until: filter.until,
    };
    let bounds = narrower(asked, subject.bounds());
    let mut explanation =
        Explanation::new(subject.clone(), asked, filter.timezone, args.model.clone());
    let mut sessions = BTreeSet::new();
    // Rows of the index have no ids: each is read from its file.
    let found = filter.read_with_ids(env, bounds, &mut |row: &Row<'_>| {
        if let Some(session) = row
            .session
            .filter(|_| matches!(subject, Subject::Session(_)) && sessions.len() < 10_000)
        {
            sessions.insert(session.as_str().to_owned());
        }
        explanation.add(row);
    })?;
    if let Subject::Session(begin) = &subject
        && explanation.found.is_empty()
    {
        let near = nearest(begin, sessions.iter().map(String::as_str))
            .map(|near| format!("did you mean {}? ", printable(near, 60)));
        let help = format!(
            "{}claude-usage-tracker session shows all",
            near.unwrap_or_default()
        );
        let message = format!(
            "\"{}\" is no day, no month and no session's beginning",
            printable(begin, 60)
        );
        return Err(CliError::plain(
            &message,
            "claude_sync::usage",
            exit::USAGE,
            help,
        ));
    }
    if let Subject::Record(id) = &subject
        && explanation.found.is_empty()
    {
        let message = format!("no record has the id {id}");
        return Err(CliError::plain(
            &message,
            "claude_sync::usage",
            exit::USAGE,
            "explain a day or a session to see the ids of its records",
        ));
    }
    explanation.keep(|at| found.wants(at));
    let most = if args.limit == 0 {
        usize::MAX
    } else {
        args.limit
    };
    let places = Env::places()?;
    if filter.source == Source::Sync {
        let repo = source::open(&places)?;
        explanation.find_copies(&repo)?;
        explanation.find_commits(&repo, most)?;
    }
    let naming = crate::sync::naming(
        &config::read(&places.config)?,
        key::read(&places.key)?.as_ref(),
    )?;
    explanation.find_rows(&places.folders(), &naming);
    explanation.join();
    let page = Page {
        args,
        env,
        found: &found,
        labels: found.fleet.labels(),
        all: &explanation.found,
        most,
    };
    if args.json {
        super::json(&page.json());
    } else {
        out(&page.text());
    }
    Ok(exit::OK)
}

/// The days that are within both.
fn narrower(a: Bounds, b: Bounds) -> Bounds {
    let least = |a: Option<NaiveDate>, b: Option<NaiveDate>| a.into_iter().chain(b).min();
    Bounds {
        since: a.since.max(b.since),
        until: least(a.until, b.until),
    }
}

struct Page<'a> {
    args: &'a Args,
    env: &'a Env,
    found: &'a Found,
    labels: Vec<String>,
    all: &'a [Evidence],
    most: usize,
}

impl Page<'_> {
    fn totals(&self) -> Totals {
        self.all.iter().map(|one| one.totals).sum()
    }

    fn shown(&self) -> &[Evidence] {
        &self.all[..self.all.len().min(self.most)]
    }

    /// A machine's name.
    fn label(&self, id: &crate::base::ids::MachineId) -> String {
        let at = self
            .found
            .fleet
            .machines
            .iter()
            .position(|machine| machine.id == *id);
        at.map_or_else(
            || id.short().to_owned(),
            |at| printable(&self.labels[at], 40),
        )
    }

    fn text(&self) -> String {
        if self.all.is_empty() {
            return "No usage in this period.\n".to_owned();
        }
        let totals = self.totals();
        let mut out = format!(
            "{}: {}\n",
            price(totals.cost),
            count(totals.requests, "request")
        );
        for line in self.deduplicated() {
            out.push_str(&format!("  {line}\n"));
        }
        let table = self.found.fleet.prices();
        out.push_str(&format!(
            "  Prices: {}, {}.\n",
            table.source(),
            table.as_of()
        ));
        if Mode::from(self.args.filter.mode) != Mode::Calculate {
            out.push_str(
                "  Where a transcript tells a cost, that counts instead, as --mode asks.\n",
            );
        }
        for one in self.shown() {
            out.push('\n');
            out.push_str(&self.one(one));
        }
        let more = self.all.len() - self.shown().len();
        if more > 0 {
            out.push_str(&format!(
                "\n{} more; --limit 0 shows all.\n",
                thousands(more as u64)
            ));
        }
        out
    }

    /// What was met more than once, and how often.
    fn deduplicated(&self) -> Vec<String> {
        let sum =
            |number: fn(&Evidence) -> usize| self.all.iter().map(number).sum::<usize>() as u64;
        let mut out = Vec::new();
        let mut say = |number: u64, one: &str, many: &str| {
            if number > 0 {
                out.push(format!(
                    "Not counted again: {} {}.",
                    thousands(number),
                    if number == 1 { one } else { many }
                ));
            }
        };
        let copies = sum(|one| machines(one).len().saturating_sub(1));
        say(
            copies,
            "copy that another machine holds",
            "copies that other machines hold",
        );
        let twins = sum(|one| one.twins.len());
        say(
            twins,
            "line without an id, like one that counts",
            "lines without an id, like others that count",
        );
        let rows = sum(|one| one.rows.len().saturating_sub(1));
        say(
            rows,
            "further row of a request in this machine's transcripts",
            "further rows of the same requests in this machine's transcripts",
        );
        let provisional = self.all.iter().filter(|one| one.provisional).count() as u64;
        if provisional > 0 {
            out.push(format!(
                "Output of {} is a lower bound: no final counts were logged.",
                count(provisional, "request")
            ));
        }
        let unpriced: BTreeSet<_> = self
            .all
            .iter()
            .filter(|one| !one.totals.cost.known)
            .map(|one| printable(&one.model, 60))
            .collect();
        if !unpriced.is_empty() {
            let models = unpriced.into_iter().collect::<Vec<_>>().join(", ");
            out.push(format!(
                "No price is known for {models}: tokens are counted, cost is not."
            ));
        }
        out
    }

    fn one(&self, one: &Evidence) -> String {
        let zone = self.args.filter.timezone;
        let cost = if one.totals.cost.known {
            format!("${}", one.totals.cost.amount)
        } else {
            "no known price".to_owned()
        };
        let model = if one.model.is_empty() {
            "unknown"
        } else {
            &one.model
        };
        let when = match one.source {
            RowSource::Record(Level::Bare | Level::Daily)
            | RowSource::Ledger(Level::Bare | Level::Daily) => one.at.day().to_string(),
            _ => zone.minute(one.at),
        };
        let project = if one.project.is_empty() {
            String::new()
        } else {
            format!("  {}", printable(&one.project, 40))
        };
        let mut out = format!(
            "{cost}  {when}  {}{project}  on {}\n",
            printable(model, 40),
            printable(&self.labels[one.machine], 40)
        );
        let mut line = |text: String| out.push_str(&format!("  {text}\n"));
        match one.source {
            RowSource::Record(_) => {}
            RowSource::Ledger(_) => line(format!(
                "{} from Claude Code's own account that are in no request line: final output of subagents, titles, summaries",
                count(one.totals.counters.total(), "token")
            )),
            RowSource::Sum(record::Source::Claim) => {
                line(format!(
                    "{}: claimed by a file of format 1.0 beyond the records that it has.",
                    count(one.totals.requests, "request")
                ));
            }
            RowSource::Sum(source) => line(imported(source).to_owned()),
        }
        if let Some(bill) = one.bill(self.found.fleet.prices()) {
            line(arithmetic(&bill));
        }
        if let Some(session) = &one.session {
            let id = one
                .id
                .map_or_else(String::new, |id| format!(", record {id}"));
            line(format!("session {}{id}", printable(session.as_str(), 60)));
        }
        if one.provisional {
            line("its output is a lower bound: no final count was logged".to_owned());
        }
        for copy in &one.copies {
            let number = if copy.line > 0 {
                format!(":{}", copy.line)
            } else {
                String::new()
            };
            let added = copy.added.map(|(commit, at)| {
                format!(
                    ", added by {} on {}",
                    &commit.to_string()[..8],
                    zone.minute(at)
                )
            });
            line(format!(
                "{}: {}{number}{}",
                self.label(&copy.machine),
                copy.path,
                added.unwrap_or_default()
            ));
        }
        if machines(one).len() > 1 {
            let owner = printable(&self.labels[one.machine], 40);
            line(format!(
                "several machines hold it: it counts once, for {owner}, which has the earliest copy"
            ));
        }
        for twin in &one.twins {
            line(format!(
                "not counted: {}:{}, the same request without its id",
                twin.path, twin.line
            ));
        }
        for (path, lines) in transcripts(one) {
            let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
            line(format!("{}:{}", printable(&path, 200), lines.join(",")));
        }
        if one.rows.len() > 1 {
            line(format!(
                "{} tell of one request: the one that says most counts",
                count(one.rows.len() as u64, "row")
            ));
        }
        out
    }

    fn json(&self) -> Value {
        let prices = self.found.fleet.prices();
        let totals = self.totals();
        let records: Vec<Value> = self.shown().iter().map(|one| self.one_json(one)).collect();
        json!({
            "version": 1,
            "schema": "claude-usage-tracker/explain/1",
            "at": self.env.now.to_string(),
            "prices": { "source": prices.source(), "asOf": prices.as_of(), "fingerprint": prices.fingerprint() },
            "totals": { "requests": totals.requests, "totalTokens": totals.counters.total(), "totalCost": dollars(totals.cost.amount), "costKnown": totals.cost.known },
            "left": self.all.len() - self.shown().len(),
            "records": records,
        })
    }

    fn one_json(&self, one: &Evidence) -> Value {
        let c = &one.totals.counters;
        let kind = match one.source {
            RowSource::Record(_) => "request",
            RowSource::Ledger(_) => "ledger",
            RowSource::Sum(record::Source::Claim) => "claim",
            RowSource::Sum(_) => "import",
        };
        let place = |copy: &crate::report::explain::Copy| {
            json!({
                "machineId": copy.machine.as_str(),
                "path": copy.path,
                "line": copy.line,
                "commit": copy.added.map(|(commit, _)| commit.to_string()),
                "committedAt": copy.added.map(|(_, at)| at.to_string()),
            })
        };
        let bill = one.bill(self.found.fleet.prices()).map(|bill| {
            let items: Vec<_> = bill.items.iter().map(|item| json!({ "what": item.what, "count": item.count, "rate": dollars(item.rate), "amount": dollars(item.amount) })).collect();
            json!({ "row": bill.row, "why": bill.why, "source": bill.source, "above": bill.above, "items": items, "fastPermille": bill.fast, "usPermille": bill.us, "cost": dollars(bill.cost.amount) })
        });
        json!({
            "id": one.id.map(|id| id.to_string()),
            "kind": kind,
            "timestamp": one.at.to_string(),
            "machineId": self.found.fleet.machines[one.machine].id.as_str(),
            "hostname": self.labels[one.machine],
            "sessionId": one.session.as_ref().map(crate::base::ids::SessionId::as_str),
            "project": one.project,
            "model": one.model,
            "requests": one.totals.requests,
            "inputTokens": c.input,
            "outputTokens": c.output,
            "cacheCreationTokens": c.cache_creation,
            "cacheReadTokens": c.cache_read,
            "costUSD": dollars(one.totals.cost.amount),
            "costKnown": one.totals.cost.known,
            "provisional": one.provisional,
            "bill": bill,
            "copies": one.copies.iter().map(place).collect::<Vec<_>>(),
            "notCounted": one.twins.iter().map(place).collect::<Vec<_>>(),
            "transcripts": one.rows.iter().map(|row| json!({ "path": row.path.display().to_string(), "line": row.line })).collect::<Vec<_>>(),
        })
    }
}

/// Where imported totals come from.
fn imported(source: record::Source) -> &'static str {
    match source {
        record::Source::StatsCache => {
            "imported: an estimate from Claude Code's stats-cache.json of a day of which nothing else is known"
        }
        _ => "imported: what ccusage counted on that day beyond what records show",
    }
}

/// The transcripts' lines, by path.
fn transcripts(one: &Evidence) -> Vec<(String, Vec<u64>)> {
    let mut out: Vec<(String, Vec<u64>)> = Vec::new();
    for row in &one.rows {
        let path = row.path.display().to_string();
        match out.last_mut().filter(|(last, _)| *last == path) {
            Some((_, lines)) => lines.push(row.line),
            None => out.push((path, vec![row.line])),
        }
    }
    out
}

/// The machines that hold it.
fn machines(one: &Evidence) -> BTreeSet<&crate::base::ids::MachineId> {
    one.copies.iter().map(|copy| &copy.machine).collect()
}

/// `3 input x $5 + 7 output x $25 per million = $0.00019`.
fn arithmetic(bill: &Bill) -> String {
    let searches = bill.items.iter().filter(|item| item.what == "web_search");
    let tokens = bill.items.iter().filter(|item| item.what != "web_search");
    let products: Vec<_> = tokens
        .map(|item| {
            format!(
                "{} {} x {}",
                thousands(item.count),
                item.what.replace('_', " "),
                rate(item.rate)
            )
        })
        .collect();
    let mut out = if products.is_empty() {
        "no tokens".to_owned()
    } else {
        format!("{} per million", products.join(" + "))
    };
    if bill.fast.or(bill.us).is_some() {
        out = format!("({out})");
    }
    for (factor, why) in [(bill.fast, "fast mode"), (bill.us, "inference in the US")] {
        if let Some(permille) = factor {
            out.push_str(&format!(
                " x {} ({why})",
                Money::from_pico(u128::from(permille).saturating_mul(1_000_000_000))
            ));
        }
    }
    for item in searches {
        let what = if item.count == 1 {
            "web search"
        } else {
            "web searches"
        };
        out.push_str(&format!(
            " + {} {what} x {}",
            thousands(item.count),
            rate(item.rate)
        ));
    }
    let tier = bill
        .above
        .map(|above| format!(", above {} tokens", thousands(above)))
        .unwrap_or_default();
    let row = [bill.row.as_str()]
        .into_iter()
        .chain(bill.why.iter().copied())
        .collect::<Vec<_>>()
        .join(", ");
    format!("{out} = ${} (price of {row}{tier})", bill.cost.amount)
}

/// A price to the cent where it is one, else as exact as it is.
fn rate(rate: Money) -> String {
    if rate.pico().is_multiple_of(10_000_000_000) {
        format!("${}", rate.cents())
    } else {
        format!("${rate}")
    }
}
