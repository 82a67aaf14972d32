//! `explain` as text.

use std::collections::{BTreeMap, BTreeSet};

use super::arithmetic::arithmetic;
use super::view::{View, machines};
use crate::base::money::Money;
use crate::base::text::{count, printable, thousands};
use crate::fleet::RowSource;
use crate::record::{Level, Source};
use crate::report::explain::{Copy, Evidence};
use crate::report::{CostMode, no_usage, price};

impl View<'_> {
    pub(super) fn to_text(&self) -> String {
        if self.all.is_empty() {
            return no_usage(self.bounds);
        }
        let mut out = self.summary();
        for one in self.shown() {
            out.push('\n');
            out.push_str(&self.request(one));
        }
        let more = self.all.len() - self.shown().len();
        if more > 0 {
            let more = thousands(more as u64);
            out.push_str(&format!("\n{more} more; --limit 0 shows all.\n"));
        }
        out
    }

    /// The totals, what was not counted, and the source of the prices.
    fn summary(&self) -> String {
        let totals = self.totals();
        let requests = count(totals.requests, "request");
        let mut out = format!("{}: {requests}\n", price(totals.cost));
        for line in self.not_counted().into_iter().chain(self.warnings()) {
            out.push_str(&format!("  {line}\n"));
        }
        for line in self.tiers() {
            out.push_str(&format!("  {line}\n"));
        }
        let table = self.fleet.prices();
        let (source, as_of) = (table.source(), table.as_of());
        out.push_str(&format!("  Prices: {source}, {as_of}.\n"));
        if self.mode != CostMode::Calculate {
            out.push_str("  With this --mode, a cost that a transcript contains counts instead.\n");
        }
        out
    }

    /// Copies of requests that do not count again, by kind.
    fn not_counted(&self) -> Vec<String> {
        let sum = |of: fn(&Evidence) -> usize| self.all.iter().map(of).sum::<usize>() as u64;
        [
            (
                sum(|one| machines(one).len().saturating_sub(1)),
                "copy on another machine",
                "copies on other machines",
            ),
            (
                sum(|one| one.twins.len()),
                "line without an id, equal to one that counts",
                "lines without an id, equal to others that count",
            ),
            (
                sum(|one| one.rows.len().saturating_sub(1)),
                "further row of a request in this machine's transcripts",
                "further rows of the same requests in this machine's transcripts",
            ),
        ]
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| {
            let what = if number == 1 { one } else { many };
            format!("Not counted again: {} {what}.", thousands(number))
        })
        .collect()
    }

    /// Figures that are too low, and why.
    fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        let provisional = self.all.iter().filter(|one| one.provisional).count() as u64;
        if provisional > 0 {
            let requests = count(provisional, "request");
            out.push(format!(
                "Output of {requests} is a lower bound: no final counts were logged."
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

    /// Requests that bill at a tier's higher prices, by its threshold: a usual reason for a
    /// difference to other programs.
    fn tiers(&self) -> Vec<String> {
        let mut tiers: BTreeMap<u64, (u64, Money)> = BTreeMap::new();
        let bills = self
            .all
            .iter()
            .filter_map(|one| one.bill(self.fleet.prices()));
        for bill in bills {
            if let Some(above) = bill.above {
                let (requests, cost) = tiers.entry(above).or_default();
                *requests = requests.saturating_add(1);
                *cost = cost.plus(bill.cost.amount);
            }
        }
        let line = |(above, (requests, cost)): (u64, (u64, Money))| {
            let (tier, requests) = (thousands(above), count(requests, "request"));
            format!(
                "{tier}-token tier: {requests}, ${}, with a longer prompt: all their tokens have the tier's prices. ccusage applies them to a part of the tokens only.",
                cost.cents()
            )
        };
        tiers.into_iter().map(line).collect()
    }

    /// A request: its cost, and a line for each thing that is known of it.
    fn request(&self, one: &Evidence) -> String {
        let mut lines = vec![self.heading(one)];
        lines.extend(kind(one));
        lines.extend(one.bill(self.fleet.prices()).map(|bill| arithmetic(&bill)));
        if let Some(session) = &one.session {
            let record = one.id.map(|id| format!(", record {id}"));
            let session = printable(session.as_str(), 60);
            lines.push(format!("session {session}{}", record.unwrap_or_default()));
        }
        if one.provisional {
            lines.push("its output is a lower bound: no final count was logged".to_owned());
        }
        lines.extend(one.copies.iter().map(|copy| self.copy(copy)));
        if machines(one).len() > 1 {
            let owner = self.label(one.machine);
            lines.push(format!(
                "on several machines: counts once, for {owner}, which has the earliest copy"
            ));
        }
        lines.extend(one.twins.iter().map(|twin| {
            let (path, line) = (&twin.path, twin.line);
            format!("not counted: {path}:{line}, the same request without its id")
        }));
        lines.extend(transcripts(one));
        if one.rows.len() > 1 {
            let rows = count(one.rows.len() as u64, "row");
            lines.push(format!(
                "{rows} of one request: the most complete one counts"
            ));
        }
        lines.join("\n  ") + "\n"
    }

    /// The cost, time, model, project and machine of a request.
    fn heading(&self, one: &Evidence) -> String {
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
        // Pruned records have a day, but no time.
        let when = match one.source {
            RowSource::Record(Level::Bare | Level::Daily)
            | RowSource::Ledger(Level::Bare | Level::Daily) => one.at.day().to_string(),
            _ => self.zone.minute(one.at),
        };
        let project = if one.project.is_empty() {
            String::new()
        } else {
            format!("  {}", printable(&one.project, 40))
        };
        let (model, machine) = (printable(model, 40), self.label(one.machine));
        format!("{cost}  {when}  {model}{project}  on {machine}")
    }

    /// A copy of a request: its machine, file, line and commit.
    fn copy(&self, copy: &Copy) -> String {
        let line = if copy.line > 0 {
            format!(":{}", copy.line)
        } else {
            String::new()
        };
        let added = copy.added.map(|(commit, at)| {
            let (commit, at) = (commit.to_string(), self.zone.minute(at));
            format!(", added by {} on {at}", &commit[..8])
        });
        let (label, path) = (self.label_of(&copy.machine), &copy.path);
        format!("{label}: {path}{line}{}", added.unwrap_or_default())
    }
}

/// What an item is if it is not a request of a transcript.
fn kind(one: &Evidence) -> Option<String> {
    match one.source {
        RowSource::Record(_) => None,
        RowSource::Ledger(_) => Some(format!(
            "{} from Claude Code's own account that are in no request line: final output of subagents, titles, summaries",
            count(one.totals.counters.total(), "token")
        )),
        RowSource::Sum(Source::Claim) => Some(format!(
            "{}: claimed by a file of format 1.0, beyond its records",
            count(one.totals.requests, "request")
        )),
        RowSource::Sum(Source::StatsCache) => Some(
            "imported: an estimate from Claude Code's stats-cache.json, for a day without other data"
                .to_owned(),
        ),
        RowSource::Sum(_) => {
            Some("imported: usage that ccusage counted on that day beyond the records".to_owned())
        }
    }
}

/// The lines of transcripts that contain a request: `PATH:LINE,LINE` for each file.
fn transcripts(one: &Evidence) -> Vec<String> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for row in &one.rows {
        let path = row.path.display().to_string();
        let line = row.line.to_string();
        match files.last_mut().filter(|(last, _)| *last == path) {
            Some((_, lines)) => lines.push(line),
            None => files.push((path, vec![line])),
        }
    }
    files
        .iter()
        .map(|(path, lines)| format!("{}:{}", printable(path, 200), lines.join(",")))
        .collect()
}
