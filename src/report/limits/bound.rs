//! Plan limits against bounds of the user's own.

use serde_json::{Value, json};

use super::json::hundredths;
use super::limit::{Known, Limit};
use super::table::{percent, time_left, title};
use crate::base::time::Timestamp;
use crate::record::Used;

/// A window, and how much of it the user wants to use at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounded {
    limit: Limit,
    most: Used,
    /// Its account is named: there are others.
    named: bool,
}

impl Bounded {
    /// The current windows with a name, of all accounts.
    pub(crate) fn all(known: &Known, window: &str, most: Used, now: Timestamp) -> Vec<Self> {
        let limits = known.at(now, 0).into_iter();
        let limits = limits.filter(|limit| limit.series.window == window);
        limits
            .map(|limit| Self {
                limit,
                most,
                named: known.has_several(),
            })
            .collect()
    }

    /// Whether so much was used.
    pub(crate) fn is_reached(&self) -> bool {
        self.limit.state.used >= self.most
    }

    /// A line for people.
    pub(crate) fn line(&self, now: Timestamp) -> String {
        let state = if self.is_reached() {
            "reached"
        } else {
            "not reached"
        };
        format!(
            "{}: {} of {} used, {state}; resets in {}\n",
            title(&self.limit, self.named),
            percent(self.limit.state.used.hundredths()),
            percent(self.most.hundredths()),
            time_left(self.limit.ends.since(now)),
        )
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "account": self.limit.series.account,
            "window": self.limit.series.window,
            "limitPercent": hundredths(self.most.hundredths()),
            "usedPercent": hundredths(self.limit.state.used.hundredths()),
            "asOf": self.limit.state.at.to_string(),
            "resetsAt": self.limit.ends.to_string(),
            "reached": self.is_reached(),
        })
    }
}
