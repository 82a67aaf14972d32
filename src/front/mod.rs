//! The repository's front page: a block in README.md, charts and a table of months, computed from the days before the latest one that
//! has usage. Opted into by the block: where README.md has none, there is no front page.
//!
//! The block names what it was computed from (`inputs`), so that it differs whenever that differs, and is left alone otherwise.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate};
use sha2::{Digest as _, Sha256};

use crate::base::money::Cost;
use crate::base::text::{csv_field, printable, short_model, thousands};
use crate::base::time::Day;
use crate::cache::Cache;
use crate::cache::overview::Overview;
use crate::charts::{Chart, Picture, Theme, Unit};
use crate::fleet::{DataError, Fleet, Row};
use crate::format::dayfile::hex;
use crate::format::manifest::RULES;
use crate::git::Oid;
use crate::git::repo::{FILE, FOLDER, Repo};
use crate::record::Totals;
use crate::store::layout::{FRONT, README};

const BEGIN: &str = "<!-- claude-sync: begin";
const END: &str = "<!-- claude-sync: end -->\n";

/// A block with nothing in it, which the next run fills.
pub const EMPTY: &str = "<!-- claude-sync: begin -->\n<!-- claude-sync: end -->\n";

/// README.md around the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split<'t> {
    /// What the user wrote above it.
    pub before: &'t str,
    /// The block, with its first and its last line.
    pub block: &'t str,
    /// What the user wrote below it.
    pub after: &'t str,
}

impl<'t> Split<'t> {
    /// Finds the block; none where there is none, or where it has no end.
    pub fn of(text: &'t str) -> Option<Self> {
        let begin = text
            .find(BEGIN)
            .filter(|at| *at == 0 || text[..*at].ends_with('\n'))?;
        let end = begin + text[begin..].find(END)? + END.len();
        Some(Self {
            before: &text[..begin],
            block: &text[begin..end],
            after: &text[end..],
        })
    }

    /// The text with another block.
    pub fn with(&self, block: &str) -> String {
        format!("{}{block}{}", self.before, self.after)
    }

    /// The rules, the inputs and the files that the block's first line names.
    fn marks(&self) -> (u64, &'t str, &'t str) {
        let words: Vec<&str> = self
            .block
            .lines()
            .next()
            .unwrap_or_default()
            .split(' ')
            .collect();
        let named = |name: &str| {
            words
                .iter()
                .find_map(|word| word.strip_prefix(name))
                .unwrap_or_default()
        };
        (
            named("rules=").parse().unwrap_or(0),
            named("inputs="),
            named("files="),
        )
    }
}

/// Joins two versions of README.md: the user's text as git would, the greater block. It is computed anew afterwards.
pub fn join_readme(base: Option<&[u8]>, a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let (mine, theirs) = (text(a)?, text(b)?);
    let emptied =
        |text: &str| Split::of(text).map_or_else(|| text.to_owned(), |split| split.with(EMPTY));
    let base = base.and_then(text).map(emptied);
    // Ordered, so that two machines that join the same versions get the same text.
    let (first, second) = (emptied(mine.min(theirs)), emptied(mine.max(theirs)));
    let joined = if first == second {
        first.into_bytes()
    } else {
        Repo::merge_text(
            base.as_deref().map(str::as_bytes),
            first.as_bytes(),
            second.as_bytes(),
        )?
    };
    let block = [mine, theirs]
        .into_iter()
        .filter_map(Split::of)
        .map(|split| split.block)
        .max();
    let joined = String::from_utf8(joined).ok()?;
    Some(match (Split::of(&joined), block) {
        (Some(split), Some(block)) => split.with(block).into_bytes(),
        _ => joined.into_bytes(),
    })
}

/// The day that the page ends before; none where nothing was used.
fn until(fleet: &Fleet) -> Option<Day> {
    fleet.last_usage().map(crate::base::time::Timestamp::day)
}

