//! The charts of a front page.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::figures::{DAYS, FrontFigures, add};
use crate::base::text::short_model;
use crate::charts::{Chart, Picture, Unit};
use crate::record::Totals;

fn value(totals: &Totals) -> f64 {
    totals.cost.amount.pico() as f64 / 1e12
}

/// Bars of parts by name, sorted by cost, descending.
fn stack(title: &str, bars: Vec<(String, BTreeMap<&str, Totals>)>) -> Picture {
    let mut sums: BTreeMap<&str, Totals> = BTreeMap::new();
    for (name, totals) in bars.iter().flat_map(|(_, parts)| parts) {
        add(sums.entry(name).or_default(), *totals);
    }
    let mut names: Vec<_> = sums.into_iter().collect();
    names.sort_by(|a, b| {
        b.1.cost
            .amount
            .cmp(&a.1.cost.amount)
            .then_with(|| a.0.cmp(b.0))
    });
    let heights = |name: &str| {
        bars.iter()
            .map(|(_, parts)| parts.get(name).map_or(0.0, value))
            .collect()
    };
    let parts = names
        .iter()
        .map(|(name, _)| (short_model(name), heights(name)))
        .collect();
    let chart = Chart::Stack {
        parts,
        bars: bars.into_iter().map(|(bar, _)| bar).collect(),
    };
    Picture {
        title: title.to_owned(),
        unit: Unit::Dollars,
        chart,
    }
}

/// Cost of the last days, by model.
pub(super) fn days(figures: &FrontFigures) -> Picture {
    let first = figures.first_day();
    let days = (0..DAYS).filter_map(|n| first.checked_add_days(Days::new(n)));
    let parts = |day: &NaiveDate| {
        figures
            .days
            .get(day)
            .into_iter()
            .flatten()
            .map(|(model, totals)| (model.as_str(), *totals))
            .collect()
    };
    stack(
        &format!(
            "Cost per day by model, {DAYS} days until {}",
            figures.last_day()
        ),
        days.map(|day| (day.to_string(), parts(&day))).collect(),
    )
}

/// Cost of the last months, by model.
pub(super) fn months(figures: &FrontFigures) -> Picture {
    let mut bars = Vec::new();
    for name in figures.shown_months() {
        let mut parts: BTreeMap<&str, Totals> = BTreeMap::new();
        let cells = figures.months.get(&name).map(|month| &month.cells);
        for ((_, model), totals) in cells.into_iter().flatten() {
            add(parts.entry(model).or_default(), *totals);
        }
        bars.push((name, parts));
    }
    stack(
        &format!("Cost per month by model, until {}", figures.last_day()),
        bars,
    )
}
