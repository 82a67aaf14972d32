//! Charts as SVG: one way of drawing for the page, for single pictures and for the repository's front page.
//!
//! The same data makes the same bytes on every machine: coordinates are whole numbers, and no font of the machine is asked.

use chrono::{Datelike as _, Days, NaiveDate};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::base::money::Money;

/// A chart could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("failed to draw a chart: {0}")]
pub struct ChartError(String);

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// US dollars.
    Dollars,
    /// Tokens.
    Tokens,
}

impl Unit {
    /// A value in a few characters: `$1.2k`, `35M`.
    pub fn short(self, value: f64) -> String {
        let sign = if self == Self::Dollars { "$" } else { "" };
        let (scaled, suffix) = match value {
            value if value >= 1e9 => (value / 1e9, "B"),
            value if value >= 1e6 => (value / 1e6, "M"),
            value if value >= 10_000.0 => (value / 1e3, "k"),
            value => (value, ""),
        };
        // Cents where they say something.
        let text = match (self, scaled) {
            (Self::Dollars, scaled) if suffix.is_empty() && scaled < 10.0 => format!("{scaled:.2}"),
            (_, scaled) if scaled < 10.0 && !suffix.is_empty() => format!("{scaled:.1}"),
            (_, scaled) => format!("{scaled:.0}"),
        };
        format!("{sign}{text}{suffix}")
    }
}

impl Unit {
    /// What its values are called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dollars => "Cost",
            Self::Tokens => "Tokens",
        }
    }

    /// A value as a report tells it.
    pub fn exact(self, value: f64) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts from floats saturate, and nothing here is negative"
        )]
        match self {
            Self::Dollars => format!(
                "${}",
                Money::from_pico((value * 1e6).round() as u128 * 1_000_000).cents()
            ),
            Self::Tokens => crate::base::text::thousands(value.round() as u128),
        }
    }
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Chart {
    /// Bars side by side, each of parts one above the other.
    Stack {
        /// What stands below each bar.
        bars: Vec<String>,
        /// What each part is called, and its height in each bar.
        parts: Vec<(String, Vec<f64>)>,
    },
    /// A bar for each name, the longest first.
    Rank(Vec<(String, f64)>),
    /// A square for each day, a column for each week.
    Calendar {
        /// The first day.
        first: NaiveDate,
        /// A value for it and for each day after it.
        values: Vec<f64>,
    },
}

/// A chart with what is said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// What stands above it, and what a screen reader says.
    pub title: String,
    /// What its values count.
    pub unit: Unit,
    /// What is drawn.
    pub chart: Chart,
}

/// Colours for a bright or a dark room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on nearly black.
    Dark,
}

/// The colours of Okabe and Ito, which people with any colour vision tell apart; the last is for all others together.
const PARTS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(140, 140, 140),
];

/// What parts beyond the colours are called together.
const OTHERS: &str = "others";

/// How many columns of weeks a calendar has.
const WEEKS: u32 = 53;

const WIDTH: u32 = 1600;
const TEXT: i32 = 24;

impl Theme {
    fn ground(self) -> RGBColor {
        match self {
            Self::Light => RGBColor(255, 255, 255),
            Self::Dark => RGBColor(13, 17, 23),
        }
    }

    fn ink(self) -> RGBColor {
        match self {
            Self::Light => RGBColor(31, 35, 40),
            Self::Dark => RGBColor(230, 237, 243),
        }
    }

    fn grid(self) -> RGBColor {
        match self {
            Self::Light => RGBColor(225, 228, 232),
            Self::Dark => RGBColor(48, 54, 61),
        }
    }

    /// From nothing to the most.
    fn heat(self, level: usize) -> RGBColor {
        let light = [
            (235, 237, 240),
            (198, 219, 239),
            (107, 174, 214),
            (33, 113, 181),
            (8, 48, 107),
        ];
        let dark = [
            (33, 38, 45),
            (8, 48, 107),
            (33, 113, 181),
            (107, 174, 214),
            (198, 219, 239),
        ];
        let (r, g, b) = if self == Self::Light {
            light[level]
        } else {
            dark[level]
        };
        RGBColor(r, g, b)
    }

    fn text(self) -> TextStyle<'static> {
        ("sans-serif", TEXT).into_font().color(&self.ink())
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// What plotters says of an error; its types differ with what was drawn.
fn failed<E: std::fmt::Debug>(error: E) -> ChartError {
    ChartError(crate::base::text::printable(&format!("{error:?}"), 200))
}

impl Picture {
    fn height(&self) -> u32 {
        match &self.chart {
            Chart::Stack { .. } => 560,
            Chart::Rank(items) => {
                80 + 48 * u32::try_from(items.len()).unwrap_or(u32::MAX).clamp(1, 40)
            }
            Chart::Calendar { .. } => 300,
        }
    }

