//! Five-hour blocks, in which Claude's limits are counted: they begin with the hour of their first request.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::table::{no_price, price};
use super::{Bounds, Look, Zone, dollars};
use crate::base::money::{Cost, Money};
use crate::base::text::{short_model, thousands};
use crate::base::time::Timestamp;
use crate::fleet::{Row, RowSource};
use crate::record::Source;

/// The length of a block, in milliseconds.
const LENGTH: i64 = 5 * 60 * 60 * 1000;
const HOUR: i64 = 60 * 60 * 1000;
const MINUTE: i64 = 60_000;

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Requests.
    pub requests: u64,
    /// Those of them whose last row was not seen yet.
    pub provisional: u64,
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Tokens written to the cache.
    pub cache_creation: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// What it cost.
    pub cost: Cost,
}

impl Used {
    fn add(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.requests, other.requests),
            (&mut self.provisional, other.provisional),
            (&mut self.input, other.input),
            (&mut self.output, other.output),
            (&mut self.cache_creation, other.cache_creation),
            (&mut self.cache_read, other.cache_read),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.cost = self.cost.plus(other.cost);
    }

    /// All tokens.
    pub fn tokens(&self) -> u64 {
        [
            self.input,
            self.output,
            self.cache_creation,
            self.cache_read,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

/// A block, or the gap between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The full hour of its first request; of a gap, five hours after the last request before it.
    pub start: Timestamp,
    /// Five hours later; of a gap, the next request.
    pub end: Timestamp,
    /// Its first and last request; none in a gap.
    pub span: Option<(Timestamp, Timestamp)>,
    /// It goes on right now.
    pub active: bool,
    /// What was used.
    pub used: Used,
    /// By which models.
    pub models: Vec<String>,
    /// Those of them without a known price.
    pub unpriced: Vec<String>,
}

/// How fast an active block is used, and where that leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Tokens a minute, in thousandths.
    pub tokens: u64,
    /// Tokens of input and output alone a minute, in thousandths.
    pub spoken: u64,
    /// What an hour costs.
    pub hour: Money,
    /// Whole minutes until the block ends.
    pub left: u64,
    /// Tokens at its end.
    pub final_tokens: u64,
    /// The cost at its end.
    pub final_cost: Money,
}

impl Block {
    /// Whether nothing was used in it.
    pub fn is_gap(&self) -> bool {
        self.span.is_none()
    }

    /// Its pace, where it is active and lasts long enough to have one.
    pub fn pace(&self, now: Timestamp) -> Option<Pace> {
        let (first, last) = self.span.filter(|_| self.active)?;
        let lasted = u128::try_from(last.since(first))
            .ok()
            .filter(|lasted| *lasted > 0)?;
        let minute = u128::try_from(MINUTE).unwrap_or(1);
        let rate = |tokens: u64| {
            u64::try_from(u128::from(tokens) * 1000 * minute / lasted).unwrap_or(u64::MAX)
        };
        let left = u128::try_from(self.end.since(now)).unwrap_or(0) / minute;
        let more = |sum: u128| sum.saturating_add(sum.saturating_mul(left * minute) / lasted);
        Some(Pace {
            tokens: rate(self.used.tokens()),
            spoken: rate(self.used.input.saturating_add(self.used.output)),
            hour: Money::from_pico(
                self.used.cost.amount.pico().saturating_mul(60 * minute) / lasted,
            ),
            left: u64::try_from(left).unwrap_or(u64::MAX),
            final_tokens: u64::try_from(more(self.used.tokens().into())).unwrap_or(u64::MAX),
            final_cost: Money::from_pico(more(self.used.cost.amount.pico())),
        })
    }
}

/// Blocks in the making. Rows come in no order, so that all are held, small.
#[derive(Debug)]
pub struct Blocks {
    bounds: Bounds,
    zone: Zone,
    models: Vec<String>,
    /// With their model and their machine.
    rows: Vec<(Timestamp, u16, usize, Used)>,
}

