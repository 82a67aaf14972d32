//! Points in time and UTC days, as the format writes them: UTC, milliseconds, `Z`.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

/// Milliseconds since 1970, within the years 1 to 9999, so that the written form has a fixed width.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const FIRST: i64 = -62_135_596_800_000;
const LAST: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The beginning of 1970.
    pub(crate) const EPOCH: Self = Self(0);

    /// A point in time from milliseconds since 1970; out of the years 1 to 9999 there is none.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&millis).then_some(Self(millis))
    }

    /// The system clock's now.
    pub(crate) fn now() -> Self {
        Self::from_millis(Utc::now().timestamp_millis()).unwrap_or(Self::EPOCH)
    }

    /// Reads RFC 3339 in any zone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        if let Some(millis) = written(text.as_bytes()) {
            return Self::from_millis(millis);
        }
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Self::from_millis(time.timestamp_millis())
    }

    /// Milliseconds since 1970.
    pub(crate) fn millis(self) -> i64 {
        self.0
    }

    /// The same point as chrono's type.
    pub(crate) fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// The UTC day it falls into.
    pub(crate) fn day(self) -> Day {
        Day(self.to_utc().date_naive())
    }

    /// `YYYYMMDDTHHMMSSZ`, for file names.
    pub(crate) fn compact(self) -> String {
        self.to_utc().format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// Whole milliseconds from `earlier` to here; negative if it is later.
    pub(crate) fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Reads `YYYY-MM-DDTHH:MM:SS.mmmZ`, as Claude Code and the format write times; none of any other
/// form.
fn written(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let separators = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (23, b'Z'),
    ];
    if separators.iter().any(|(at, byte)| text[*at] != *byte) {
        return None;
    }
    let number = |from: usize, digits: usize| {
        text[from..from + digits]
            .iter()
            .try_fold(0_i64, |number, byte| {
                let digit = byte.wrapping_sub(b'0');
                (digit < 10).then(|| number * 10 + i64::from(digit))
            })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let millis = number(20, 3)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let valid = (1..=12).contains(&month) && (1..=length).contains(&day);
    // Whatever is unusual, as a leap second, is chrono's.
    if !valid || year == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years that begin in March end with the leap day.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - BEFORE_1970;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

/// Days from the first of March of the year 0 to 1970.
const BEFORE_1970: i64 = 719_468;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.to_utc();
        let (year, second) = (time.year(), time.num_seconds_from_midnight());
        let digits = |number: u32, place: u32| {
            b'0' + u8::try_from(number / 10_u32.pow(place) % 10).unwrap_or(0)
        };
        let mut out = *b"0000-00-00T00:00:00.000Z";
        let fields = [
            (0, 4, u32::try_from(year).unwrap_or(0)),
            (5, 2, time.month()),
            (8, 2, time.day()),
            (11, 2, second / 3600),
            (14, 2, second / 60 % 60),
            (17, 2, second % 60),
            (20, 3, time.timestamp_subsec_millis()),
        ];
        for (at, width, number) in fields {
            for place in 0..width {
                out[at + place as usize] = digits(number, width - 1 - place);
            }
        }
        f.write_str(std::str::from_utf8(&out).unwrap_or_default())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A UTC day, written `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(NaiveDate);

impl Day {
    /// Reads `YYYY-MM-DD`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 10
            && text.bytes().enumerate().all(|(i, b)| {
                if i == 4 || i == 7 {
                    b == b'-'
                } else {
                    b.is_ascii_digit()
                }
            });
        digits
            .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .flatten()
            .map(Self)
    }

    /// Year, month and day as a path writes them: `2026`, `11`, `23`.
    pub(crate) fn parts(self) -> (String, String, String) {
        (
            format!("{:04}", self.0.year()),
            format!("{:02}", self.0.month()),
            format!("{:02}", self.0.day()),
        )
    }

    /// The day's first millisecond.
    pub(crate) fn start(self) -> Timestamp {
        Timestamp(
            self.0
                .and_time(chrono::NaiveTime::MIN)
                .and_utc()
                .timestamp_millis(),
        )
    }

    /// The calendar date.
    pub(crate) fn date(self) -> NaiveDate {
        self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_is_written_as_utc_milliseconds() {
        let time = Timestamp::parse("2025-01-06T16:30:00.5+01:00").expect("valid");
        assert_eq!(time.to_string(), "2025-01-06T15:30:00.500Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        assert_eq!(
            Timestamp::from_millis(FIRST).expect("first").to_string(),
            "0001-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_millis(LAST).expect("last").to_string(),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(Timestamp::parse("10000-01-01T00:00:00Z"), None);
    }

    #[test]
    fn the_usual_form_is_read_as_chrono_reads_it() {
        let chrono = |text: &str| {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            Timestamp::from_millis(time.timestamp_millis())
        };
        let mut some = 0;
        for year in (0..=9999).step_by(7).chain(1895..2105) {
            for month in 0..=13 {
                for (day, time) in [
                    (0, "00:00:00.000Z"),
                    (1, "23:59:59.999Z"),
                    (28, "24:00:00.000Z"),
                    (29, "12:34:56.789Z"),
                    (30, "01:02:60.004Z"),
                    (31, "01:60:03.004Z"),
                    (32, "00:00:00.000z"),
                ] {
                    let text = format!("{year:04}-{month:02}-{day:02}T{time}");
                    assert_eq!(Timestamp::parse(&text), chrono(&text), "{text}");
                    some += i32::from(chrono(&text).is_some());
                }
            }
        }
        assert!(some > 50_000, "{some} times were read");
        for odd in [
            "2026-01-02 03:04:05.678Z",
            "2026-01-02T03:04:05.67 Z",
            "2026-01-0:T03:04:05.678Z",
        ] {
            assert_eq!(Timestamp::parse(odd), chrono(odd), "{odd}");
        }
    }

    #[test]
    fn days_are_strict() {
        assert_eq!(
            Day::parse("2026-02-28").map(|d| d.to_string()).as_deref(),
            Some("2026-02-28")
        );
        for bad in ["2026-02-30", "2026-2-3", "+026-02-03", "20260203"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }
}
