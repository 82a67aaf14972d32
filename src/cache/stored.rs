//! Totals as the cache stores them.

use serde::{Deserialize, Serialize};

use crate::base::money::{Cost, Money};
use crate::prices::Counters;
use crate::record::Totals;

/// Totals as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sums {
    requests: u64,
    counters: [u64; 6],
    pico: u128,
    known: bool,
}

impl From<Totals> for Sums {
    fn from(totals: Totals) -> Self {
        let c = &totals.counters;
        Self {
            requests: totals.requests,
            counters: [
                c.input,
                c.output,
                c.cache_creation,
                c.cache_read,
                c.cache_1h,
                c.web_search,
            ],
            pico: totals.cost.amount.pico(),
            known: totals.cost.known,
        }
    }
}

impl From<Sums> for Totals {
    fn from(sums: Sums) -> Self {
        let [
            input,
            output,
            cache_creation,
            cache_read,
            cache_1h,
            web_search,
        ] = sums.counters;
        Self {
            requests: sums.requests,
            counters: Counters {
                input,
                output,
                cache_creation,
                cache_read,
                cache_1h,
                web_search,
            },
            cost: Cost {
                known: sums.known,
                amount: Money::from_pico(sums.pico),
            },
        }
    }
}

impl Default for Sums {
    fn default() -> Self {
        Totals::default().into()
    }
}

impl Sums {
    /// Adds totals.
    pub(crate) fn add(&mut self, other: Totals) {
        *self = Totals::from(*self).plus(other).into();
    }
}
