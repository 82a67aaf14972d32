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
        .x_labels(bars.len().clamp(2, 12))
        .y_labels(5)
        .x_label_formatter(&|x| bar_label(bars, *x))
        .y_label_formatter(&|value| unit.short(*value))
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

/// The label of the bar at a place of the axis; empty between bars.
fn bar_label(bars: &[String], x: f64) -> String {
    let at = x.round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts from floats saturate, and nothing here is negative"
    )]
    let bar = (at >= 0.0 && (x - at).abs() < 0.01)
        .then(|| bars.get(at as usize))
        .flatten();
    bar.map(|bar| printable(bar, 16)).unwrap_or_default()
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
