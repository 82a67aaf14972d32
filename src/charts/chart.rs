//! Charts, and the units of their values.

use chrono::NaiveDate;
use plotters::prelude::*;

use crate::base::text::thousands;

/// The width of all pictures, in pixels.
pub(super) const WIDTH: u32 = 1600;

/// A chart could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("failed to draw a chart: {0}")]
pub(crate) struct ChartError(String);

/// The unit of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// US dollars.
    Dollars,
    /// Tokens.
    Tokens,
}

impl Unit {
    /// A value in a few characters: `$1.2k`, `35M`.
    pub(crate) fn short(self, value: f64) -> String {
        let sign = if self == Self::Dollars { "$" } else { "" };
        let (scaled, suffix) = match value {
            value if value >= 1e9 => (value / 1e9, "B"),
            value if value >= 1e6 => (value / 1e6, "M"),
            value if value >= 10_000.0 => (value / 1e3, "k"),
            value => (value, ""),
        };
        // Cents only for small amounts.
        let text = match (self, scaled) {
            (Self::Dollars, scaled) if suffix.is_empty() && scaled < 10.0 => format!("{scaled:.2}"),
            (_, scaled) if scaled < 10.0 && !suffix.is_empty() => format!("{scaled:.1}"),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "casts from floats saturate, and nothing here is negative"
            )]
            (_, scaled) => thousands(scaled.round() as u128),
        };
        format!("{sign}{text}{suffix}")
    }

    /// A value of an axis that ends at `top`: cents only where the axis needs them, zero without.
    pub(super) fn tick(self, value: f64, top: f64) -> String {
        match self {
            Self::Dollars if value <= 0.0 => "$0".to_owned(),
            Self::Dollars if value < 10.0 && top >= 10.0 => format!("${value:.0}"),
            _ => self.short(value),
        }
    }
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Chart {
    /// Bars side by side, each of parts one above the other.
    Stack {
        /// The label below each bar.
        bars: Vec<String>,
        /// The name of each part, and its height in each bar.
        parts: Vec<(String, Vec<f64>)>,
    },
    /// A bar for each name, the longest first.
    Rank(Vec<(String, f64)>),
    /// A square for each day, a column for each week.
    Calendar {
        /// The first day.
        first: NaiveDate,
        /// A value for it and for each day after it.
        values: Vec<f64>,
    },
}

/// Where a chart is drawn.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// An error of plotters, which has many types.
pub(super) fn failed<E: std::fmt::Debug>(error: E) -> ChartError {
    ChartError(crate::base::text::printable(&format!("{error:?}"), 200))
}
