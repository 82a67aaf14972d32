//! The time zone in which days begin.

use std::str::FromStr as _;

use chrono::{Local, NaiveDate, NaiveDateTime};

use crate::base::time::Timestamp;

/// Where a day begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// As this machine's clock shows.
    Local,
    /// UTC.
    Utc,
    /// A zone of the IANA database.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// Reads `local`, `UTC` or a name such as `Europe/Berlin`. The error names the nearest that exists.
    pub fn parse(text: &str) -> Result<Self, Option<&'static str>> {
        if text.eq_ignore_ascii_case("local") {
            return Ok(Self::Local);
        }
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Self::Utc);
        }
        chrono_tz::Tz::from_str(text).map(Self::Named).map_err(|_| nearest(text))
    }

    /// What a clock there shows.
    pub fn clock(self, time: Timestamp) -> NaiveDateTime {
        let utc = time.to_utc();
        match self {
            Self::Local => utc.with_timezone(&Local).naive_local(),
            Self::Utc => utc.naive_utc(),
            Self::Named(zone) => utc.with_timezone(&zone).naive_local(),
        }
    }

    /// The date that a clock there shows.
    pub fn date(self, time: Timestamp) -> NaiveDate {
        self.clock(time).date()
    }

    /// A time that is not after the beginning of a day there, and less than two days before it.
    pub fn before(date: NaiveDate) -> Option<Timestamp> {
        let midnight = date.checked_sub_days(chrono::Days::new(1))?.and_time(chrono::NaiveTime::MIN).and_utc();
        Timestamp::from_millis(midnight.timestamp_millis())
    }

    /// The date and the minute that a clock there shows.
    pub fn minute(self, time: Timestamp) -> String {
        self.clock(time).format("%Y-%m-%d %H:%M").to_string()
    }
}

/// The zone whose name is most like `text`, if one is.
fn nearest(text: &str) -> Option<&'static str> {
    let wanted = text.to_ascii_lowercase().replace(' ', "_");
    let city = wanted.rsplit('/').next().unwrap_or(&wanted).to_owned();
    let ratio = |name: &str| {
        let name = name.to_ascii_lowercase();
        let of = |a: &str, b: &str| similar::TextDiff::from_chars(a, b).ratio();
        of(&wanted, &name).max(of(&city, name.rsplit('/').next().unwrap_or(&name)))
    };
    let scored = chrono_tz::TZ_VARIANTS.iter().map(|zone| (ratio(zone.name()), zone.name()));
    scored.filter(|(score, _)| *score > 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_daylight_saving() {
        let berlin = Zone::parse("Europe/Berlin").expect("a zone");
        let date = |text| berlin.date(Timestamp::parse(text).expect("valid")).to_string();
        assert_eq!(date("2026-01-01T22:59:59Z"), "2026-01-01");
        assert_eq!(date("2026-01-01T23:00:00Z"), "2026-01-02", "winter: one hour ahead");
        assert_eq!(date("2026-07-01T22:00:00Z"), "2026-07-02", "summer: two hours ahead");
    }

    #[test]
    fn a_misspelt_zone_has_a_neighbour() {
        assert_eq!(Zone::parse("Europe/Berln"), Err(Some("Europe/Berlin")));
        assert_eq!(Zone::parse("qqqqqqqq"), Err(None));
    }
}
