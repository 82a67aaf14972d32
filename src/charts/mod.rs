//! Charts as SVG, for the HTML page, for single pictures and for the repository's front page.
//!
//! The same data makes the same bytes on every machine: coordinates are whole numbers, and the
//! fonts of the machine are not used.

mod bars;
mod calendar;
mod chart;
mod picture;
mod theme;

pub(crate) use chart::{Chart, ChartError, Unit};
pub(crate) use picture::{Picture, escaped};
pub(crate) use theme::Theme;
