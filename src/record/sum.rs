//! Sums: totals for which there are no records, by source.
//!
//! One mechanism serves all sources: a sum counts by what it exceeds the records of its window,
//! session and model, figure by figure, when counting. `fleet::sums` does that; here is what a sum
//! is, and the arithmetic.

use super::totals::Totals;
use crate::base::ids::{Name, SessionId};
use crate::base::json::Extra;
use crate::base::money::Cost;
use crate::base::time::{Day, Timestamp};
use crate::base::window::{Span, Window};
use crate::prices::{Counters, prices};

/// Who made a sum, from most to least trusted: of two that overlap the earlier one counts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    /// A summary of a machine file of version 1.0, or of an adopted manifest.
    Claim,
    /// `ccusage`'s report by day.
    Ccusage,
    /// Claude Code's `stats-cache.json`: an estimate, which counts only where nothing else is
    /// known.
    StatsCache,
}

/// Tools differ in the time of a request, by the rows that they look at: so many milliseconds
/// around a day of ccusage still match.
const SLACK: i64 = 60 * 60 * 1000;

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

impl Source {
    const ALL: [Self; 3] = [Self::Claim, Self::Ccusage, Self::StatsCache];

    /// The word in files.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Ccusage => "ccusage",
            Self::StatsCache => "stats-cache",
        }
    }

    /// Reads the word.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// What a sum is about. Sums of one machine with one key are versions of one sum.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SumKey {
    /// Who made it.
    pub(crate) source: Source,
    /// The day that the source books it on; 1970-01-01 for claims, which have none.
    pub(crate) day: Day,
    /// Distinguishes it from others of its source and day: a distance from UTC, the day of
    /// computation; empty for claims.
    pub(crate) mark: Name,
    /// Its session; empty where it has none.
    pub(crate) session: SessionId,
    /// Its model; empty where the source does not state it.
    pub(crate) model: Name,
}

impl SumKey {
    /// The key of a claim: about a session, or about all of a machine.
    pub(crate) fn claim(session: SessionId) -> Self {
        Self {
            source: Source::Claim,
            day: Timestamp::EPOCH.day(),
            mark: Name::default(),
            session,
            model: Name::default(),
        }
    }

    /// Whether records of a model match.
    pub(crate) fn has_model(&self, model: &str) -> bool {
        self.source == Source::StatsCache || self.model.is_empty() || *self.model == *model
    }

    /// Whether records of a session match; of a bare record no session is known.
    pub(crate) fn has_session(&self, session: &SessionId) -> bool {
        let (mine, other) = (self.session.as_str(), session.as_str());
        mine.is_empty() || other.is_empty() || mine == other
    }
}

/// Totals for which there are no records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Its first and last millisecond, where they are known.
    pub(crate) window: Option<Window>,
    /// The name of its project as in the repository; empty where it has none.
    pub(crate) project: String,
    /// The totals that its source states.
    pub(crate) totals: Totals,
    /// What of this machine's records was taken away from it before they were pruned. Where this
    /// is set, the machine's pruned records are all in it.
    pub(crate) deducted: Option<Totals>,
    /// Members that this version does not know.
    pub(crate) extra: Extra,
}

impl Sum {
    /// The time in which records match.
    pub(crate) fn reach(&self, key: &SumKey) -> Span {
        match key.source {
            // The figures belong to the day on which a session began.
            Source::StatsCache => {
                let from = key.day.start().millis();
                let to = from.saturating_add(DAY);
                Span { from, to }.widened(DAY)
            }
            Source::Ccusage => self.exact().widened(SLACK),
            Source::Claim => self.exact(),
        }
    }

    /// The window itself; all time where it is not known.
    pub(crate) fn exact(&self) -> Span {
        self.window.map_or(Span::ALL, Window::span)
    }

    /// Its first point in time; the start of its day where it has no window.
    pub(crate) fn begin(&self, key: &SumKey) -> Timestamp {
        self.window.map_or(key.day.start(), |window| window.first)
    }

    /// A time within the window: noon of most days, so that it is the same date in most zones.
    pub(crate) fn middle(&self, key: &SumKey) -> Timestamp {
        let Window { first, last } = self.window.unwrap_or(Window::at(key.day.start()));
        let middle = first
            .millis()
            .saturating_add(last.since(first).max(0).saturating_add(1) / 2);
        Timestamp::from_millis(middle).unwrap_or(Timestamp::EPOCH)
    }
}

/// What a sum is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Excess {
    /// What matches it, in all.
    pub(crate) shown: Totals,
}

impl Excess {
    /// What a sum states beyond what is shown: each figure at least 0.
    ///
    /// Where all of its tokens are new it costs what its source states. Of a part no more counts
    /// than its own tokens cost, so that another price of what records show adds nothing.
    pub(crate) fn of(self, totals: &Totals, model: &str, at: Timestamp) -> Totals {
        let requests = totals.requests.saturating_sub(self.shown.requests);
        let counters = totals.counters.minus(self.shown.counters);
        let none = Counters::default();
        let left = if totals.counters == none {
            requests > 0
        } else {
            counters != none
        };
        let cost = if (requests, counters) == (totals.requests, totals.counters) {
            totals.cost
        } else if !left {
            Cost::default()
        } else {
            let rest = totals.cost.amount.minus(self.shown.cost.amount);
            let own = if counters == none {
                Cost::UNKNOWN
            } else {
                prices().cost_of_many(model, at, &counters)
            };
            Cost {
                known: totals.cost.known,
                amount: if own.known {
                    rest.min(own.amount)
                } else {
                    rest
                },
            }
        };
        Totals {
            requests,
            counters,
            cost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::money::Money;

    #[test]
    fn a_sum_whose_tokens_records_show_costs_nothing() {
        let totals = |requests, output, pico| Totals {
            requests,
            counters: Counters {
                output,
                ..Counters::default()
            },
            cost: Cost::known(Money::from_pico(pico)),
        };
        let shown = |shown| Excess { shown };
        assert_eq!(
            shown(totals(1, 10, 5)).of(&totals(1, 10, 900), "m", Timestamp::EPOCH),
            Totals::default()
        );
        assert_eq!(
            shown(Totals::default()).of(&totals(0, 10, 900), "m", Timestamp::EPOCH),
            totals(0, 10, 900)
        );
        assert_eq!(
            shown(totals(2, 4, 100)).of(&totals(3, 10, 900), "m", Timestamp::EPOCH),
            totals(1, 6, 800),
            "a model without a price"
        );
        assert_eq!(
            shown(totals(2, 10, 100)).of(&totals(3, 10, 900), "m", Timestamp::EPOCH),
            totals(1, 0, 0)
        );
    }
}
