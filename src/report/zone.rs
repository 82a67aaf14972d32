//! Time zones: which date and time a clock shows at a timestamp.

use chrono::{Local, NaiveDate, NaiveDateTime, TimeDelta};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::base::time::Timestamp;

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// The system's time zone.
    Local,
    /// UTC.
    Utc,
    /// A zone of the IANA database.
    Named(&'static TimeZone),
}

impl Zone {
    /// Parses `local`, `UTC` or a name such as `Europe/Berlin`. The error is the most similar name,
    /// if there is one.
    pub(crate) fn parse(text: &str) -> Result<Self, Option<String>> {
        if text.eq_ignore_ascii_case("local") {
            return Ok(Self::Local);
        }
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Self::Utc);
        }
        // A program asks for one or two.
        database()
            .get(text)
            .map(|zone| Self::Named(Box::leak(Box::new(zone))))
            .map_err(|_| nearest(text))
    }

    /// The local time.
    pub(crate) fn clock(self, time: Timestamp) -> NaiveDateTime {
        let utc = time.to_utc();
        match self {
            Self::Local => utc.with_timezone(&Local).naive_local(),
            Self::Utc => utc.naive_utc(),
            Self::Named(zone) => {
                let offset = jiff::Timestamp::from_millisecond(time.millis())
                    .map_or(0, |time| zone.to_offset(time).seconds());
                let utc = utc.naive_utc();
                utc.checked_add_signed(TimeDelta::seconds(offset.into()))
                    .unwrap_or(utc)
            }
        }
    }

    /// The local date.
    pub(crate) fn date(self, time: Timestamp) -> NaiveDate {
        self.clock(time).date()
    }

    /// A time at or before the start of a date in any zone, and less than two days before it.
    pub(crate) fn before(date: NaiveDate) -> Option<Timestamp> {
        let midnight = date
            .checked_sub_days(chrono::Days::new(1))?
            .and_time(chrono::NaiveTime::MIN)
            .and_utc();
        Timestamp::from_millis(midnight.timestamp_millis())
    }

    /// The first and last millisecond of a date. `None` for a date that a zone skipped when it
    /// crossed the date line.
    pub(crate) fn range(self, date: NaiveDate) -> Option<(Timestamp, Timestamp)> {
        let from = self.first(date)?;
        let last = Timestamp::from_millis(self.first(date.succ_opt()?)?.millis().checked_sub(1)?)?;
        (from <= last).then_some((from, last))
    }

    /// The first millisecond at or after the start of a date.
    fn first(self, date: NaiveDate) -> Option<Timestamp> {
        let midnight = date
            .and_time(chrono::NaiveTime::MIN)
            .and_utc()
            .timestamp_millis();
        // Local time is at most 26 hours from UTC. The date grows with time: a binary search works.
        let (mut before, mut after) = (
            midnight.checked_sub(26 * 3_600_000)?,
            midnight.checked_add(26 * 3_600_000)?,
        );
        while before + 1 < after {
            let middle = before + (after - before) / 2;
            if self.date(Timestamp::from_millis(middle)?) < date {
                before = middle;
            } else {
                after = middle;
            }
        }
        Timestamp::from_millis(after)
    }

    /// The local time as `YYYY-MM-DD HH:MM`.
    pub(crate) fn minute(self, time: Timestamp) -> String {
        self.clock(time).format("%Y-%m-%d %H:%M").to_string()
    }
}

/// The zone whose name is most similar to `text`, if one is similar enough.
fn nearest(text: &str) -> Option<String> {
    let wanted = text.to_ascii_lowercase().replace(' ', "_");
    let city = wanted.rsplit('/').next().unwrap_or(&wanted).to_owned();
    let ratio = |name: &str| {
        let name = name.to_ascii_lowercase();
        let of = |a: &str, b: &str| similar::TextDiff::from_chars(a, b).ratio();
        of(&wanted, &name).max(of(&city, name.rsplit('/').next().unwrap_or(&name)))
    };
    let scored = names().map(|name| (ratio(&name), name));
    scored
        .filter(|(score, _)| *score > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The database that the program has with it: days begin at the same time on all machines.
fn database() -> TimeZoneDatabase {
    TimeZoneDatabase::bundled()
}

/// The names of all zones.
pub(super) fn names() -> impl Iterator<Item = String> {
    let names: Vec<_> = database()
        .available()
        .map(|name| name.to_string())
        .collect();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_daylight_saving() {
        let berlin = Zone::parse("Europe/Berlin").expect("a zone");
        let date = |text| {
            berlin
                .date(Timestamp::parse(text).expect("valid"))
                .to_string()
        };
        assert_eq!(date("2026-01-01T22:59:59Z"), "2026-01-01");
        assert_eq!(
            date("2026-01-01T23:00:00Z"),
            "2026-01-02",
            "winter: one hour ahead"
        );
        assert_eq!(
            date("2026-07-01T22:00:00Z"),
            "2026-07-02",
            "summer: two hours ahead"
        );
    }

    #[test]
    fn the_range_of_a_date_follows_its_clock() {
        let range = |zone: &str, date: &str| {
            let (first, last) = Zone::parse(zone)
                .expect("a zone")
                .range(date.parse().expect("a date"))?;
            Some(format!("{first} {last}"))
        };
        assert_eq!(
            range("UTC", "2026-03-10").as_deref(),
            Some("2026-03-10T00:00:00.000Z 2026-03-10T23:59:59.999Z")
        );
        assert_eq!(
            range("Europe/Berlin", "2026-03-29").as_deref(),
            Some("2026-03-28T23:00:00.000Z 2026-03-29T21:59:59.999Z"),
            "23 hours"
        );
        assert_eq!(range("Pacific/Apia", "2011-12-30"), None, "a skipped date");
        assert_eq!(
            range("Pacific/Kiritimati", "2026-01-01").as_deref(),
            Some("2025-12-31T10:00:00.000Z 2026-01-01T09:59:59.999Z")
        );
    }

    #[test]
    fn the_error_of_a_misspelled_zone_is_the_most_similar_one() {
        assert_eq!(
            Zone::parse("Europe/Berln"),
            Err(Some("Europe/Berlin".to_owned()))
        );
        assert_eq!(Zone::parse("qqqqqqqq"), Err(None));
    }
}
