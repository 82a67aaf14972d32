//! What counts, row by row, for other programs: CSV, JSON lines, Parquet and `OpenMetrics`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::exported::Line;
use super::{Bounds, Zone, dollars, parquet};
use crate::base::text::{JsonScreen, csv_field as quoted, printable};
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row, RowSource};
use crate::record::{Source, Totals};

/// Whether a path below an export's folder is one that [`Export::write_parquet`] writes.
pub fn is_parquet_path(path: &Path) -> bool {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    match parts[..] {
        [year, month, machine, file] => {
            let begins = year.starts_with("year=")
                && month.starts_with("month=")
                && machine.starts_with("machine=");
            begins && file == parquet::FILE
        }
        _ => false,
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180: a line a request, names first.
    Csv,
    /// A JSON object a request.
    Jsonl,
    /// Sums by machine, project and model, as Prometheus and the like read them.
    OpenMetrics,
}

/// The columns of CSV.
const COLUMNS: &str = "timestamp,machine_id,hostname,session,project,model,requests,input_tokens,output_tokens,cache_creation_tokens,\
                       cache_creation_1h_tokens,cache_read_tokens,web_searches,cost_usd,cost_known,kind,provisional";

/// Texts by number: a fleet has millions of rows and few names.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    fn text(&self, number: u32) -> &str {
        usize::try_from(number)
            .ok()
            .and_then(|at| self.texts.get(at))
            .map_or("", String::as_str)
    }
}

/// Rows on their way out. They come in no order and leave by time, so that the same data makes the same bytes.
#[derive(Debug)]
pub struct Export {
    bounds: Bounds,
    zone: Zone,
    names: Names,
    lines: Vec<Line>,
}

