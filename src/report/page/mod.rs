//! The HTML page: one file that answers questions about usage, in a browser, without a network.
//!
//! The page is a template ([`TEMPLATE`]), a style, the script's files one after the other, the library
//! that paints charts, and the data as JSON. Everything that the reader sees is made by the script from
//! the data; the policy in the page's head lets nothing be fetched.
//!
//! ```text
//! names → cells → detail, limits → json
//! ```

mod cells;
mod detail;
mod differences;
mod json;
mod limits;
mod names;
mod sections;

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha2::{Digest as _, Sha256};

use super::fold::Fold;
use super::limits::Known;
use super::notes::{no_usage, notes};
use super::{Bounds, Choice, Look, Machines, Report, ReportKind, Zone, price};
use crate::base::text::{count, thousands};
use crate::charts::escaped;
use crate::fleet::{Fleet, Row};
use cells::{Cells, CellsFold};
use detail::{LeftOut, STEPS};
use json::{About, to_json};
pub(crate) use sections::{Sections, SectionsFold, Which};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: [&str; 2] = [
    include_str!("vendor/uplot/uPlot.min.css"),
    include_str!("style.css"),
];
const LICENSE: &str = include_str!("vendor/uplot/LICENSE");
const LIBRARY: &str = include_str!("vendor/uplot/uPlot.iife.min.js");
/// The page's own script: what a file uses stands in files before it.
const SCRIPT: [&str; 16] = [
    include_str!("script/format.js"),
    include_str!("script/data.js"),
    include_str!("script/dom.js"),
    include_str!("script/state.js"),
    include_str!("script/buckets.js"),
    include_str!("script/sums.js"),
    include_str!("script/theme.js"),
    include_str!("script/bars.js"),
    include_str!("script/barkeys.js"),
    include_str!("script/brush.js"),
    include_str!("script/heat.js"),
    include_str!("script/cache.js"),
    include_str!("script/limits.js"),
    include_str!("script/facets.js"),
    include_str!("script/sessions.js"),
    include_str!("script/main.js"),
];

/// Up to this size the data stands in the page as it is, in bytes; above it, compressed.
const PLAIN: usize = 200_000;
/// How large the page may be, in bytes.
const MOST: usize = 2_000_000;
/// What is kept free for notes and the template.
const SPARE: usize = 16_000;

/// Collects rows for the page.
#[derive(Debug)]
pub(crate) struct PageFold {
    months: Fold,
    cells: CellsFold,
    bounds: Bounds,
    zone: Zone,
    week: u32,
}

impl PageFold {
    /// Collects rows within `bounds`, with days of `zone`.
    pub(crate) fn new(bounds: Bounds, zone: Zone, choice: &Choice) -> Self {
        Self {
            months: Fold::new(ReportKind::Monthly, bounds, zone).with(choice.clone()),
            cells: CellsFold::new(bounds, zone),
            bounds,
            zone,
            week: choice.week_start,
        }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row) {
        self.months.add(row);
        self.cells.add(row);
    }

    /// The page about these machines or, if there are none, about all. `limits`: plan limits of
    /// whole accounts.
    pub(crate) fn into_html(
        self,
        fleet: &Fleet,
        machines: Machines<'_>,
        limits: &Known,
        look: Look,
    ) -> std::io::Result<String> {
        let about = About {
            bounds: self.bounds,
            zone: self.zone,
            week: self.week,
            now: look.now,
            prices: fleet.prices(),
            limits,
        };
        let cells = self.cells.finish(fleet, machines);
        let months = self.months.finish(fleet, machines);
        let script = script();
        let room = MOST.saturating_sub(script.len() + STYLE.concat().len() + SPARE);
        let (data, left) = embedded(&cells, about, room)?;
        let notes: Vec<String> = notes(&months, look)
            .into_iter()
            .chain(left.notes())
            .collect();
        let (made, zone) = (made(&cells, about), zone_name(about.zone));
        Ok(fill(&[
            ("hash", &STANDARD.encode(Sha256::digest(&script))),
            ("style", &STYLE.concat()),
            ("license", LICENSE),
            ("made", &made),
            ("noscript", &without_script(&months)),
            ("period", &period(&months)),
            (
                "notes",
                &notes.iter().map(|note| note_line(note)).collect::<String>(),
            ),
            ("zone", &escaped(&zone)),
            ("encoding", data.encoding),
            ("data", &data.text),
            ("script", &script),
        ]))
    }
}

