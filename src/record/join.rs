//! The join of two copies of one request, and the greater of two totals.

use super::client::Client;
use super::ledger::Ledger;
use super::request::{Body, Level, Origin, Record};
use super::sum::Sum;
use super::totals::Totals;
use crate::base::join::{Join, greater};
use crate::base::json::join_extra;
use crate::base::money::Cost;
use crate::base::window::hull;

/// Two versions on one machine. A record is a product of small lattices; each line below is one of
/// them.
impl Join for Record {
    fn join(self, other: Self) -> Self {
        let origin = self.origin.clone().min(other.origin.clone());
        self.join_parts(other, origin)
    }
}

impl Record {
    /// Copies on two machines: as [`Join::join`], but time, session and project are those of the
    /// most detailed copy.
    #[must_use]
    pub(crate) fn join_machines(self, other: Self) -> Self {
        let mine = self.origin.between_machines(&other.origin).is_le();
        let origin = if mine {
            self.origin.clone()
        } else {
            other.origin.clone()
        };
        self.join_parts(other, origin)
    }

    fn join_parts(self, other: Self, origin: Origin) -> Self {
        let full = origin.level == Level::Full;
        let ledger = join_ledgers(self.ledger.as_deref(), other.ledger.as_deref());
        let ledger = ledger.map(|ledger| Box::new(ledger.at(&origin)));
        let mut out = Self {
            id: self.id,
            derived: self.derived && other.derived,
            fast: self.fast || other.fast,
            // A pruned record has no place in its session.
            index: if full {
                given_first(self.index, other.index)
            } else {
                0
            },
            origin,
            // Whole: counters of one row beside the model of another would be a request that nobody
            // made.
            body: match (&self.ledger, &other.ledger) {
                (Some(_), Some(_)) => smaller(self.body, &other.body),
                (None, Some(_)) => other.body,
                (None, None) if other.body.order(&self.body).is_gt() => other.body,
                _ => self.body,
            },
            ledger,
            twins: self.twins.join(other.twins),
            extra: join_extra(&self.extra, &other.extra),
        };
        if out.ledger.is_some() {
            out.origin.client = Client::default();
        }
        if !full || out.ledger.is_some() {
            // Its line has no price: it is the reader's.
            out.body.cost = out.cost();
        }
        out
    }
}

fn join_ledgers(a: Option<&Ledger>, b: Option<&Ledger>) -> Option<Ledger> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.clone().join(b)),
        (only, None) | (None, only) => only.cloned(),
    }
}

/// What both versions of an increment leave.
fn smaller(one: Body, other: &Body) -> Body {
    let (counters, model) = (
        crate::prices::Counters::min(one.counters, other.counters),
        one.model.clone().max(other.model.clone()),
    );
    Body {
        model,
        counters,
        ..one
    }
}

/// The smaller index; 0 is none.
fn given_first(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

/// Each figure's maximum.
impl Join for Totals {
    fn join(self, other: Self) -> Self {
        Self {
            requests: self.requests.max(other.requests),
            counters: self.counters.max(other.counters),
            cost: Cost {
                known: self.cost.known || other.cost.known,
                amount: self.cost.amount.max(other.cost.amount),
            },
        }
    }
}

/// Two versions of one machine's sum with one key: what was seen of it, and what was deducted from
/// it, only grow.
impl Join for Sum {
    fn join(self, other: Self) -> Self {
        Self {
            window: hull(self.window.into_iter().chain(other.window)),
            project: greater(self.project, other.project),
            totals: self.totals.join(other.totals),
            deducted: self.deducted.join(other.deducted),
            extra: join_extra(&self.extra, &other.extra),
        }
    }
}
