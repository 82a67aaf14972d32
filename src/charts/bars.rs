//! Drawing charts of bars.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::{Area, ChartError, Unit, WIDTH, failed};
use super::theme::{PARTS, TEXT, Theme};
use crate::base::text::printable;

/// The name of all parts without a color of their own.
pub(super) const OTHERS: &str = "others";

/// The parts that have a color, and the rest as one.
pub(super) fn colored(parts: &[(String, Vec<f64>)], bars: usize) -> Vec<(String, Vec<f64>)> {
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

/// Draws bars side by side, each a stack of parts.
pub(super) fn stack(
    root: &Area,
    theme: Theme,
    unit: Unit,
    bars: &[String],
    parts: &[(String, Vec<f64>)],
) -> Result<(), ChartError> {
    let parts = colored(parts, bars.len());
    let sums = (0..bars.len()).map(|bar| parts.iter().map(|(_, values)| values[bar]).sum::<f64>());
    let top = sums.fold(0.0, f64::max);
    let top = if top > 0.0 { top * 1.05 } else { 1.0 };
    let right = bars.len().max(1) as f64 - 0.5;
    let mut chart = ChartBuilder::on(root)
        .margin(16)
        .margin_top(72)
        .x_label_area_size(48)
        .y_label_area_size(104)
        .build_cartesian_2d(-0.5..right, 0.0..top)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(5)
        .y_label_formatter(&|value| unit.tick(*value, top))
        .axis_style(theme.grid())
        .bold_line_style(theme.grid())
        .light_line_style(TRANSPARENT)
        .label_style(theme.text())
        .draw()
        .map_err(failed)?;
    for (boxes, color) in boxes(&parts, bars.len()).into_iter().zip(PARTS) {
        let boxes = boxes.into_iter();
        let boxes = boxes.map(|corners| Rectangle::new(corners, color.filled()));
        chart.draw_series(boxes).map_err(failed)?;
    }
    for (bar, name) in named(bars) {
        let (x, y) = chart.backend_coord(&(bar as f64, 0.0));
        draw_name(root, theme, name, (x, y))?;
    }
    legend(root, theme, &parts)
}

/// The opposite corners of a box in the coordinates of the chart.
type Corners = [(f64, f64); 2];

/// The boxes of each part: those of a bar one above the other, without empty ones.
fn boxes(parts: &[(String, Vec<f64>)], bars: usize) -> Vec<Vec<Corners>> {
    let mut tops = vec![0.0; bars];
    let mut of_part = |values: &[f64]| {
        let mut out = Vec::new();
        for (bar, (value, top)) in values.iter().zip(&mut tops).enumerate() {
            if *value > 0.0 {
                let (middle, from) = (bar as f64, *top);
                *top += value;
                out.push([(middle - 0.4, from), (middle + 0.4, *top)]);
            }
        }
        out
    };
    parts.iter().map(|(_, values)| of_part(values)).collect()
}

/// The width of a name in pixels: a letter is about two thirds as wide as it is high.
fn width(name: &str) -> usize {
    name.chars().count() * usize::try_from(TEXT).unwrap_or(0) * 2 / 3
}

/// The bars with a name below them: the last one, and others at equal distances as far as there is
/// room.
fn named(bars: &[String]) -> impl Iterator<Item = (usize, &str)> {
    let widest = bars.iter().map(|name| width(name)).max().unwrap_or(0);
    let room = usize::try_from(WIDTH).unwrap_or(0) - 120;
    let step = ((widest + 8) * bars.len()).div_ceil(room).max(1);
    let names = bars.iter().map(String::as_str).enumerate();
    names.rev().step_by(step)
}

/// Draws a name below a place of the axis, within the picture.
fn draw_name(root: &Area, theme: Theme, name: &str, at: (i32, i32)) -> Result<(), ChartError> {
    let name = printable(name, 16);
    let half = i32::try_from(width(&name) / 2).unwrap_or(0);
    let x = at.0.min(i32::try_from(WIDTH).unwrap_or(0) - half);
    let style = theme.text().pos(Pos::new(HPos::Center, VPos::Top));
    root.draw_text(&name, &style, (x, at.1 + 12))
        .map_err(failed)
}

/// The colors of the parts, in one row above the bars.
fn legend(root: &Area, theme: Theme, parts: &[(String, Vec<f64>)]) -> Result<(), ChartError> {
    let wide =
        (i32::try_from(WIDTH).unwrap_or(0) - 120) / i32::try_from(parts.len().max(1)).unwrap_or(1);
    let wide = wide.min(320);
    // A letter takes about half its height.
    let letters = usize::try_from((wide - 50) * 2 / TEXT).unwrap_or(4);
    for (at, ((name, _), color)) in (0..).zip(parts.iter().zip(PARTS)) {
        let x = 120 + at * wide;
        root.draw(&Rectangle::new([(x, 24), (x + 24, 48)], color.filled()))
            .map_err(failed)?;
        let style = theme.text().pos(Pos::new(HPos::Left, VPos::Center));
        root.draw_text(&printable(name, letters), &style, (x + 34, 36))
            .map_err(failed)?;
    }
    Ok(())
}

/// Draws a bar for each name.
pub(super) fn rank(
    root: &Area,
    theme: Theme,
    unit: Unit,
    items: &[(String, f64)],
) -> Result<(), ChartError> {
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
        root.draw_text(&printable(name, 32), &right, (from - 12, y + 18))
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