/// The data as it stands in the page.
struct Embedded {
    text: String,
    /// The attribute that names its encoding.
    encoding: &'static str,
}

/// The data in as much detail as there is room for, in bytes.
fn embedded(cells: &Cells, about: About<'_>, room: usize) -> std::io::Result<(Embedded, LeftOut)> {
    let mut last = None;
    for step in STEPS {
        let (reduced, left) = cells.reduced(step);
        let data = encoded(to_json(&reduced, left, about)?)?;
        let fits = data.text.len() <= room;
        last = Some((data, left));
        if fits {
            break;
        }
    }
    last.ok_or_else(|| std::io::Error::other("no detail to try"))
}

fn encoded(json: String) -> std::io::Result<Embedded> {
    if json.len() <= PLAIN {
        return Ok(Embedded {
            text: json,
            encoding: "",
        });
    }
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(json.as_bytes())?;
    let text = STANDARD.encode(deflated.finish()?);
    Ok(Embedded {
        text,
        encoding: " data-encoding=\"deflate\"",
    })
}

/// The library, and the page's own script in a scope of its own.
fn script() -> String {
    format!(
        "{LIBRARY}\n(() => {{\n\"use strict\";\n{}}})();\n",
        SCRIPT.join("\n")
    )
}

/// The template with each `{{name}}` replaced. What is put in is not looked through again.
fn fill(values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (at, part) in TEMPLATE.split("{{").enumerate() {
        let (name, rest) = part.split_once("}}").unwrap_or(("", part));
        if at > 0 {
            let value = values.iter().find(|(known, _)| *known == name);
            out.push_str(value.map_or("", |(_, value)| value));
        }
        out.push_str(rest);
    }
    out
}

fn made(cells: &Cells, about: About<'_>) -> String {
    format!(
        "{}. Made {} by claude-usage-tracker {}. Days and hours in {}.",
        count(cells.machines.len() as u64, "machine"),
        about.zone.minute(about.now),
        env!("CARGO_PKG_VERSION"),
        escaped(&zone_name(about.zone)),
    )
}

fn zone_name(zone: Zone) -> String {
    match zone {
        Zone::Local => "local time".to_owned(),
        Zone::Utc => "UTC".to_owned(),
        Zone::Named(zone) => zone.iana_name().unwrap_or_default().to_owned(),
    }
}

/// The first and the last month, until the script names the days.
fn period(months: &Report) -> String {
    match (months.groups.first(), months.groups.last()) {
        (Some(first), Some(last)) if first.key == last.key => escaped(&first.key),
        (Some(first), Some(last)) => format!("{} to {}", escaped(&first.key), escaped(&last.key)),
        _ => escaped(no_usage(months.bounds).trim_end_matches(".\n")),
    }
}

/// The months as a table, for where scripts do not run.
fn without_script(months: &Report) -> String {
    let line = |name: &str, totals: &crate::record::Totals| {
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escaped(name),
            thousands(totals.requests),
            thousands(totals.counters.total()),
            price(totals.cost)
        )
    };
    let rows: String = months
        .groups
        .iter()
        .map(|group| line(&group.key, &group.totals))
        .collect();
    let total = line("Total", &months.totals);
    format!(
        "<p>Charts need JavaScript, which does not run here.</p>\n<table><caption>Usage by month</caption>\n\
         <tr><th>Month</th><th>Requests</th><th>Tokens</th><th>Cost (USD)</th></tr>\n{rows}{total}</table>"
    )
}

/// Escapes a note word by word: escaping cuts long texts, and a note may be long.
fn note_line(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(escaped).collect();
    format!("<p class=\"note\">{}</p>\n", words.join(" "))
}
