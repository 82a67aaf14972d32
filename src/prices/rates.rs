//! Rates of a model, with tiers and dates, and the arithmetic of a price.

use super::counters::Counters;
use crate::base::money::{Cost, Money};

/// Rates in picodollars (10⁻¹² USD) per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) input: u128,
    pub(super) output: u128,
    pub(super) write_5m: u128,
    pub(super) write_1h: u128,
    pub(super) read: u128,
}

/// The factor 1: factors are in thousandths.
pub(super) const WHOLE: u128 = 1000;

/// `value` times a factor in thousandths, rounded half up.
const fn times(value: u128, permille: u128) -> u128 {
    value.saturating_mul(permille).saturating_add(WHOLE / 2) / WHOLE
}

impl Rates {
    /// The kinds of billed tokens: name, count, rate per token.
    pub(super) fn products(&self, counters: &Counters) -> [(&'static str, u64, u128); 5] {
        let hour = counters.cache_1h.min(counters.cache_creation);
        [
            ("input", counters.input, self.input),
            ("output", counters.output, self.output),
            (
                "cache_write_5m",
                counters.cache_creation - hour,
                self.write_5m,
            ),
            ("cache_write_1h", hour, self.write_1h),
            ("cache_read", counters.cache_read, self.read),
        ]
    }

    fn tokens(&self, counters: &Counters) -> u128 {
        let add = |sum: u128, (_, count, rate): (_, u64, u128)| {
            sum.saturating_add(u128::from(count).saturating_mul(rate))
        };
        self.products(counters).into_iter().fold(0, add)
    }

    fn scaled(self, permille: u128) -> Self {
        Self {
            input: times(self.input, permille),
            output: times(self.output, permille),
            write_5m: times(self.write_5m, permille),
            write_1h: times(self.write_1h, permille),
            read: times(self.read, permille),
        }
    }
}

/// The prices of one model for a span of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) rates: Rates,
    /// Ascending thresholds in prompt tokens, each with the rates above it.
    pub(super) tiers: Vec<(u64, Rates)>,
    /// Factor of fast mode, in thousandths.
    pub(super) fast_permille: u128,
    /// Factor of inference in the US, in thousandths.
    pub(super) us_permille: u128,
    /// Picodollars per web search.
    pub(super) web_search: u128,
}

impl Row {
    /// The threshold of a request's tier, if it is in one, and the rates that apply.
    pub(super) fn rates(&self, counters: &Counters) -> (Option<u64>, &Rates) {
        let prompt = counters.prompt();
        let tier = self.tiers.iter().rev().find(|(above, _)| prompt > *above);
        tier.map_or((None, &self.rates), |(above, rates)| (Some(*above), rates))
    }

    /// The price of one request.
    pub(super) fn cost(&self, counters: &Counters, fast: bool, geo: Option<&str>) -> Cost {
        let tokens = self.rates(counters).1.tokens(counters);
        let fast = if fast { self.fast_permille } else { WHOLE };
        let us = if geo == Some("us") {
            self.us_permille
        } else {
            WHOLE
        };
        let scaled = tokens
            .saturating_mul(fast)
            .saturating_mul(us)
            .saturating_add(500_000)
            / 1_000_000;
        Cost::known(Money::from_pico(
            scaled.saturating_add(self.searches(counters)),
        ))
    }

    /// The price of several requests from the sum of their counters, without tiers.
    pub(super) fn cost_of_many(&self, counters: &Counters) -> Cost {
        Cost::known(Money::from_pico(
            self.rates
                .tokens(counters)
                .saturating_add(self.searches(counters)),
        ))
    }

    fn searches(&self, counters: &Counters) -> u128 {
        u128::from(counters.web_search).saturating_mul(self.web_search)
    }

    /// The row with all rates per token multiplied by a factor in thousandths.
    pub(super) fn scaled(&self, permille: u128) -> Self {
        let tiers = self
            .tiers
            .iter()
            .map(|(above, rates)| (*above, rates.scaled(permille)))
            .collect();
        Self {
            rates: self.rates.scaled(permille),
            tiers,
            ..self.clone()
        }
    }

    /// The row for a name that always selects fast mode.
    pub(super) fn always_fast(&self) -> Self {
        Self {
            fast_permille: WHOLE,
            ..self.scaled(self.fast_permille)
        }
    }
}

/// The rows of one model over time: each applies from a time (milliseconds since 1970, the start of
/// a UTC day) until the next one.
///
/// The first one has no lower bound. A span without a row has no known price.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Spans(Vec<(i64, Option<Row>)>);

impl Spans {
    /// One row for all days.
    pub(super) fn always(row: Row) -> Self {
        Self(vec![(i64::MIN, Some(row))])
    }

    /// The row at a time in milliseconds.
    pub(super) fn at(&self, millis: i64) -> Option<&Row> {
        // Nearly all models have one row: a linear search is enough.
        let mut later = self.0.iter().rev();
        later.find(|(from, _)| *from <= millis)?.1.as_ref()
    }

    /// Whether there is no row on any day.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, row)| row.is_none())
    }

    /// Whether a condition holds for all rows.
    pub(super) fn all(&self, holds: impl Fn(&Row) -> bool) -> bool {
        self.0.iter().filter_map(|(_, row)| row.as_ref()).all(holds)
    }

    /// The spans with each row changed.
    pub(super) fn map(&self, change: impl Fn(&Row) -> Row) -> Self {
        Self(
            self.0
                .iter()
                .map(|(from, row)| (*from, row.as_ref().map(&change)))
                .collect(),
        )
    }

    /// The spans, changed from one time (inclusive) to another (exclusive).
    #[must_use]
    pub(super) fn changed(
        &self,
        from: i64,
        end: i64,
        change: impl Fn(Option<&Row>) -> Option<Row>,
    ) -> Self {
        if from >= end {
            return self.clone();
        }
        let mut starts: Vec<i64> = self
            .0
            .iter()
            .map(|(start, _)| *start)
            .chain([i64::MIN, from])
            .collect();
        if end < i64::MAX {
            starts.push(end);
        }
        starts.sort_unstable();
        starts.dedup();
        let part = |start: i64| {
            let row = self.at(start);
            (
                start,
                if (from..end).contains(&start) {
                    change(row)
                } else {
                    row.cloned()
                },
            )
        };
        Self(starts.into_iter().map(part).collect())
    }

    /// The spans, with another row before a time.
    #[must_use]
    pub(super) fn before(&self, end: i64, row: &Row) -> Self {
        self.changed(i64::MIN, end, |_| Some(row.clone()))
    }
}
