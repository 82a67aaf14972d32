//! The page's data as JSON: columns of numbers, which are short and compress well.

use serde::Serialize;
use serde::ser::Serializer;

use super::super::limits::Known;
use super::super::{Bounds, Zone};
use super::cells::{CellKey, Cells, day_number};
use super::detail::LeftOut;
use super::differences::differences;
use super::limits::{SeriesJson, to_series};
use crate::base::text::{printable, short_model};
use crate::base::time::Timestamp;
use crate::prices::{Counters, Prices};
use crate::record::Totals;

/// Picodollars as nanodollars. Nearly all amounts are whole ones.
struct Nano(u128);

impl Serialize for Nano {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0 / 1000) {
            Ok(whole) if self.0.is_multiple_of(1000) => serializer.serialize_u64(whole),
            _ => serializer.serialize_f64(self.0 as f64 / 1000.0),
        }
    }
}

/// All that the page's script reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageJson {
    version: u32,
    /// Days are numbers of days since 1970-01-01.
    today: i32,
    since: Option<i32>,
    until: Option<i32>,
    first: Option<i32>,
    last: Option<i32>,
    /// The first day of a week, in days after Monday.
    week: u32,
    machines: Vec<String>,
    projects: Vec<String>,
    models: Vec<String>,
    short_models: Vec<String>,
    agents: Vec<String>,
    sessions: SessionsJson,
    rates: Vec<Rate>,
    left: LeftJson,
    limits: Vec<SeriesJson>,
    cells: Columns,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftJson {
    hours_since: Option<i32>,
}

#[derive(Serialize)]
struct SessionsJson {
    id: Vec<String>,
    last: Vec<i64>,
}

/// The cells by column. Days and sessions are differences to the cell before.
#[derive(Serialize)]
struct Columns {
    day: Vec<i64>,
    session: Vec<i64>,
    hour: Vec<u8>,
    machine: Vec<u32>,
    project: Vec<u32>,
    model: Vec<u32>,
    agent: Vec<u32>,
    requests: Vec<u64>,
    input: Vec<u64>,
    output: Vec<u64>,
    write5m: Vec<u64>,
    write1h: Vec<u64>,
    read: Vec<u64>,
    cost: Vec<Nano>,
    /// 1 where the price of a part is not known.
    unknown: Vec<u8>,
}

/// Rates of a model from a day on, in picodollars per token: model, day, input, cache read, cache
/// writes for 5 minutes and an hour.
type Rate = (usize, i32, u64, u64, u64, u64);

/// What the page is about, beside its cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) bounds: Bounds,
    pub(super) zone: Zone,
    /// The first day of a week, in days after Monday.
    pub(super) week: u32,
    pub(super) now: Timestamp,
    pub(super) prices: &'a Prices,
    pub(super) limits: &'a Known,
}

/// The data as JSON that can stand in an HTML script element.
pub(super) fn to_json(
    cells: &Cells,
    left: LeftOut,
    about: About<'_>,
) -> Result<String, serde_json::Error> {
    let days = || cells.used.iter().map(|(key, _)| key.day);
    let shown = |names: &[String]| names.iter().map(|name| printable(name, 200)).collect();
    let page = PageJson {
        version: 1,
        today: day_number(about.zone.date(about.now)),
        since: about.bounds.since.map(day_number),
        until: about.bounds.until.map(day_number),
        first: days().min(),
        last: days().max(),
        week: about.week % 7,
        machines: shown(&cells.machines),
        projects: shown(&cells.projects),
        models: shown(&cells.models),
        short_models: cells
            .models
            .iter()
            .map(|model| short_model(model))
            .collect(),
        agents: shown(&cells.agents),
        sessions: SessionsJson {
            id: cells
                .sessions
                .iter()
                .map(|one| printable(&one.id, 200))
                .collect(),
            last: differences(cells.sessions.iter().map(|one| one.last)),
        },
        rates: rates(cells, about.prices),
        left: LeftJson {
            hours_since: left.hours_since,
        },
        limits: to_series(
            &about.limits.at(about.now, usize::MAX),
            about.limits.has_several(),
            about.bounds,
            about.zone,
        ),
        cells: columns(&cells.used),
    };
    // Only names contain this character: it must not end the script element.
    Ok(serde_json::to_string(&page)?.replace('<', "\\u003c"))
}

fn columns(cells: &[(CellKey, Totals)]) -> Columns {
    fn each<T>(cells: &[(CellKey, Totals)], get: impl Fn(&CellKey, &Totals) -> T) -> Vec<T> {
        cells.iter().map(|(key, totals)| get(key, totals)).collect()
    }
    let hour = |totals: &Totals| totals.counters.cache_1h.min(totals.counters.cache_creation);
    Columns {
        day: differences(cells.iter().map(|(key, _)| key.day.into())),
        session: differences(cells.iter().map(|(key, _)| key.session.into())),
        hour: each(cells, |key, _| key.hour),
        machine: each(cells, |key, _| key.machine),
        project: each(cells, |key, _| key.project),
        model: each(cells, |key, _| key.model),
        agent: each(cells, |key, _| key.agent),
        requests: each(cells, |_, totals| totals.requests),
        input: each(cells, |_, totals| totals.counters.input),
        output: each(cells, |_, totals| totals.counters.output),
        write5m: each(cells, |_, totals| {
            totals.counters.cache_creation - hour(totals)
        }),
        write1h: each(cells, |_, totals| hour(totals)),
        read: each(cells, |_, totals| totals.counters.cache_read),
        cost: each(cells, |_, totals| Nano(totals.cost.amount.pico())),
        unknown: each(cells, |_, totals| u8::from(!totals.cost.known)),
    }
}

/// The rates of each model on the days of its use, where they change.
fn rates(cells: &Cells, prices: &Prices) -> Vec<Rate> {
    let mut days: Vec<(usize, i32)> = cells
        .used
        .iter()
        .map(|(key, _)| (key.model as usize, key.day))
        .collect();
    days.sort_unstable();
    days.dedup();
    let mut out: Vec<Rate> = Vec::new();
    for (model, day) in days {
        let Some(name) = cells.models.get(model) else {
            continue;
        };
        let Some(price) = rates_on(prices, name, day) else {
            continue;
        };
        let next = (model, day, price.0, price.1, price.2, price.3);
        let same = |last: &Rate| last.0 == model && (last.2, last.3, last.4, last.5) == price;
        if !out.last().is_some_and(same) {
            out.push(next);
        }
    }
    out
}

/// Input, cache read and both cache writes of one token.
fn rates_on(prices: &Prices, model: &str, day: i32) -> Option<(u64, u64, u64, u64)> {
    let at = Timestamp::from_millis(i64::from(day) * 86_400_000)?;
    let rate = |counters: Counters| {
        let cost = prices.cost_of_many(model, at, &counters);
        cost.known
            .then_some(cost.amount.pico())
            .and_then(|pico| u64::try_from(pico).ok())
    };
    let none = Counters::default();
    Some((
        rate(Counters { input: 1, ..none })?,
        rate(Counters {
            cache_read: 1,
            ..none
        })?,
        rate(Counters {
            cache_creation: 1,
            ..none
        })?,
        rate(Counters {
            cache_creation: 1,
            cache_1h: 1,
            ..none
        })?,
    ))
}