    /// The picture as an SVG document of its own. Names in it are escaped.
    pub fn svg(&self, theme: Theme) -> Result<String, ChartError> {
        let mut out = String::new();
        let root = SVGBackend::with_string(&mut out, (WIDTH, self.height())).into_drawing_area();
        root.fill(&theme.ground()).map_err(failed)?;
        match &self.chart {
            Chart::Stack { bars, parts } => stack(&root, theme, self.unit, bars, parts)?,
            Chart::Rank(items) => rank(&root, theme, self.unit, items)?,
            Chart::Calendar { first, values } => calendar(&root, theme, *first, values)?,
        }
        root.present().map_err(failed)?;
        drop(root);
        let title = escaped(&self.title);
        let head = format!(" role=\"img\" aria-label=\"{title}\" xmlns=");
        Ok(out.replacen(" xmlns=", &head, 1).replacen(
            ">\n",
            &format!(">\n<title>{title}</title>\n"),
            1,
        ))
    }

    /// What the chart shows, as rows of a table: a name, and a value for each of the columns that are named first.
    pub fn table(&self) -> (Vec<String>, Vec<(String, Vec<f64>)>) {
        match &self.chart {
            Chart::Stack { bars, parts } => {
                let rows = bars.iter().enumerate().map(|(at, bar)| {
                    (
                        bar.clone(),
                        parts.iter().map(|(_, values)| values[at]).collect(),
                    )
                });
                (
                    parts.iter().map(|(name, _)| name.clone()).collect(),
                    rows.collect(),
                )
            }
            Chart::Rank(items) => (
                Vec::new(),
                items
                    .iter()
                    .map(|(name, value)| (name.clone(), vec![*value]))
                    .collect(),
            ),
            Chart::Calendar { first, values } => {
                let day = |at: usize| {
                    first
                        .checked_add_days(Days::new(at as u64))
                        .unwrap_or(*first)
                        .to_string()
                };
                let used = values.iter().enumerate().filter(|(_, value)| **value > 0.0);
                (
                    Vec::new(),
                    used.map(|(at, value)| (day(at), vec![*value])).collect(),
                )
            }
        }
    }
}

/// Text for XML and HTML, also inside an attribute. Control characters and what changes the direction of text are dropped.
pub fn escaped(text: &str) -> String {
    crate::base::text::printable(text, 200)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The parts that have a colour, and the rest as one.
fn coloured(parts: &[(String, Vec<f64>)], bars: usize) -> Vec<(String, Vec<f64>)> {
    let own = if parts.len() > PARTS.len() {
        PARTS.len() - 1
    } else {
        parts.len()
    };
    let mut out = parts[..own].to_vec();
    if own < parts.len() {
        let sum = |bar: usize| parts[own..].iter().map(|(_, values)| values[bar]).sum();
        out.push((OTHERS.to_owned(), (0..bars).map(sum).collect()));
    }
    out
}

fn stack(
    root: &Area,
    theme: Theme,
    unit: Unit,
    bars: &[String],
    parts: &[(String, Vec<f64>)],
) -> Result<(), ChartError> {
    let parts = coloured(parts, bars.len());
    let sums = (0..bars.len()).map(|bar| parts.iter().map(|(_, values)| values[bar]).sum::<f64>());
    let top = sums.fold(0.0, f64::max);
    let top = if top > 0.0 { top * 1.05 } else { 1.0 };
    let mut chart = ChartBuilder::on(root);
    chart
        .margin(16)
        .margin_top(72)
        .x_label_area_size(48)
        .y_label_area_size(104);
    let right = bars.len().max(1) as f64 - 0.5;
    let mut chart = chart
        .build_cartesian_2d(-0.5..right, 0.0..top)
        .map_err(failed)?;
    let label = |x: &f64| {
        let at = x.round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts from floats saturate, and nothing here is negative"
        )]
        let bar = if at >= 0.0 && (x - at).abs() < 0.01 {
            bars.get(at as usize)
        } else {
            None
        };
        bar.map(|bar| crate::base::text::printable(bar, 16))
            .unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(bars.len().clamp(2, 12))
        .y_labels(5)
        .x_label_formatter(&label)
        .y_label_formatter(&|value| unit.short(*value))
        .axis_style(theme.grid())
        .bold_line_style(theme.grid())
        .light_line_style(TRANSPARENT)
        .label_style(theme.text())
        .draw()
        .map_err(failed)?;
    let mut below = vec![0.0; bars.len()];
    for ((_, values), colour) in parts.iter().zip(PARTS) {
        let boxes = values
            .iter()
            .zip(&mut below)
            .enumerate()
            .filter(|(_, (value, _))| **value > 0.0)
            .map(|(bar, (value, below))| {
                let (middle, from) = (bar as f64, *below);
                *below += value;
                Rectangle::new(
                    [(middle - 0.4, from), (middle + 0.4, *below)],
                    colour.filled(),
                )
            });
        chart.draw_series(boxes).map_err(failed)?;
    }
    legend(root, theme, &parts)
}

/// Which colour is which part, in one row above the bars.
fn legend(root: &Area, theme: Theme, parts: &[(String, Vec<f64>)]) -> Result<(), ChartError> {
    let wide =
        (i32::try_from(WIDTH).unwrap_or(0) - 120) / i32::try_from(parts.len().max(1)).unwrap_or(1);
    let wide = wide.min(320);
    // A letter takes about half its height.
    let letters = usize::try_from((wide - 50) * 2 / TEXT).unwrap_or(4);
    for (at, ((name, _), colour)) in (0..).zip(parts.iter().zip(PARTS)) {
        let x = 120 + at * wide;
        root.draw(&Rectangle::new([(x, 24), (x + 24, 48)], colour.filled()))
            .map_err(failed)?;
        let style = theme.text().pos(Pos::new(HPos::Left, VPos::Center));
        root.draw_text(
            &crate::base::text::printable(name, letters),
            &style,
            (x + 34, 36),
        )
        .map_err(failed)?;
    }
    Ok(())
}

fn rank(root: &Area, theme: Theme, unit: Unit, items: &[(String, f64)]) -> Result<(), ChartError> {
    let top = items.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let (from, to) = (420, i32::try_from(WIDTH).unwrap_or(0) - 140);
    for (at, (name, value)) in (0..40).zip(items) {
        let y = 40 + at * 48;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "casts from floats saturate"
        )]
        let length = if top > 0.0 {
            (value / top * f64::from(to - from)).round() as i32
        } else {
            0
        };
        let style = theme.text();
        let right = style.clone().pos(Pos::new(HPos::Right, VPos::Center));
        root.draw_text(
            &crate::base::text::printable(name, 32),
            &right,
            (from - 12, y + 18),
        )
        .map_err(failed)?;
        root.draw(&Rectangle::new(
            [(from, y), (from + length, y + 36)],
            PARTS[0].filled(),
        ))
        .map_err(failed)?;
        let left = style.pos(Pos::new(HPos::Left, VPos::Center));
        root.draw_text(&unit.short(*value), &left, (from + length + 10, y + 18))
            .map_err(failed)?;
    }
    Ok(())
}