impl Blocks {
    /// Of rows within `bounds`; days begin in `zone`.
    pub fn new(bounds: Bounds, zone: Zone) -> Self {
        Self {
            bounds,
            zone,
            models: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Imported totals and shortened records have no hour.
    pub fn add(&mut self, row: &Row) {
        let imported = matches!(
            row.source,
            RowSource::Sum(Source::Ccusage | Source::StatsCache)
        );
        if imported || row.is_day() {
            return;
        }
        if self.bounds != Bounds::default() && !self.bounds.hold(self.zone.date(row.at)) {
            return;
        }
        let at = self
            .models
            .iter()
            .position(|known| known == row.model)
            .unwrap_or_else(|| {
                self.models.push(row.model.to_owned());
                self.models.len() - 1
            });
        let c = &row.totals.counters;
        let used = Used {
            requests: row.totals.requests,
            provisional: u64::from(row.provisional),
            input: c.input,
            output: c.output,
            cache_creation: c.cache_creation,
            cache_read: c.cache_read,
            cost: row.totals.cost,
        };
        self.rows.push((
            row.at,
            u16::try_from(at).unwrap_or(u16::MAX),
            row.machine,
            used,
        ));
    }

    /// The blocks of the machines that are wanted and the gaps between them, by time.
    pub fn finish(mut self, now: Timestamp, wanted: impl Fn(usize) -> bool) -> Vec<Block> {
        self.rows.retain(|(_, _, machine, _)| wanted(*machine));
        self.rows
            .sort_unstable_by_key(|(at, model, _, used)| (*at, *model, used.tokens()));
        let mut out: Vec<Block> = Vec::new();
        let mut names: BTreeMap<usize, Vec<u16>> = BTreeMap::new();
        for (at, model, _, used) in &self.rows {
            let goes_on = out
                .last()
                .and_then(|block| Some((block.start, block.span?.1)))
                .filter(|(start, last)| {
                    // A request five hours after the start to the millisecond still belongs to it.
                    at.since(*start) <= LENGTH && at.since(*last) <= LENGTH
                });
            if goes_on.is_none() {
                if let Some((_, last)) = out.last().and_then(|block| block.span)
                    && at.since(last) > LENGTH
                {
                    out.push(gap(later(last, LENGTH), *at));
                }
                let start =
                    Timestamp::from_millis(at.millis().div_euclid(HOUR).saturating_mul(HOUR))
                        .unwrap_or(*at);
                out.push(Block {
                    start,
                    end: later(start, LENGTH),
                    span: Some((*at, *at)),
                    active: false,
                    used: Used::default(),
                    models: Vec::new(),
                    unpriced: Vec::new(),
                });
            }
            let place = out.len() - 1;
            if let Some(block) = out.last_mut() {
                block.span = block.span.map(|(first, _)| (first, *at));
                block.used.add(*used);
                if !used.cost.known
                    && let Some(name) = self.models.get(usize::from(*model))
                    && !block.unpriced.contains(name)
                {
                    block.unpriced.push(name.clone());
                }
                let seen = names.entry(place).or_default();
                if !seen.contains(model) {
                    seen.push(*model);
                }
            }
        }
        for (place, block) in out.iter_mut().enumerate() {
            block.active =
                block.span.is_some_and(|(_, last)| now.since(last) < LENGTH) && now < block.end;
            let seen = names.remove(&place).unwrap_or_default();
            block.models = seen
                .into_iter()
                .filter_map(|at| self.models.get(usize::from(at)).cloned())
                .collect();
            block.models.sort();
            block.unpriced.sort();
        }
        out
    }
}

fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(millis)).unwrap_or(at)
}

fn gap(start: Timestamp, end: Timestamp) -> Block {
    Block {
        start,
        end,
        span: None,
        active: false,
        used: Used::default(),
        models: Vec::new(),
        unpriced: Vec::new(),
    }
}

