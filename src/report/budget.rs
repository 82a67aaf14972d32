//! Spending against a limit, with a forecast.

use chrono::{Months, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::{Value, json};

use super::grid::{Cell, Column, Grid};
use super::table::cost_cell;
use super::{Choice, Group, Look, dollars};
use crate::base::money::{Cost, Money};

/// The period of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    /// Today.
    Day,
    /// This week.
    Week,
    /// This month.
    Month,
}

impl Period {
    /// The first day of the current period, and the first day after it.
    pub(crate) fn days(self, today: NaiveDate, choice: &Choice) -> (NaiveDate, NaiveDate) {
        let after = |first: NaiveDate, days| {
            first
                .checked_add_days(chrono::Days::new(days))
                .unwrap_or(first)
        };
        match self {
            Self::Day => (today, after(today, 1)),
            Self::Week => (choice.week_of(today), after(choice.week_of(today), 7)),
            Self::Month => {
                let first = choice.month_of(today);
                (
                    first,
                    first.checked_add_months(Months::new(1)).unwrap_or(first),
                )
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
        }
    }
}

/// A limit, and the spending of the current period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The limit's period.
    pub(crate) period: Period,
    /// The first day of the period, and the first day after it.
    pub(crate) days: (NaiveDate, NaiveDate),
    /// The limit.
    pub(crate) limit: Money,
    /// Spending so far.
    pub(crate) spent: Cost,
    /// Spending at the end of the period at the current rate. `None` in the first six hours of a
    /// day, and on the first day of a week or month, which are too short for a rate.
    pub(crate) forecast: Option<Money>,
    /// The day on which the limit will be reached at this rate. `None` if it will not be, or
    /// already is.
    pub(crate) reached: Option<NaiveDate>,
}

impl Budget {
    /// Computes the budget from a report by day. `now`: local time in the report's time zone.
    pub(crate) fn of(
        period: Period,
        limit: Money,
        days: &[Group],
        now: NaiveDateTime,
        choice: &Choice,
    ) -> Self {
        let (first, end) = period.days(now.date(), choice);
        let inside = |group: &&Group| {
            let day = group.key.parse::<NaiveDate>();
            day.is_ok_and(|day| first <= day && day < end)
        };
        let spent = days
            .iter()
            .filter(inside)
            .fold(Cost::default(), |sum, group| sum.plus(group.totals.cost));
        let minutes = |until: NaiveDateTime| {
            u128::try_from((until - first.and_time(NaiveTime::MIN)).num_minutes()).unwrap_or(0)
        };
        let (gone, all) = (minutes(now), minutes(end.and_time(NaiveTime::MIN)));
        let pico = spent.amount.pico();
        let forecast = (gone >= Self::least_minutes(period))
            .then(|| Money::from_pico(pico.saturating_mul(all) / gone.max(1)));
        let will_exceed = forecast.is_some_and(|forecast| forecast > limit);
        let reached = (will_exceed && spent.amount <= limit).then(|| {
            let minute = limit.pico().saturating_mul(gone) / pico.max(1);
            let days = u64::try_from(minute / (24 * 60)).unwrap_or(0);
            let last = end.pred_opt().unwrap_or(end);
            let day = first.checked_add_days(chrono::Days::new(days));
            day.map_or(first, |day| day.min(last))
        });
        Self {
            period,
            days: (first, end),
            limit,
            spent,
            forecast,
            reached,
        }
    }

    /// Whether spending exceeds the limit.
    pub(crate) fn is_over(&self) -> bool {
        self.spent.amount > self.limit
    }

    fn left(&self) -> Money {
        Money::from_pico(self.limit.pico().saturating_sub(self.spent.amount.pico()))
    }

    /// What is left, or how much it is over.
    fn left_text(&self) -> String {
        let over = self.spent.amount.pico().saturating_sub(self.limit.pico());
        if over > 0 {
            return format!("-${}", Money::from_pico(over).cents());
        }
        format!("${}", self.left().cents())
    }

    /// A rate is meaningful after so many minutes of the period.
    const fn least_minutes(period: Period) -> u128 {
        match period {
            Period::Day => 6 * 60,
            Period::Week | Period::Month => 24 * 60,
        }
    }

    /// Whether the limit is exceeded now or will be at this rate, and when.
    fn state(&self) -> String {
        match self.reached {
            _ if self.is_over() => "over".to_owned(),
            Some(_) if self.period == Period::Day => "over tonight".to_owned(),
            Some(day) => format!("over on {day}"),
            None => "within".to_owned(),
        }
    }
}

