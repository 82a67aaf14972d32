//! Fields that the importers share: a count, an amount, a date, a model, and the total they make.

use chrono::NaiveDate;
use serde_json::Value;

use crate::base::ids::{Name, SessionId};
use crate::base::json::Extra;
use crate::base::money::{Cost, Money};
use crate::base::time::{Day, Timestamp};
use crate::prices::{Counters, prices};
use crate::record::{MAX_COUNTER, Source, Sum, SumKey, Totals};

/// The first and the last millisecond of a date, where it is one.
pub(crate) type Days<'a> = &'a dyn Fn(NaiveDate) -> Option<(Timestamp, Timestamp)>;

/// What is wrong with a part of a file: which, and what.
pub(super) type Wrong = (String, &'static str);

/// A count of tokens.
pub(super) fn number(value: Option<&Value>, place: impl Fn() -> String) -> Result<u64, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value
            .as_u64()
            .filter(|number| *number <= MAX_COUNTER)
            .ok_or_else(|| (place(), "it is no count of tokens")),
    }
}

/// An amount in dollars; none where it is not stated.
pub(super) fn money(
    value: Option<&Value>,
    place: impl Fn() -> String,
) -> Result<Option<Money>, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Money::parse(number.as_str())
            .map(Some)
            .ok_or_else(|| (place(), "it is no amount of dollars")),
        Some(_) => Err((place(), "it is no amount of dollars")),
    }
}

/// A date, and not one that is yet to come. A clock elsewhere may be a day ahead.
pub(super) fn date(
    value: Option<&Value>,
    now: Timestamp,
    place: impl Fn() -> String,
) -> Result<Day, Wrong> {
    let day = value
        .and_then(Value::as_str)
        .and_then(Day::parse)
        .ok_or_else(|| (place(), "it is no date such as 2026-01-31"))?;
    let ahead = day
        .date()
        .signed_duration_since(now.day().date())
        .num_days();
    if ahead > 1 {
        Err((place(), "it is a date that is yet to come"))
    } else {
        Ok(day)
    }
}

/// A model's name, as records have it: ccusage marks fast requests in it. None for rows that stand
/// for no model.
pub(super) fn model(name: &str) -> Option<Name> {
    let name = name
        .strip_suffix("-fast")
        .filter(|name| name.starts_with("claude-"))
        .unwrap_or(name);
    (name != "<synthetic>").then(|| crate::prices::model_name(name).into())
}

/// The sum of one day and model. Where its source states no cost, it costs what its tokens do.
pub(super) fn sum(
    source: Source,
    mark: &str,
    day: Day,
    model: Name,
    counters: Counters,
    cost: Option<Cost>,
    window: (Timestamp, Timestamp),
) -> (SumKey, Sum) {
    let cost = cost.unwrap_or_else(|| prices().cost_of_many(&model, day.start(), &counters));
    let sum = Sum {
        window: Some(window.into()),
        project: format!("import+{}", source.as_str()),
        totals: Totals {
            requests: 0,
            counters,
            cost,
        },
        deducted: None,
        extra: Extra::new(),
    };
    (
        SumKey {
            source,
            day,
            mark: mark.into(),
            session: SessionId::new(Name::default()),
            model,
        },
        sum,
    )
}
