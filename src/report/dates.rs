//! Dates of rows in a time zone, with few lookups in the zone's table.

use chrono::NaiveDate;

use super::Zone;
use crate::base::time::Timestamp;

/// From here on, 2012, no zone's clock goes back to a date whose end it has shown. (St. John's went
/// back at a minute past midnight.)
const MONOTONE: i64 = 1_325_376_000_000;

/// Dates in a zone. Most rows fall on the date of the row before.
#[derive(Debug)]
pub(super) struct Dates {
    zone: Zone,
    /// Two points in time on one date: all between them is on that date too.
    span: Option<(Timestamp, Timestamp, NaiveDate)>,
}

impl Dates {
    pub(super) fn new(zone: Zone) -> Self {
        Self { zone, span: None }
    }

    /// The date of a point in time.
    pub(super) fn of(&mut self, at: Timestamp) -> NaiveDate {
        if let Some((from, to, date)) = self.span
            && from <= at
            && at <= to
        {
            return date;
        }
        let date = self.zone.date(at);
        if at.millis() >= MONOTONE {
            self.span = Some(match self.span {
                // More rows of this date will follow, so that to find its end costs less than to
                // look up each.
                Some((from, to, known)) if known == date => {
                    (from.min(at), to.max(self.late(at, date)), date)
                }
                _ => (at, at, date),
            });
        }
        date
    }

    /// A time on this date that is not before `at`: the last, or less than a minute before that.
    fn late(&self, at: Timestamp, date: NaiveDate) -> Timestamp {
        let (mut on, mut after) = (at, at.millis().saturating_add(48 * 3_600_000));
        while after.saturating_sub(on.millis()) > 60_000 {
            let middle = on.millis() + (after - on.millis()) / 2;
            match Timestamp::from_millis(middle) {
                Some(time) if self.zone.date(time) == date => on = time,
                _ => after = middle,
            }
        }
        on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_zone_in_any_order_of_rows() {
        // A step of 11 hours and 7 minutes meets each hour of the day, and each day's change of the
        // clock within a few years.
        let step = (11 * 60 + 7) * 60_000;
        let odd = ["America/St_Johns", "America/Asuncion"].map(str::to_owned);
        for zone in super::super::zone::names().step_by(7).chain(odd) {
            let zone = Zone::parse(&zone).expect("a zone");
            let mut dates = Dates::new(zone);
            for n in 0..20_000_i64 {
                // Mostly forward, now and then back.
                let millis = MONOTONE - 90_000_000_000 + (n - n % 3 * 2) * step / 3;
                let at = Timestamp::from_millis(millis).expect("a time");
                assert_eq!(dates.of(at), zone.date(at), "{zone:?} {at}");
            }
        }
    }
}