fn calendar(root: &Area, theme: Theme, first: NaiveDate, values: &[f64]) -> Result<(), ChartError> {
    let (left, above, step) = (80, 56, 28);
    // Whole weeks, from a Sunday on, the last ones of them.
    let skip = (values.len() as u64).saturating_sub(u64::from(WEEKS - 1) * 7);
    let days = values
        .iter()
        .enumerate()
        .skip(usize::try_from(skip).unwrap_or(0));
    let start = first.checked_add_days(Days::new(skip)).unwrap_or(first);
    let sunday = start
        .checked_sub_days(Days::new(start.weekday().num_days_from_sunday().into()))
        .unwrap_or(start);
    let top = values.iter().copied().fold(0.0, f64::max);
    let small = theme.text().pos(Pos::new(HPos::Left, VPos::Center));
    for (row, name) in [(1, "Mon"), (3, "Wed"), (5, "Fri")] {
        root.draw_text(name, &small, (16, above + row * step + 12))
            .map_err(failed)?;
    }
    for (at, value) in days {
        let Some(day) = first.checked_add_days(Days::new(at as u64)) else {
            continue;
        };
        let Ok(past) = i32::try_from((day - sunday).num_days()) else {
            continue;
        };
        let (x, y) = (left + past / 7 * step, above + past % 7 * step);
        // A month's name stands above the column of its first day.
        if day.day() == 1 {
            root.draw_text(&day.format("%b").to_string(), &small, (x, 36))
                .map_err(failed)?;
        }
        let level = match value / top {
            share if share > 0.75 => 4,
            share if share > 0.5 => 3,
            share if share > 0.25 => 2,
            share if share > 0.0 => 1,
            _ => 0,
        };
        root.draw(&Rectangle::new(
            [(x, y), (x + step - 4, y + step - 4)],
            theme.heat(level).filled(),
        ))
        .map_err(failed)?;
    }
    for level in 0..5_usize {
        let x = left + 4 + i32::try_from(level).unwrap_or(0) * step;
        root.draw(&Rectangle::new(
            [(x + 60, 262), (x + 84, 286)],
            theme.heat(level).filled(),
        ))
        .map_err(failed)?;
    }
    root.draw_text("less", &small, (left, 274))
        .map_err(failed)?;
    root.draw_text("more", &small, (left + 214, 274))
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attributes of the rectangles of one colour.
    fn boxes(svg: &str, colour: RGBColor) -> Vec<(i32, i32)> {
        let fill = format!("fill=\"#{:02X}{:02X}{:02X}\"", colour.0, colour.1, colour.2);
        let number = |line: &str, name: &str| {
            let from = line.find(&format!(" {name}=\"")).expect("an attribute") + name.len() + 3;
            line[from..]
                .split('"')
                .next()
                .expect("a value")
                .parse()
                .expect("a number")
        };
        let lines = svg
            .lines()
            .filter(|line| line.starts_with("<rect") && line.contains(&fill));
        lines
            .map(|line| (number(line, "width"), number(line, "height")))
            .collect()
    }

    #[test]
    fn bars_are_as_high_as_their_values() {
        let parts = vec![
            ("a".to_owned(), vec![1.0, 2.0, 0.0]),
            ("b".to_owned(), vec![3.0, 0.5, 0.0]),
        ];
        let bars = ["2026-01", "2026-02", "2026-03"]
            .map(str::to_owned)
            .to_vec();
        let picture = Picture {
            title: "t".to_owned(),
            unit: Unit::Dollars,
            chart: Chart::Stack {
                bars,
                parts: parts.clone(),
            },
        };
        let svg = picture.svg(Theme::Light).expect("drawn");
        let heights = |colour| {
            boxes(&svg, colour)
                .into_iter()
                .map(|(_, height)| f64::from(height))
                .filter(|h| (*h - 24.0).abs() > 0.1)
        };
        let (a, b): (Vec<_>, Vec<_>) = (heights(PARTS[0]).collect(), heights(PARTS[1]).collect());
        assert_eq!((a.len(), b.len()), (2, 2), "{svg}");
        for (height, value) in [(a[1], 2.0), (b[0], 3.0), (b[1], 0.5)] {
            assert!(
                (height - a[0] * value).abs() <= 3.0,
                "{height} for {value}, {} for 1",
                a[0]
            );
        }
        for label in ["2026-01", "2026-02", "2026-03", "$2.00"] {
            assert!(svg.contains(label), "{label}: {svg}");
        }
    }

    #[test]
    fn more_parts_than_colours_are_one_part() {
        let parts: Vec<_> = (0..20)
            .map(|n| (format!("m{n}"), vec![f64::from(n)]))
            .collect();
        let all = coloured(&parts, 1);
        assert_eq!((all.len(), all[6].0.as_str()), (7, OTHERS));
        assert!((all.iter().map(|(_, values)| values[0]).sum::<f64>() - 190.0).abs() < 1e-9);
    }

    #[test]
    fn ranks_are_as_long_as_their_values_and_names_are_escaped() {
        let items = vec![
            ("<script>&\"'\u{202e}\u{1b}".to_owned(), 4.0),
            ("b".to_owned(), 1.0),
        ];
        let picture = Picture {
            title: "<b>".to_owned(),
            unit: Unit::Tokens,
            chart: Chart::Rank(items),
        };
        let svg = picture.svg(Theme::Dark).expect("drawn");
        let lengths: Vec<_> = boxes(&svg, PARTS[0])
            .into_iter()
            .map(|(width, _)| width)
            .collect();
        assert_eq!(lengths, [1040, 260]);
        assert!(
            !svg.contains("<script")
                && !svg.contains("<b>")
                && !svg.contains('\u{202e}')
                && !svg.contains('\u{1b}'),
            "{svg}"
        );
    }

    #[test]
    fn a_calendar_has_a_square_for_each_day_of_a_year() {
        let first = "2025-01-01".parse().expect("a day");
        let picture = |values| Picture {
            title: "t".to_owned(),
            unit: Unit::Dollars,
            chart: Chart::Calendar { first, values },
        };
        let squares = |svg: &str| {
            svg.lines()
                .filter(|line| line.contains("width=\"24\""))
                .count()
                - 5
        };
        assert_eq!(
            squares(&picture(vec![1.0; 100]).svg(Theme::Light).expect("drawn")),
            100
        );
        assert_eq!(
            squares(&picture(vec![1.0; 5000]).svg(Theme::Light).expect("drawn")),
            52 * 7,
            "the last year of many"
        );
        assert_eq!(
            squares(&picture(vec![]).svg(Theme::Light).expect("drawn")),
            0
        );
    }

    #[test]
    fn values_are_short() {
        let short = [0.5, 9.999, 12.3, 9_999.0, 12_345.0, 1.5e6, 2.4e9]
            .map(|value| Unit::Dollars.short(value));
        assert_eq!(
            short,
            ["$0.50", "$10.00", "$12", "$9999", "$12k", "$1.5M", "$2.4B"]
        );
        assert_eq!(
            [0.0, 950.0, 35e6].map(|value| Unit::Tokens.short(value)),
            ["0", "950", "35M"]
        );
    }
}
