//! Plan limits as the page's script reads them: the course of each window.

use serde::Serialize;

use super::super::limits::{Limit, title};
use super::super::{Bounds, Zone};
use super::differences::differences;
use crate::base::time::Timestamp;

/// The windows of one limit, in the order of their ends. Times are minutes since 1970 in the page's
/// time zone.
#[derive(Serialize)]
pub(super) struct SeriesJson {
    name: String,
    windows: Vec<WindowJson>,
}

#[derive(Serialize)]
struct WindowJson {
    /// When it began, if its name states how long it lasts.
    starts: Option<i64>,
    ends: i64,
    /// What was stated: times, as differences, and hundredths of a percent.
    times: Vec<i64>,
    used: Vec<u16>,
}

/// The limits whose last statement is of a day within `bounds`. `limits`: the windows of one limit
/// behind each other. `accounts`: several accounts are known.
pub(super) fn to_series(
    limits: &[Limit],
    accounts: bool,
    bounds: Bounds,
    zone: Zone,
) -> Vec<SeriesJson> {
    let mut out: Vec<SeriesJson> = Vec::new();
    for limits in limits.chunk_by(|one, next| one.series == next.series) {
        let mut windows: Vec<&Limit> = limits
            .iter()
            .filter(|limit| bounds.contain(zone.date(limit.state.at)))
            .collect();
        windows.sort_by_key(|limit| limit.ends);
        if let Some(first) = windows.first() {
            out.push(SeriesJson {
                name: title(first, accounts),
                windows: windows
                    .into_iter()
                    .map(|limit| window(limit, zone))
                    .collect(),
            });
        }
    }
    out
}

fn window(limit: &Limit, zone: Zone) -> WindowJson {
    let minute = |at: Timestamp| zone.clock(at).and_utc().timestamp().div_euclid(60);
    WindowJson {
        starts: limit.starts().map(minute),
        ends: minute(limit.ends),
        times: differences(limit.course.iter().map(|point| minute(point.at))),
        used: limit
            .course
            .iter()
            .map(|point| point.used.hundredths())
            .collect(),
    }
}
