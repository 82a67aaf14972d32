//! The settings of `tracker`: the user's own defaults for `claude-usage-tracker`.

use jiff::tz::TimeZoneDatabase;
use serde_json::Value;

use crate::base::json::{FieldError, Fields};
use crate::base::money::Money;

/// Defaults for `claude-usage-tracker`. `None` and empty lists: its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tracker {
    /// `timezone`: `local`, `UTC` or a name of the IANA database.
    pub(crate) timezone: Option<String>,
    /// `start_of_week`: a day of the week.
    pub(crate) start_of_week: Option<String>,
    /// `start_of_month`: 1 to 28.
    pub(crate) start_of_month: Option<u32>,
    /// `order`: `asc` or `desc`.
    pub(crate) order: Option<String>,
    /// `columns`: the columns of tables.
    pub(crate) columns: Vec<String>,
    /// `daily_budget`, `weekly_budget` and `monthly_budget`: the limits of `budget`, in USD.
    pub(crate) budgets: [Option<Money>; 3],
    /// `pager`: a command; `cat` or an empty text: none.
    pub(crate) pager: Option<String>,
}

/// The names of the settings.
pub(super) const KEYS: [&str; 9] = [
    "timezone",
    "start_of_week",
    "start_of_month",
    "order",
    "columns",
    "daily_budget",
    "weekly_budget",
    "monthly_budget",
    "pager",
];

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The columns that `columns` may name.
const COLUMNS: [&str; 10] = [
    "models",
    "project",
    "machine",
    "last",
    "input",
    "output",
    "cache-create",
    "cache-read",
    "total",
    "cost",
];

/// Takes the settings out of `fields`.
pub(super) fn take(fields: &mut Fields) -> Result<Tracker, FieldError> {
    let is_zone = |name: &str| {
        ["local", "UTC"].contains(&name)
            || name.contains('/') && TimeZoneDatabase::bundled().get(name).is_ok()
    };
    let is_weekday = |name: &str| WEEKDAYS.contains(&name);
    let is_order = |name: &str| ["asc", "desc"].contains(&name);
    Ok(Tracker {
        timezone: word(
            fields,
            "timezone",
            is_zone,
            "a time zone such as \"Europe/Berlin\", \"UTC\" or \"local\"",
        )?,
        start_of_week: word(
            fields,
            "start_of_week",
            is_weekday,
            "a day of the week such as \"monday\"",
        )?,
        start_of_month: start_of_month(fields)?,
        order: word(fields, "order", is_order, "\"asc\" or \"desc\"")?,
        columns: columns(fields)?,
        budgets: [
            budget(fields, "daily_budget")?,
            budget(fields, "weekly_budget")?,
            budget(fields, "monthly_budget")?,
        ],
        pager: word(
            fields,
            "pager",
            |_| true,
            "a command such as \"less\", or \"cat\"",
        )?,
    })
}

fn word(
    fields: &mut Fields,
    key: &'static str,
    is_valid: impl Fn(&str) -> bool,
    want: &'static str,
) -> Result<Option<String>, FieldError> {
    let Some(value) = fields.take(key) else {
        return Ok(None);
    };
    let word = value.as_str().filter(|word| is_valid(word));
    word.map(|word| Some(word.to_owned()))
        .ok_or_else(|| wants(key, want))
}

fn start_of_month(fields: &mut Fields) -> Result<Option<u32>, FieldError> {
    let Some(value) = fields.take("start_of_month") else {
        return Ok(None);
    };
    let day = value.as_u64().and_then(|day| u32::try_from(day).ok());
    let day = day.filter(|day| (1..=28).contains(day));
    day.map(Some)
        .ok_or_else(|| wants("start_of_month", "a whole number from 1 to 28"))
}

fn budget(fields: &mut Fields, key: &str) -> Result<Option<Money>, FieldError> {
    let Some(value) = fields.take(key) else {
        return Ok(None);
    };
    let amount = value
        .is_number()
        .then(|| Money::parse(&value.to_string()))
        .flatten();
    amount
        .map(Some)
        .ok_or_else(|| wants(key, "an amount in USD, such as 300 or 7.50"))
}

fn columns(fields: &mut Fields) -> Result<Vec<String>, FieldError> {
    let name = |value: &Value| {
        let name = value.as_str().filter(|name| COLUMNS.contains(name));
        name.map(str::to_owned)
    };
    let all = fields.array("columns")?;
    let names: Option<Vec<String>> = all.iter().map(name).collect();
    names.ok_or_else(|| {
        wants(
            "columns",
            "an array of models, project, machine, last, input, output, cache-create, cache-read, total, cost",
        )
    })
}

fn wants(key: &str, want: &'static str) -> FieldError {
    FieldError {
        key: key.to_owned(),
        want,
    }
}