/// The blocks as a JSON list, in the shape that ccusage prints; `requests` and `costKnown` beside it.
pub fn to_json(blocks: &[Block], now: Timestamp, without_cost: bool) -> Value {
    let thousandths = |number: u64| Value::from(number as f64 / 1000.0);
    let all = blocks.iter().map(|block| {
        let pace = block.pace(now);
        let id = if block.is_gap() {
            format!("gap-{}", block.start)
        } else {
            block.start.to_string()
        };
        json!({
            "id": id,
            "startTime": block.start.to_string(),
            "endTime": block.end.to_string(),
            "actualEndTime": block.span.map(|(_, last)| last.to_string()),
            "isActive": block.active,
            "isGap": block.is_gap(),
            "entries": block.used.requests,
            "requests": block.used.requests,
            "tokenCounts": {
                "inputTokens": block.used.input,
                "outputTokens": block.used.output,
                "cacheCreationInputTokens": block.used.cache_creation,
                "cacheReadInputTokens": block.used.cache_read,
            },
            "totalTokens": block.used.tokens(),
            "costUSD": dollars(block.used.cost.amount),
            "costKnown": block.used.cost.known,
            "models": block.models,
            "unpricedModels": block.unpriced,
            "provisional": block.used.provisional,
            "burnRate": pace.map(|pace| json!({
                "tokensPerMinute": thousandths(pace.tokens),
                "tokensPerMinuteForIndicator": thousandths(pace.spoken),
                "costPerHour": dollars(pace.hour),
            })),
            "projection": pace.map(|pace| json!({
                "totalTokens": pace.final_tokens,
                "totalCost": dollars(pace.final_cost),
                "remainingMinutes": pace.left,
            })),
        })
    });
    let mut all: Vec<Value> = all.collect();
    for block in all.iter_mut().filter(|_| without_cost) {
        for (part, key) in [
            ("", "costUSD"),
            ("", "costKnown"),
            ("", "unpricedModels"),
            ("/burnRate", "costPerHour"),
            ("/projection", "totalCost"),
        ] {
            block
                .pointer_mut(part)
                .and_then(Value::as_object_mut)
                .map(|part| part.remove(key));
        }
    }
    Value::Array(all)
}

/// Below this width a table has fewer columns.
const NARROW: u16 = 84;

/// The blocks as a table, times in `zone`.
pub fn to_table(blocks: &[Block], zone: Zone, look: Look, without_cost: bool) -> String {
    if blocks.is_empty() {
        return "No usage in this period.\n".to_owned();
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width);
    let narrow = look.compact || look.width < NARROW;
    let hidden = [(narrow, 2), (without_cost, 4)].map(|(hidden, at)| hidden.then_some(at));
    let shown = |cells: [String; 5]| {
        let all = cells.into_iter().enumerate();
        all.filter(|(at, _)| !hidden.contains(&Some(*at)))
            .map(|(_, cell)| cell)
            .collect::<Vec<_>>()
    };
    // Where there is little room, how long a block is stands below its beginning.
    let gap = if narrow { "\n" } else { " " };
    table.set_header(shown(
        ["Block", "Models", "Requests", "Tokens", "Cost (USD)"].map(str::to_owned),
    ));
    for block in blocks {
        let hours = |millis: i64| format!("{}h {}m", millis / HOUR, millis % HOUR / MINUTE);
        if block.is_gap() {
            let text = format!(
                "{}{gap}({} without usage)",
                zone.minute(block.start),
                hours(block.end.since(block.start))
            );
            table.add_row(shown([
                text,
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ]));
            continue;
        }
        let lasted = block.span.map_or(0, |(first, last)| last.since(first));
        let state = if block.active {
            ", active".to_owned()
        } else {
            String::new()
        };
        let models: Vec<_> = block
            .models
            .iter()
            .map(|model| short_model(model))
            .collect();
        table.add_row(shown([
            format!(
                "{}{gap}({}{state})",
                zone.minute(block.start),
                hours(lasted)
            ),
            models.join("\n"),
            thousands(block.used.requests),
            thousands(block.used.tokens()),
            price(block.used.cost),
        ]));
    }
    if let Some(column) = table.column_mut(0) {
        // A date and a minute are never broken.
        column.set_constraint(ColumnConstraint::LowerBoundary(comfy_table::Width::Fixed(
            18,
        )));
    }
    for at in 2..5 {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let mut out = format!("{table}\n");
    let unpriced: BTreeSet<&str> = blocks
        .iter()
        .flat_map(|block| &block.unpriced)
        .map(String::as_str)
        .collect();
    if !unpriced.is_empty() && !without_cost {
        out.push_str(&no_price(&unpriced.into_iter().collect::<Vec<_>>(), look));
        out.push('\n');
    }
    if let Some(pace) = blocks.iter().find_map(|block| block.pace(look.now)) {
        let (hour, end) = if without_cost {
            (String::new(), String::new())
        } else {
            (
                format!(", ${} an hour", pace.hour.cents()),
                format!(" and ${}", pace.final_cost.cents()),
            )
        };
        out.push_str(&format!(
            "Active: {} tokens a minute{hour}; {} minutes left, then {} tokens{end} if it goes on like that.\n",
            thousands(pace.tokens / 1000),
            pace.left,
            thousands(pace.final_tokens),
        ));
    }
    out
}