/// The budgets as JSON: amounts in USD, days inclusive; `reachedOn`: the day on which the limit
/// will be reached at this rate.
pub(crate) fn to_json(budgets: &[Budget]) -> Value {
    let one = |budget: &Budget| {
        json!({
            "period": budget.period.name(),
            "since": budget.days.0.to_string(),
            "until": budget.days.1.pred_opt().map(|day| day.to_string()),
            "limitUSD": dollars(budget.limit),
            "spentUSD": dollars(budget.spent.amount),
            "costKnown": budget.spent.known,
            "leftUSD": dollars(budget.left()),
            "forecastUSD": budget.forecast.map(dollars),
            "reachedOn": budget.reached.map(|day| day.to_string()),
            "over": budget.is_over(),
        })
    };
    json!({ "version": 1, "budgets": budgets.iter().map(one).collect::<Vec<_>>() })
}

/// The budgets as a table.
pub(crate) fn to_table(budgets: &[Budget], look: Look) -> String {
    let mut grid = Grid::new(vec![
        Column::text("Budget", 0),
        Column::text("From", 2),
        Column::number("Limit", 1),
        Column::number("Spent", 0),
        Column::number("Left", 0),
        Column::number("Forecast", 3),
        Column::text("At This Rate", 0),
    ]);
    for budget in budgets {
        let forecast = budget.forecast.map_or_else(
            || "too early".to_owned(),
            |forecast| format!("${}", forecast.cents()),
        );
        let cells = [
            budget.period.name().to_owned(),
            budget.days.0.to_string(),
            format!("${}", budget.limit.cents()),
            cost_cell(budget.spent),
            budget.left_text(),
            forecast,
            budget.state(),
        ];
        grid.row(cells.map(Cell::Text).into());
    }
    grid.draw(look).with_note(look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Totals;

    fn budget(period: Period, limit: u128, spent: &[(&str, u128)], now: &str) -> Budget {
        let money = |dollars: u128| Money::from_pico(dollars * 1_000_000_000_000);
        let group = |(day, dollars): &(&str, u128)| Group {
            key: (*day).to_owned(),
            totals: Totals {
                cost: Cost {
                    amount: money(*dollars),
                    known: true,
                },
                ..Totals::default()
            },
            ..Group::default()
        };
        let days: Vec<Group> = spent.iter().map(group).collect();
        Budget::of(
            period,
            money(limit),
            &days,
            now.parse().expect("a time"),
            &Choice::default(),
        )
    }

    #[test]
    fn the_forecast_extends_the_rate_so_far() {
        let here = budget(
            Period::Month,
            100,
            &[("2026-10-31", 500), ("2026-11-01", 20), ("2026-11-10", 20)],
            "2026-11-11T00:00:00",
        );
        assert_eq!(
            (here.spent.amount.cents(), here.forecast.map(Money::cents)),
            ("40.00".to_owned(), Some("120.00".to_owned()))
        );
        assert_eq!(
            here.reached,
            NaiveDate::from_ymd_opt(2026, 11, 26),
            "100 of 120 dollars: after 25 of 30 days"
        );
        assert!(!here.is_over());
    }

    #[test]
    fn only_spending_above_the_limit_is_over() {
        let over = |limit| {
            budget(
                Period::Day,
                limit,
                &[("2026-11-11", 40)],
                "2026-11-11T23:59:00",
            )
            .is_over()
        };
        assert_eq!([39, 40, 41].map(over), [true, false, false]);
    }

    #[test]
    fn there_is_no_forecast_at_the_beginning_and_no_overrun_without_spending() {
        let early = budget(
            Period::Day,
            40,
            &[("2026-11-11", 39)],
            "2026-11-11T05:59:00",
        );
        assert_eq!((early.forecast, early.reached), (None, None));
        let none = budget(Period::Week, 0, &[], "2026-11-11T12:00:00");
        assert_eq!(
            (none.forecast, none.reached, none.is_over()),
            (Some(Money::ZERO), None, false)
        );
        let huge = budget(
            Period::Month,
            1,
            &[("2026-11-11", u128::MAX / 2_000_000_000_000)],
            "2026-11-30T12:00:00",
        );
        assert!(huge.is_over());
    }
}
