//! Export of counted rows for other programs: CSV, JSON lines, Parquet and `OpenMetrics`.

mod csv;
mod jsonl;
mod open_metrics;
mod parquet;
mod row;
mod shown;
mod slices;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::{Bounds, Zone};
use crate::base::text::JsonScreen;
use crate::fleet::{Fleet, Row};
use parquet::Names;
use row::{ExportData, ExportedRow, InternedTexts};
use shown::shown;
pub(crate) use slices::ExportState;

/// Whether a path below an export's folder is one that [`Export::write_parquet`] writes.
pub(crate) fn is_parquet_path(path: &Path) -> bool {
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
pub(crate) enum Format {
    /// RFC 4180: a line a request, names first.
    Csv,
    /// A JSON object a request.
    Jsonl,
    /// Sums by machine, project and model, as Prometheus and the like read them.
    OpenMetrics,
}

/// Collects rows, and writes them sorted by time, so that the same data makes the same bytes.
#[derive(Debug)]
pub(crate) struct Export {
    bounds: Bounds,
    zone: Zone,
    names: InternedTexts,
    rows: Vec<ExportedRow>,
}

impl Export {
    /// An export of rows within `bounds`; days begin in `zone`.
    pub(crate) fn new(bounds: Bounds, zone: Zone) -> Self {
        Self {
            bounds,
            zone,
            names: InternedTexts::default(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row) {
        let date = if row.is_day() {
            row.at.day().date()
        } else {
            self.zone.date(row.at)
        };
        if !self.bounds.contain(date) {
            return;
        }
        self.rows.push(ExportedRow {
            at: row.at,
            machine: row.machine,
            session: self
                .names
                .find_or_insert(row.session.map_or("", |session| session.as_str())),
            project: self.names.find_or_insert(row.project),
            model: self.names.find_or_insert(row.model),
            totals: row.totals,
            kind: row.source.as_str(),
            provisional: row.provisional,
        });
    }

    /// Keeps the rows of the selected machines, sorted by time.
    fn sort(&mut self, wanted: impl Fn(usize) -> bool) {
        self.rows.retain(|row| wanted(row.machine));
        let names = &self.names;
        self.rows.sort_by(|a, b| {
            let key = |row: &ExportedRow| (row.at, row.machine, row.kind, row.figures());
            let texts = |row: &ExportedRow| {
                [row.session, row.project, row.model].map(|number| names.text(number))
            };
            key(a).cmp(&key(b)).then_with(|| texts(a).cmp(&texts(b)))
        });
    }

    /// Writes the rows of the selected machines.
    pub(crate) fn write(
        mut self,
        format: Format,
        fleet: &Fleet,
        wanted: impl Fn(usize) -> bool,
        mut out: impl Write,
    ) -> io::Result<()> {
        self.sort(&wanted);
        let rows = ExportData {
            rows: &self.rows,
            names: &self.names,
            fleet,
            labels: &fleet.labels(),
        };
        match format {
            Format::Csv => csv::write(&rows, &mut out)?,
            // Escaped like output to a terminal: programs that show the file are safe too.
            Format::Jsonl => jsonl::write(&rows, &mut JsonScreen(&mut out))?,
            Format::OpenMetrics => open_metrics::write(&rows, &wanted, &mut out)?,
        }
        out.flush()
    }

    /// Writes the rows of the selected machines as Parquet, one file per month (in UTC) and
    /// machine: `year=2026/month=03/machine=…/usage.parquet` below `folder`.
    pub(crate) fn write_parquet(
        mut self,
        fleet: &Fleet,
        wanted: impl Fn(usize) -> bool,
        folder: &Path,
    ) -> io::Result<()> {
        self.sort(wanted);
        let labels = fleet.labels();
        let mut parts: BTreeMap<(String, String, usize), Vec<&ExportedRow>> = BTreeMap::new();
        for row in &self.rows {
            let (year, month, _) = row.at.day().parts();
            let key = (year, month, row.machine);
            parts.entry(key).or_default().push(row);
        }
        for ((year, month, index), rows) in parts {
            let machine = fleet.machines[index].id.as_str();
            let place = folder.join(format!("year={year}/month={month}/machine={machine}"));
            fs::create_dir_all(&place)?;
            let file = fs::File::create(place.join(parquet::FILE))?;
            let names = Names {
                host: &|index| shown(&labels[index]),
                tags: &|index| tags(fleet, index),
                text: &|number| shown(self.names.text(number)),
                id: None,
            };
            parquet::write(&rows, &names, &file)?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// Writes what changed since `before` as Parquet below `folder`, and returns the state
    /// afterwards: `slices.parquet` names the slices that are new, changed or gone, and
    /// `rows.parquet` has all their rows.
    pub(crate) fn write_changes(
        mut self,
        fleet: &Fleet,
        wanted: impl Fn(usize) -> bool,
        before: &ExportState,
        folder: &Path,
    ) -> io::Result<ExportState> {
        self.sort(wanted);
        let labels = fleet.labels();
        let (changed, after) = slices::changed(&self.rows, &self.names, (fleet, &labels), before);
        let names = Names {
            host: &|index| shown(&labels[index]),
            tags: &|index| tags(fleet, index),
            text: &|number| shown(self.names.text(number)),
            id: Some(&|index| fleet.machines[index].id.to_string()),
        };
        let rows: Vec<&ExportedRow> = changed
            .iter()
            .flat_map(|slice| slice.rows.clone())
            .collect();
        let file = fs::File::create(folder.join("rows.parquet"))?;
        parquet::write(&rows, &names, &file)?;
        file.sync_all()?;
        let file = fs::File::create(folder.join("slices.parquet"))?;
        parquet::write_slices(&changed, &file)?;
        file.sync_all()?;
        Ok(after)
    }
}

/// The user and the group of the machine at an index.
fn tags(fleet: &Fleet, index: usize) -> [String; 2] {
    let machine = &fleet.machines[index];
    [shown(&machine.user), shown(&machine.group)]
}
