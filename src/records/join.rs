//! What two copies of one request make together, and the maximum of sums.

use super::{Origin, Record, Totals};
use crate::base::join::Join;
use crate::base::money::Cost;

/// A record is a product of small lattices; each line below is one of them.
impl Join for Record {
    fn join(self, other: Self) -> Self {
        Self {
            id: self.id,
            derived: self.derived && other.derived,
            fast: self.fast || other.fast,
            index: given_first(self.index, other.index),
            origin: self.origin.join(other.origin),
            // Whole: counters of one row beside the model of another would be a request that nobody made.
            body: if other.body.order(&self.body).is_gt() { other.body } else { self.body },
        }
    }
}

/// The original is the earliest copy; forks and resumed sessions repeat it later.
impl Join for Origin {
    fn join(self, other: Self) -> Self {
        self.min(other)
    }
}

/// The smaller index; 0 says that nobody gave one yet.
fn given_first(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

/// Each figure's maximum: what two claims, or a claim and its records, make together.
impl Join for Totals {
    fn join(self, other: Self) -> Self {
        Self {
            requests: self.requests.max(other.requests),
            counters: self.counters.max(other.counters),
            cost: Cost { known: self.cost.known || other.cost.known, amount: self.cost.amount.max(other.cost.amount) },
        }
    }
}
