//! Days of the command line: dates, and words such as `today`, `monday` and `2w`.

use chrono::{Datelike as _, Days, Months, NaiveDate, Weekday};

use crate::base::time::Day;
use crate::report::Choice;

/// A day as the user wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DayArg {
    /// A date.
    Date(NaiveDate),
    /// So many days ago.
    Days(u32),
    /// So many months ago.
    Months(u32),
    /// The last such day of the week, today included.
    Weekday(Weekday),
}

/// Parses a day.
pub(crate) fn day(text: &str) -> Result<DayArg, String> {
    let word = text.to_ascii_lowercase();
    let found = match word.as_str() {
        "today" => Some(DayArg::Days(0)),
        "yesterday" => Some(DayArg::Days(1)),
        word => date(word)
            .map(DayArg::Date)
            .or_else(|| ago(word))
            .or_else(|| word.parse().ok().map(DayArg::Weekday)),
    };
    found.ok_or_else(|| {
        "not a day; write 2026-11-23, 20261123, today, yesterday, monday, or how long ago: 3d, 2w, 1m".to_owned()
    })
}

fn date(text: &str) -> Option<NaiveDate> {
    let is_plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    if is_plain {
        return NaiveDate::parse_from_str(text, "%Y%m%d").ok();
    }
    Day::parse(text).map(Day::date)
}

/// `3d`, `2w`, `1m`, `1y`.
fn ago(text: &str) -> Option<DayArg> {
    let unit = text.chars().last()?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
    match unit {
        'd' => Some(DayArg::Days(number)),
        'w' => number.checked_mul(7).map(DayArg::Days),
        'm' => Some(DayArg::Months(number)),
        'y' => number.checked_mul(12).map(DayArg::Months),
        _ => None,
    }
}

impl DayArg {
    /// The date.
    pub(crate) fn on(self, today: NaiveDate) -> NaiveDate {
        let before = |days: u32| today.checked_sub_days(Days::new(days.into()));
        let date = match self {
            Self::Date(date) => Some(date),
            Self::Days(days) => before(days),
            Self::Months(months) => today.checked_sub_months(Months::new(months)),
            Self::Weekday(day) => before(today.weekday().days_since(day)),
        };
        // Before all usage.
        date.unwrap_or_default()
    }
}

/// The value of `--last`: so many periods, with the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastPeriods {
    count: u32,
    /// `d`, `w` or `m`.
    unit: Option<char>,
}

/// Parses the value of `--last`.
pub(crate) fn last(text: &str) -> Result<LastPeriods, String> {
    let unit = text.chars().last().filter(|last| "dwm".contains(*last));
    let count = text
        .strip_suffix(['d', 'w', 'm'])
        .unwrap_or(text)
        .parse()
        .ok()
        .filter(|count| (1..=100_000).contains(count));
    count
        .map(|count| LastPeriods { count, unit })
        .ok_or_else(|| {
            "write a number from 1 to 100000, with d, w or m behind it, such as 4w".to_owned()
        })
}

impl LastPeriods {
    /// The first day. `unit`: that of a number without one; `choice`: where weeks and months begin.
    pub(crate) fn first_day(self, unit: char, choice: &Choice, today: NaiveDate) -> NaiveDate {
        let before = self.count.saturating_sub(1);
        let first = match self.unit.unwrap_or(unit) {
            'm' => choice
                .month_of(today)
                .checked_sub_months(Months::new(before)),
            'w' => choice
                .week_of(today)
                .checked_sub_days(Days::new(u64::from(before) * 7)),
            _ => today.checked_sub_days(Days::new(before.into())),
        };
        first.unwrap_or(NaiveDate::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_or_words() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 25).expect("a Wednesday");
        let on = |text: &str| day(text).map(|day| day.on(today).to_string());
        for (text, date) in [
            ("2026-11-23", "2026-11-23"),
            ("20261123", "2026-11-23"),
            ("today", "2026-11-25"),
            ("Yesterday", "2026-11-24"),
            ("monday", "2026-11-23"),
            ("wed", "2026-11-25"),
            ("thursday", "2026-11-19"),
            ("3d", "2026-11-22"),
            ("2w", "2026-11-11"),
            ("1m", "2026-10-25"),
            ("1y", "2025-11-25"),
            ("4000000000d", "1970-01-01"),
        ] {
            assert_eq!(on(text), Ok(date.to_owned()), "{text}");
        }
        for wrong in [
            "",
            "d",
            "2026-13-01",
            "2x",
            "-1d",
            "99999999999d",
            "tomorrow",
            "é",
        ] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