/// A hash of all that the page is computed from: the files of days before its end, and what machines say of themselves.
fn inputs(repo: &Repo, archive: Option<Oid>, fleet: &Fleet) -> Result<String, DataError> {
    let mut hash = Sha256::new();
    let mut put = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    put(&RULES.to_string());
    let end = until(fleet).map(Day::parts);
    let (end_year, end_month, end_day) = end.unwrap_or_default();
    put(&format!("{end_year}-{end_month}-{end_day}"));
    for (year, of_year) in repo
        .entries(archive)?
        .into_iter()
        .filter(|(year, entry)| entry.mode == FOLDER && *year <= end_year)
    {
        for (month, of_month) in repo
            .entries(Some(of_year.oid))?
            .into_iter()
            .filter(|(_, entry)| entry.mode == FOLDER)
        {
            match (&year, &month).cmp(&(&end_year, &end_month)) {
                std::cmp::Ordering::Less => put(&format!("{year}/{month} {}", of_month.oid)),
                std::cmp::Ordering::Greater => {}
                std::cmp::Ordering::Equal => {
                    for (machine, files) in repo
                        .entries(Some(of_month.oid))?
                        .into_iter()
                        .filter(|(_, entry)| entry.mode == FOLDER)
                    {
                        for (file, entry) in repo.entries(Some(files.oid))? {
                            if file
                                .split('.')
                                .next()
                                .is_some_and(|day| day < end_day.as_str())
                            {
                                put(&format!("{year}/{month}/{machine}/{file} {}", entry.oid));
                            }
                        }
                    }
                }
            }
        }
    }
    for machine in &fleet.machines {
        put(&format!(
            "{} {} {:?}",
            machine.id, machine.label, machine.merged_into
        ));
        let Some(page) = &machine.page else { continue };
        // What format 1.0 claims without a record.
        put(&format!("{:?}", page.claimed));
        for (id, session) in page
            .sessions
            .iter()
            .filter(|(_, session)| session.claimed.is_some())
        {
            put(&format!(
                "{id} {:?} {:?}",
                session.claimed, session.last_updated
            ));
        }
    }
    Ok(hex(hash)[..16].to_owned())
}

/// Sums of a month.
#[derive(Debug, Default)]
struct Month {
    totals: Totals,
    /// By machine and model.
    cells: BTreeMap<(usize, String), Totals>,
}

/// What the page tells.
#[derive(Debug)]
struct Figures {
    end: Day,
    months: BTreeMap<String, Month>,
    /// The last days, by model.
    days: BTreeMap<NaiveDate, BTreeMap<String, Totals>>,
    /// By machine: the last day, and all that it used.
    machines: BTreeMap<usize, (Day, Totals)>,
}

/// The time of a sum from elsewhere may be on the day before the one that it is of; records of two days after that, and of an hour more,
/// decide what of it counts.
const IMPORTED: u64 = 4;

/// So many days have a bar.
const DAYS: u64 = 30;
/// So many months have a bar and a line.
const MONTHS: usize = 12;
/// So many machines have a line: those that cost most this month.
const MACHINES: usize = 20;

impl Figures {
    fn add(&mut self, row: &Row) {
        let day = row.at.day();
        // What counts of history from elsewhere hangs on the days around it, and the page on no file of its end or later.
        let later = if row.is_sum() {
            Days::new(IMPORTED)
        } else {
            Days::new(0)
        };
        if day
            .date()
            .checked_add_days(later)
            .is_none_or(|day| day >= self.end.date())
        {
            return;
        }
        let model = if row.model.is_empty() {
            "unknown"
        } else {
            row.model
        };
        let (year, month, _) = day.parts();
        let of_month = self.months.entry(format!("{year}-{month}")).or_default();
        of_month.totals = of_month.totals.plus(row.totals);
        add(
            of_month
                .cells
                .entry((row.machine, model.to_owned()))
                .or_default(),
            row.totals,
        );
        if self.first_day() <= day.date() {
            add(
                self.days
                    .entry(day.date())
                    .or_default()
                    .entry(model.to_owned())
                    .or_default(),
                row.totals,
            );
        }
        let (last, sum) = self
            .machines
            .entry(row.machine)
            .or_insert((day, Totals::default()));
        *last = (*last).max(day);
        add(sum, row.totals);
    }

    fn first_day(&self) -> NaiveDate {
        self.end
            .date()
            .checked_sub_days(Days::new(DAYS))
            .unwrap_or(NaiveDate::MIN)
    }

    /// The month of the last day that is told of.
    fn this_month(&self) -> String {
        self.end
            .date()
            .pred_opt()
            .map(|day| format!("{:04}-{:02}", day.year(), day.month()))
            .unwrap_or_default()
    }
}

fn add(sum: &mut Totals, more: Totals) {
    *sum = sum.plus(more);
}

