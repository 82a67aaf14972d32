//! Sums over records.

use super::request::Record;
use crate::base::json::Object;
use crate::base::money::{Cost, Money};
use crate::prices::Counters;

/// How many requests there were, what they used and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Totals {
    /// Requests.
    pub(crate) requests: u64,
    /// Tokens.
    pub(crate) counters: Counters,
    /// The price of those that have one.
    pub(crate) cost: Cost,
}

impl Totals {
    /// One record, priced by this version's table. An increment of an account is no request.
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            requests: u64::from(record.ledger.is_none()),
            counters: record.body.counters,
            cost: record.cost(),
        }
    }

    /// The sum.
    #[must_use]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            counters: self.counters.plus(other.counters),
            cost: self.cost.plus(other.cost),
        }
    }

    /// What is left of `self` after taking `other` away; each figure at least 0.
    #[must_use]
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            counters: self.counters.minus(other.counters),
            cost: Cost {
                known: self.cost.known,
                amount: self.cost.amount.minus(other.cost.amount),
            },
        }
    }

    /// Whether nothing is in it.
    pub(crate) fn is_zero(&self) -> bool {
        self.requests == 0
            && self.counters == Counters::default()
            && self.cost.amount == Money::ZERO
    }

    /// Adds the members of the spec's summaries to an object.
    pub(crate) fn write(&self, object: Object) -> Object {
        object
            .spec("total_requests", self.requests)
            .spec("total_input_tokens", self.counters.input)
            .spec("total_output_tokens", self.counters.output)
            .spec("total_cache_creation_tokens", self.counters.cache_creation)
            .spec("total_cache_read_tokens", self.counters.cache_read)
            .spec("total_cost_usd", self.cost.amount)
            .other("cost_known", (!self.cost.known).then_some(false))
    }
}

impl<'r> FromIterator<&'r Record> for Totals {
    fn from_iter<I: IntoIterator<Item = &'r Record>>(records: I) -> Self {
        records
            .into_iter()
            .map(Self::of)
            .fold(Self::default(), Self::plus)
    }
}

impl std::iter::Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Self::plus)
    }
}
