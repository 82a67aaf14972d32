//! Drawing a calendar: a square for each day, a column for each week.

use chrono::{Datelike as _, Days, NaiveDate};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::{Area, ChartError, failed};
use super::theme::Theme;

/// How many columns of weeks a calendar has.
const WEEKS: u32 = 53;

const LEFT: i32 = 80;
const ABOVE: i32 = 56;
/// From one square to the next, in pixels.
const STEP: i32 = 28;

/// Draws the last year of some values, the first of which is that of `first`.
pub(super) fn calendar(
    root: &Area,
    theme: Theme,
    first: NaiveDate,
    values: &[f64],
) -> Result<(), ChartError> {
    // Whole weeks, from a Sunday on, the last ones of them.
    let skip = (values.len() as u64).saturating_sub(u64::from(WEEKS - 1) * 7);
    let days = values.iter().enumerate();
    let days = days.skip(usize::try_from(skip).unwrap_or(0));
    let start = first.checked_add_days(Days::new(skip)).unwrap_or(first);
    let weekday = Days::new(start.weekday().num_days_from_sunday().into());
    let sunday = start.checked_sub_days(weekday).unwrap_or(start);
    let top = values.iter().copied().fold(0.0, f64::max);
    let small = theme.text().pos(Pos::new(HPos::Left, VPos::Center));
    for (row, name) in [(1, "Mon"), (3, "Wed"), (5, "Fri")] {
        root.draw_text(name, &small, (16, ABOVE + row * STEP + 12))
            .map_err(failed)?;
    }
    for (at, value) in days {
        let Some(day) = first.checked_add_days(Days::new(at as u64)) else {
            continue;
        };
        let Ok(past) = i32::try_from((day - sunday).num_days()) else {
            continue;
        };
        let (x, y) = (LEFT + past / 7 * STEP, ABOVE + past % 7 * STEP);
        // A month's name stands above the column of its first day.
        if day.day() == 1 {
            let month = day.format("%b").to_string();
            root.draw_text(&month, &small, (x, 36)).map_err(failed)?;
        }
        square(root, (x, y), theme.heat(level(value / top)))?;
    }
    scale(root, theme, &small)
}

/// A level of heat for a share of the highest value.
fn level(share: f64) -> usize {
    match share {
        share if share > 0.75 => 4,
        share if share > 0.5 => 3,
        share if share > 0.25 => 2,
        share if share > 0.0 => 1,
        _ => 0,
    }
}

fn square(root: &Area, (x, y): (i32, i32), color: RGBColor) -> Result<(), ChartError> {
    let corners = [(x, y), (x + STEP - 4, y + STEP - 4)];
    let square = Rectangle::new(corners, color.filled());
    root.draw(&square).map_err(failed)
}

/// The levels from least to most, below the squares.
fn scale(root: &Area, theme: Theme, small: &TextStyle) -> Result<(), ChartError> {
    for level in 0..5_usize {
        let x = LEFT + 64 + i32::try_from(level).unwrap_or(0) * STEP;
        square(root, (x, 262), theme.heat(level))?;
    }
    root.draw_text("less", small, (LEFT, 274)).map_err(failed)?;
    root.draw_text("more", small, (LEFT + 214, 274))
        .map_err(failed)
}