/// All files of the page but README.md, and its block.
fn draw(
    figures: &Figures,
    labels: &[String],
    mark: &str,
) -> Result<(String, BTreeMap<String, Vec<u8>>), DataError> {
    let mut files = BTreeMap::new();
    let pictures = [("days", days(figures)), ("months", months(figures))];
    for (name, picture) in &pictures {
        for (theme, suffix) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            let svg = picture
                .svg(theme)
                .map_err(|error| DataError::Front(error.to_string()))?;
            files.insert(format!("{FRONT}/{name}-{suffix}.svg"), svg.into_bytes());
        }
    }
    files.insert(
        format!("{FRONT}/months.csv"),
        csv(figures, labels).into_bytes(),
    );
    let ids = files
        .iter()
        .map(|(path, bytes)| Ok((path.clone(), Repo::blob_id(bytes)?)));
    let ids = digest(&ids.collect::<Result<_, DataError>>()?);
    let mut block = format!(
        "{BEGIN} rules={RULES} inputs={mark} files={ids} (what stands from here to the end is written by claude-sync) -->\n"
    );
    block.push_str(&tables(figures, labels));
    for (name, picture) in &pictures {
        block.push_str(&format!(
            "\n<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"{FRONT}/{name}-dark.svg\">\
             <img alt=\"{}\" src=\"{FRONT}/{name}-light.svg\"></picture>\n",
            picture.title
        ));
    }
    block.push_str(&format!(
        "\nEvery month by machine and model: [{FRONT}/months.csv]({FRONT}/months.csv)\n{END}"
    ));
    Ok((block, files))
}

/// A text in a cell of a table in Markdown.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text, 60).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_ascii_punctuation() && !matches!(c, '.' | '-') => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn dollars(cost: Cost) -> String {
    format!(
        "${}{}",
        cost.amount.cents(),
        if cost.known { "" } else { " + ?" }
    )
}

fn line(name: &str, totals: &Totals) -> String {
    format!(
        "| {name} | {} | {} | {} |\n",
        thousands(totals.requests),
        thousands(totals.counters.total()),
        dollars(totals.cost)
    )
}

fn tables(figures: &Figures, labels: &[String]) -> String {
    let last = figures.end.date().pred_opt().unwrap_or(figures.end.date());
    let mut out = format!(
        "## Claude Code usage\n\nUntil {last} (UTC).\n\n| Month | Requests | Tokens | Cost (USD) |\n|---|--:|--:|--:|\n"
    );
    let this = figures.this_month();
    for (name, month) in figures.months.iter().rev().take(MONTHS) {
        let so_far = if *name == this { ", so far" } else { "" };
        out.push_str(&line(&format!("{name}{so_far}"), &month.totals));
    }
    let all: Totals = figures.months.values().map(|month| month.totals).sum();
    out.push_str(&line("**All**", &all));
    out.push_str("\n| Machine | Last used | Cost this month (USD) | Cost in all (USD) |\n|---|---|--:|--:|\n");
    let mut now: BTreeMap<usize, Totals> = BTreeMap::new();
    for ((machine, _), totals) in figures
        .months
        .get(&this)
        .into_iter()
        .flat_map(|month| &month.cells)
    {
        add(now.entry(*machine).or_default(), *totals);
    }
    let mut machines: Vec<_> = figures
        .machines
        .iter()
        .map(|(at, (last, sum))| (now.get(at).copied().unwrap_or_default(), *at, *last, *sum))
        .collect();
    machines.sort_by(|a, b| {
        (b.0.cost.amount, b.3.cost.amount, a.1).cmp(&(a.0.cost.amount, a.3.cost.amount, b.1))
    });
    for (now, at, last, sum) in machines.iter().take(MACHINES) {
        out.push_str(&format!(
            "| {} | {last} | {} | {} |\n",
            cell(&labels[*at]),
            dollars(now.cost),
            dollars(sum.cost)
        ));
    }
    let more = machines.len().saturating_sub(MACHINES);
    if more > 0 {
        out.push_str(&format!("| {more} more | | | |\n"));
    }
    out
}

fn csv(figures: &Figures, labels: &[String]) -> String {
    let mut out =
        "month,machine,model,requests,input_tokens,output_tokens,cache_creation_tokens,cache_read_tokens,cost_usd,cost_known\n".to_owned();
    for (name, month) in &figures.months {
        for ((machine, model), totals) in &month.cells {
            let c = &totals.counters;
            let counts = [
                totals.requests,
                c.input,
                c.output,
                c.cache_creation,
                c.cache_read,
            ]
            .map(|count| count.to_string())
            .join(",");
            let (machine, model) = (csv_field(&labels[*machine]), csv_field(model));
            out.push_str(&format!(
                "{name},{machine},{model},{counts},{},{}\n",
                totals.cost.amount, totals.cost.known
            ));
        }
    }
    out
}

fn value(totals: &Totals) -> f64 {
    totals.cost.amount.pico() as f64 / 1e12
}