impl Export {
    /// Of rows within `bounds`; days begin in `zone`.
    pub fn new(bounds: Bounds, zone: Zone) -> Self {
        Self {
            bounds,
            zone,
            names: Names::default(),
            lines: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn add(&mut self, row: &Row) {
        let date = if row.is_day() {
            row.at.day().date()
        } else {
            self.zone.date(row.at)
        };
        if !self.bounds.hold(date) {
            return;
        }
        let kind = match row.source {
            RowSource::Record(_) => "request",
            RowSource::Ledger(_) => "ledger",
            RowSource::Sum(Source::Claim) => "claim",
            RowSource::Sum(_) => "import",
        };
        self.lines.push(Line {
            at: row.at,
            machine: row.machine,
            session: self
                .names
                .number(row.session.map_or("", |session| session.as_str())),
            project: self.names.number(row.project),
            model: self.names.number(row.model),
            totals: row.totals,
            kind,
            provisional: row.provisional,
        });
    }

    /// Keeps the rows of the machines that are wanted, by time.
    fn sort(&mut self, wanted: impl Fn(usize) -> bool) {
        self.lines.retain(|line| wanted(line.machine));
        let names = &self.names;
        self.lines.sort_by(|a, b| {
            let key = |line: &Line| {
                let c = &line.totals.counters;
                (
                    line.at,
                    line.machine,
                    line.kind,
                    line.totals.requests,
                    [
                        c.input,
                        c.output,
                        c.cache_creation,
                        c.cache_read,
                        c.cache_1h,
                    ],
                )
            };
            let texts = |line: &Line| {
                [line.session, line.project, line.model].map(|number| names.text(number))
            };
            key(a).cmp(&key(b)).then_with(|| texts(a).cmp(&texts(b)))
        });
    }

    /// Writes the rows of the machines that are wanted.
    pub fn write(
        mut self,
        format: Format,
        fleet: &Fleet,
        wanted: impl Fn(usize) -> bool,
        mut out: impl Write,
    ) -> io::Result<()> {
        self.sort(&wanted);
        let labels = fleet.labels();
        match format {
            Format::Csv => self.csv(fleet, &labels, &mut out)?,
            // Of what follows the terminal's rules nothing steers a program that shows a file either.
            Format::Jsonl => self.jsonl(fleet, &labels, &mut JsonScreen(&mut out))?,
            Format::OpenMetrics => self.open_metrics(fleet, &labels, &wanted, &mut out)?,
        }
        out.flush()
    }

    /// Writes the rows of the machines that are wanted as Parquet, a file for each month of a machine, in UTC:
    /// `year=2026/month=03/machine=…/usage.parquet` below a folder.
    pub fn write_parquet(
        mut self,
        fleet: &Fleet,
        wanted: impl Fn(usize) -> bool,
        folder: &Path,
    ) -> io::Result<()> {
        self.sort(wanted);
        let labels = fleet.labels();
        let mut parts: BTreeMap<(String, String, usize), Vec<&Line>> = BTreeMap::new();
        for line in &self.lines {
            let (year, month, _) = line.at.day().parts();
            parts
                .entry((year, month, line.machine))
                .or_default()
                .push(line);
        }
        for ((year, month, at), lines) in parts {
            let machine = fleet.machines[at].id.as_str();
            let place = folder.join(format!("year={year}/month={month}/machine={machine}"));
            fs::create_dir_all(&place)?;
            let file = fs::File::create(place.join(parquet::FILE))?;
            parquet::write(
                &lines,
                &shown(&labels[at]),
                |number| shown(self.names.text(number)),
                &file,
            )?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn csv(&self, fleet: &Fleet, labels: &[String], out: &mut impl Write) -> io::Result<()> {
        write!(out, "{COLUMNS}\r\n")?;
        for line in &self.lines {
            let machine = fleet.machines[line.machine].id.as_str();
            let texts = [
                &labels[line.machine],
                self.names.text(line.session),
                self.names.text(line.project),
                self.names.text(line.model),
            ];
            let c = &line.totals.counters;
            let counts = [
                line.totals.requests,
                c.input,
                c.output,
                c.cache_creation,
                c.cache_1h,
                c.cache_read,
                c.web_search,
            ]
            .map(|n| n.to_string());
            let (texts, counts) = (texts.map(quoted).join(","), counts.join(","));
            let cost = line.totals.cost;
            write!(
                out,
                "{},{machine},{texts},{counts},{},{},{},{}\r\n",
                line.at, cost.amount, cost.known, line.kind, line.provisional
            )?;
        }
        Ok(())
    }

    fn jsonl(&self, fleet: &Fleet, labels: &[String], out: &mut impl Write) -> io::Result<()> {
        for line in &self.lines {
            let c = &line.totals.counters;
            let value = json!({
                "timestamp": line.at.to_string(),
                "machineId": fleet.machines[line.machine].id.as_str(),
                "hostname": labels[line.machine],
                "sessionId": self.names.text(line.session),
                "project": self.names.text(line.project),
                "model": self.names.text(line.model),
                "requests": line.totals.requests,
                "inputTokens": c.input,
                "outputTokens": c.output,
                "cacheCreationTokens": c.cache_creation,
                "cacheCreation1hTokens": c.cache_1h,
                "cacheReadTokens": c.cache_read,
                "webSearches": c.web_search,
                "costUSD": dollars(line.totals.cost.amount),
                "costKnown": line.totals.cost.known,
                "kind": line.kind,
                "provisional": line.provisional,
            });
            writeln!(out, "{value}")?;
        }
        Ok(())
    }

    fn open_metrics(
        &self,
        fleet: &Fleet,
        labels: &[String],
        wanted: &impl Fn(usize) -> bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut sums: BTreeMap<String, Totals> = BTreeMap::new();
        for line in &self.lines {
            let of = |number: u32| escaped(self.names.text(number));
            let key = format!(
                "machine=\"{}\",project=\"{}\",model=\"{}\"",
                escaped(&labels[line.machine]),
                of(line.project),
                of(line.model)
            );
            let sum = sums.entry(key).or_default();
            *sum = sum.plus(line.totals);
        }
        writeln!(
            out,
            "# TYPE claude_usage_tokens counter\n# HELP claude_usage_tokens Tokens, each request once."
        )?;
        for (key, totals) in &sums {
            let c = &totals.counters;
            let all = [
                ("input", c.input),
                ("output", c.output),
                ("cache_creation", c.cache_creation),
                ("cache_read", c.cache_read),
            ];
            for (kind, count) in all {
                writeln!(
                    out,
                    "claude_usage_tokens_total{{{key},type=\"{kind}\"}} {count}"
                )?;
            }
        }
        writeln!(
            out,
            "# TYPE claude_usage_requests counter\n# HELP claude_usage_requests Requests to the API."
        )?;
        for (key, totals) in &sums {
            writeln!(
                out,
                "claude_usage_requests_total{{{key}}} {}",
                totals.requests
            )?;
        }
        writeln!(
            out,
            "# TYPE claude_usage_cost_usd counter\n# HELP claude_usage_cost_usd What requests with a known price cost."
        )?;
        for (key, totals) in &sums {
            writeln!(
                out,
                "claude_usage_cost_usd_total{{{key}}} {}",
                totals.cost.amount
            )?;
        }
        writeln!(
            out,
            "# TYPE claude_usage_last_sync_seconds gauge\n# HELP claude_usage_last_sync_seconds When the machine last synced."
        )?;
        let mut seen: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (at, machine) in fleet
            .machines
            .iter()
            .enumerate()
            .filter(|(at, machine)| wanted(*at) && machine.merged_into.is_none())
        {
            if let Some(page) = &machine.machine_file {
                seen.insert(escaped(&labels[at]), page.last_sync());
            }
        }
        for (label, time) in seen {
            writeln!(
                out,
                "claude_usage_last_sync_seconds{{machine=\"{label}\"}} {}",
                time.millis().div_euclid(1000)
            )?;
        }
        writeln!(out, "# EOF")
    }
}

/// A name without raw characters that print nothing or reorder others.
fn shown(text: &str) -> String {
    printable(text, usize::MAX)
}

/// A label's value: beside backslash and quote the format escapes the end of a line alone, and there is none in what is shown.
fn escaped(text: &str) -> String {
    shown(text).replace('\\', "\\\\").replace('"', "\\\"")
}
