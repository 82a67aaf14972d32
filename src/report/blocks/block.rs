//! Blocks, from rows in any order.

use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::fleet::{Row, RowSource};
use crate::record::Source;
use crate::report::{Bounds, Zone};

/// The usual length of a block, in milliseconds.
const LENGTH: i64 = 5 * 60 * 60 * 1000;
pub(super) const HOUR: i64 = 60 * 60 * 1000;
pub(super) const MINUTE: i64 = 60_000;

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Used {
    /// Requests.
    pub(crate) requests: u64,
    /// Those of them whose last row was not seen yet.
    pub(crate) provisional: u64,
    /// Input tokens.
    pub(crate) input: u64,
    /// Output tokens.
    pub(crate) output: u64,
    /// Tokens written to the cache.
    pub(crate) cache_creation: u64,
    /// Tokens read from the cache.
    pub(crate) cache_read: u64,
    /// What it cost.
    pub(crate) cost: Cost,
}

impl Used {
    /// Adds what was used elsewhere.
    pub(super) fn add(&mut self, other: Self) {
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
    pub(crate) fn tokens(&self) -> u64 {
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
pub(crate) struct Block {
    /// The full hour of its first request; of a gap, five hours after the last request before it.
    pub(crate) start: Timestamp,
    /// Five hours later; of a gap, the next request.
    pub(crate) end: Timestamp,
    /// Its first and last request; none in a gap.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    /// It goes on right now.
    pub(crate) active: bool,
    /// What was used.
    pub(crate) used: Used,
    /// By which models, sorted by cost, descending.
    pub(crate) models: Vec<String>,
    /// The cost of each model, in the same order.
    costs: Vec<Money>,
    /// Those of them without a known price.
    pub(crate) unpriced: Vec<String>,
}

/// How fast an active block is used, and where that leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Tokens a minute, in thousandths.
    pub(crate) tokens: u64,
    /// Tokens of input and output alone a minute, in thousandths.
    pub(crate) spoken: u64,
    /// What an hour costs.
    pub(crate) hour: Money,
    /// Whole minutes until the block ends.
    pub(crate) left: u64,
    /// Tokens at its end.
    pub(crate) final_tokens: u64,
    /// The cost at its end.
    pub(crate) final_cost: Money,
}

impl Block {
    fn empty(start: Timestamp, end: Timestamp) -> Self {
        Self {
            start,
            end,
            span: None,
            active: false,
            used: Used::default(),
            models: Vec::new(),
            costs: Vec::new(),
            unpriced: Vec::new(),
        }
    }

    fn gap(start: Timestamp, end: Timestamp) -> Self {
        Self::empty(start, end)
    }

    fn starting_with(at: Timestamp, length: i64) -> Self {
        let hour = at.millis().div_euclid(HOUR).saturating_mul(HOUR);
        let start = Timestamp::from_millis(hour).unwrap_or(at);
        Self {
            span: Some((at, at)),
            ..Self::empty(start, later(start, length))
        }
    }

    /// Adds a request. They come in the order of time.
    fn add(&mut self, at: Timestamp, model: &String, used: Used) {
        self.span = self.span.map(|(first, _)| (first, at));
        self.used.add(used);
        let known = self.models.iter().position(|known| known == model);
        let at = known.unwrap_or_else(|| {
            self.models.push(model.clone());
            self.costs.push(Money::ZERO);
            self.models.len() - 1
        });
        if let Some(cost) = self.costs.get_mut(at) {
            *cost = cost.plus(used.cost.amount);
        }
        if !used.cost.known && !self.unpriced.contains(model) {
            self.unpriced.push(model.clone());
        }
    }

    /// Sorts the models by cost.
    fn sort_models(&mut self) {
        let models = std::mem::take(&mut self.models).into_iter();
        let mut all: Vec<_> = models.zip(std::mem::take(&mut self.costs)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        (self.models, self.costs) = all.into_iter().unzip();
        self.unpriced.sort();
    }

    /// Whether nothing was used in it.
    pub(crate) fn is_gap(&self) -> bool {
        self.span.is_none()
    }

    /// Its pace, where it is active and lasts long enough to have one.
    pub(crate) fn pace(&self, now: Timestamp) -> Option<Pace> {
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
pub(crate) struct Blocks {
    bounds: Bounds,
    zone: Zone,
    /// The length of a block, in milliseconds.
    length: i64,
    models: Vec<String>,
    /// With their model and their machine.
    rows: Vec<(Timestamp, u16, usize, Used)>,
}

impl Blocks {
    /// Of rows within `bounds`; days begin in `zone`.
    pub(crate) fn new(bounds: Bounds, zone: Zone) -> Self {
        Self {
            bounds,
            zone,
            length: LENGTH,
            models: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// With blocks of another length, in milliseconds.
    #[must_use]
    pub(crate) fn of_length(self, length: i64) -> Self {
        Self { length, ..self }
    }

    /// Adds a row. Imported totals and pruned records have no hour.
    pub(crate) fn add(&mut self, row: &Row) {
        let imported = matches!(
            row.source,
            RowSource::Sum(Source::Ccusage | Source::StatsCache)
        );
        if imported || row.is_day() {
            return;
        }
        if self.bounds != Bounds::default() && !self.bounds.contain(self.zone.date(row.at)) {
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

    /// The blocks of the selected machines and the gaps between them, by time.
    pub(crate) fn finish(mut self, now: Timestamp, wanted: impl Fn(usize) -> bool) -> Vec<Block> {
        self.rows.retain(|(_, _, machine, _)| wanted(*machine));
        self.rows
            .sort_unstable_by_key(|(at, model, _, used)| (*at, *model, used.tokens()));
        let length = self.length;
        let mut out: Vec<Block> = Vec::new();
        for (at, model, _, used) in &self.rows {
            let open = out
                .last()
                .and_then(|block| Some((block.start, block.span?.1)));
            // A request five hours after the start to the millisecond still belongs to the block.
            let goes_on = open
                .is_some_and(|(start, last)| at.since(start) <= length && at.since(last) <= length);
            if !goes_on {
                if let Some((_, last)) = open.filter(|(_, last)| at.since(*last) > length) {
                    out.push(Block::gap(later(last, length), *at));
                }
                out.push(Block::starting_with(*at, length));
            }
            if let (Some(block), Some(name)) =
                (out.last_mut(), self.models.get(usize::from(*model)))
            {
                block.add(*at, name, *used);
            }
        }
        for block in &mut out {
            // Where a clock is ahead, requests of the future begin no block that goes on now.
            let is_now = |(first, last)| first <= now && now.since(last) < length;
            block.active = block.span.is_some_and(is_now) && now < block.end;
            block.sort_models();
        }
        out
    }
}

fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(millis)).unwrap_or(at)
}