/// Bars of parts by name, the dearest part first.
fn stack(title: &str, bars: Vec<(String, BTreeMap<&str, Totals>)>) -> Picture {
    let mut sums: BTreeMap<&str, Totals> = BTreeMap::new();
    for (name, totals) in bars.iter().flat_map(|(_, parts)| parts) {
        add(sums.entry(name).or_default(), *totals);
    }
    let mut names: Vec<_> = sums.into_iter().collect();
    names.sort_by(|a, b| {
        b.1.cost
            .amount
            .cmp(&a.1.cost.amount)
            .then_with(|| a.0.cmp(b.0))
    });
    let heights = |name: &str| {
        bars.iter()
            .map(|(_, parts)| parts.get(name).map_or(0.0, value))
            .collect()
    };
    let parts = names
        .iter()
        .map(|(name, _)| (short_model(name), heights(name)))
        .collect();
    let chart = Chart::Stack {
        parts,
        bars: bars.into_iter().map(|(bar, _)| bar).collect(),
    };
    Picture {
        title: title.to_owned(),
        unit: Unit::Dollars,
        chart,
    }
}

fn days(figures: &Figures) -> Picture {
    let first = figures.first_day();
    let days = (0..DAYS).filter_map(|n| first.checked_add_days(Days::new(n)));
    let parts = |day: &NaiveDate| {
        figures
            .days
            .get(day)
            .into_iter()
            .flatten()
            .map(|(model, totals)| (model.as_str(), *totals))
            .collect()
    };
    stack(
        "Cost per day by model, the last 30 days",
        days.map(|day| (day.to_string(), parts(&day))).collect(),
    )
}

fn months(figures: &Figures) -> Picture {
    let skip = figures.months.len().saturating_sub(MONTHS);
    let mut bars = Vec::new();
    for (name, month) in figures.months.iter().skip(skip) {
        let mut parts: BTreeMap<&str, Totals> = BTreeMap::new();
        month
            .cells
            .iter()
            .for_each(|((_, model), totals)| add(parts.entry(model).or_default(), *totals));
        bars.push((name.clone(), parts));
    }
    stack("Cost per month by model", bars)
}

/// A front page: the block, and all its other files.
pub struct Front {
    /// The block of README.md.
    pub block: String,
    /// The other files, by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A hash of files' names and ids.
fn digest(files: &BTreeMap<String, Oid>) -> String {
    let mut hash = Sha256::new();
    files
        .iter()
        .for_each(|(path, oid)| hash.update(format!("{path} {oid}\n")));
    hex(hash)[..16].to_owned()
}

/// What stands in a tree.
#[derive(Debug, Default)]
pub struct There {
    /// README.md, where it is a text.
    pub readme: Option<String>,
    /// The other files.
    pub files: BTreeMap<String, Oid>,
}

impl There {
    /// Looks at a root tree.
    pub fn read(repo: &Repo, root: Oid) -> Result<Self, DataError> {
        let files = repo
            .blobs(Some(root), FRONT)?
            .into_iter()
            .map(|blob| (blob.path, blob.oid))
            .collect();
        Ok(Self {
            readme: readme(repo, root)?,
            files,
        })
    }

    /// README.md around its block, where it has one.
    pub fn split(&self) -> Option<Split<'_>> {
        self.readme.as_deref().and_then(Split::of)
    }
}

/// Computes the page of the trees `sync/machines` and `sync/archive`. None where what is there was
/// computed from the same, or by later rules, and where nothing was used yet.
pub fn compute(
    repo: &Repo,
    (machines, archive): (Option<Oid>, Option<Oid>),
    there: &There,
    cache: &dyn Cache,
) -> Result<Option<Front>, DataError> {
    let overview = Overview::read(repo, (machines, archive), None, cache, &mut |_| {})?;
    let Some(end) = until(&overview.fleet) else {
        return Ok(None);
    };
    let mark = inputs(repo, archive, &overview.fleet)?;
    if let Some(split) = there.split() {
        let (rules, known, files) = split.marks();
        if rules > RULES || (rules == RULES && known == mark && files == digest(&there.files)) {
            return Ok(None);
        }
    }
    let mut figures = Figures {
        end,
        months: BTreeMap::new(),
        days: BTreeMap::new(),
        machines: BTreeMap::new(),
    };
    let overview = Overview::read(repo, (machines, archive), None, cache, &mut |row| {
        figures.add(row)
    })?;
    overview.show_rows(None, &mut |row| figures.add(row))?;
    let (block, files) = draw(&figures, &overview.fleet.labels(), &mark)?;
    Ok(Some(Front { block, files }))
}

/// The text of a tree's README.md, where it is a text of moderate size.
fn readme(repo: &Repo, root: Oid) -> Result<Option<String>, DataError> {
    let Some(entry) = repo
        .entry(Some(root), README)?
        .filter(|entry| entry.mode == FILE)
    else {
        return Ok(None);
    };
    if !repo.is_blob_within(entry.oid, 1 << 20)? {
        return Ok(None);
    }
    Ok(String::from_utf8(repo.blob(entry.oid)?).ok())
}
