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
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Self::from_millis(time.timestamp_millis())
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The same point as chrono's type.
    pub(crate) fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// The UTC day it falls into.
    pub fn day(self) -> Day {
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
pub struct Day(NaiveDate);

impl Day {
    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
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
    pub fn start(self) -> Timestamp {
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
