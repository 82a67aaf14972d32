//! What a run of the benchmarks says: rows with what they must be, tables and charts.

use std::path::Path;

use plotters::prelude::*;

/// The page in the making. Everything is printed as it comes.
#[derive(Default)]
pub struct Page {
    rows: Vec<String>,
    body: String,
    memory: Vec<String>,
    missed: bool,
}

impl Page {
    /// Says whether a row is what it must be.
    pub fn row(&mut self, number: &str, what: &str, must: &str, figure: &str, ok: bool) {
        let line = format!(
            "| {number} | {what} | {must} | {figure} | {} |",
            if ok { "ok" } else { "**missed**" }
        );
        println!("{line}");
        self.missed |= !ok;
        self.rows.push(line);
    }

    /// Takes note of a command's peak memory, for row 9.
    pub fn memory(&mut self, command: &str, peak: u64, requests: u64) {
        let most = (48 << 20) + 64 * requests;
        let ok = if peak <= most { "ok" } else { "**missed**" };
        let (peak, most) = (super::timed::mebibytes(peak), super::timed::mebibytes(most));
        let line = format!("| {command} | {requests} | {peak:.1} | {most:.1} | {ok} |");
        println!("{line}");
        self.missed |= ok != "ok";
        self.memory.push(line);
    }

    /// Adds a section.
    pub fn section(&mut self, title: &str, text: &str) {
        println!("\n{title}\n\n{text}");
        self.body.push_str(&format!("\n## {title}\n\n{text}"));
    }

    /// Writes the page.
    pub fn write(&self, root: &Path, head: &str) {
        let rows = self.rows.join("\n");
        let memory = self.memory.join("\n");
        let text = format!(
            "# Benchmarks\n\n{head}\n## What must hold\n\n| | work | must be | measured | |\n|---|---|---|---|---|\n{rows}\n\nPeak memory, at most 48 MiB and 64 bytes a request (row 9):\n\n| command | requests | peak MiB | at most MiB | |\n|---|---|---|---|---|\n{memory}\n{}{}",
            self.body,
            include_str!("../missed.md")
        );
        std::fs::write(root.join("BENCHMARKS.md"), text).expect("written");
    }

    /// Whether a row was missed.
    pub fn missed(&self) -> bool {
        self.missed
    }
}

/// A line of a chart: its name and its points.
pub type Line = (String, Vec<(f64, f64)>);

/// Draws lines over logarithmic axes, on a light ground that reads in light and dark surroundings.
pub fn chart(path: &Path, title: &str, [x, y]: [&str; 2], lines: &[Line]) {
    let points = || lines.iter().flat_map(|(_, points)| points.iter().copied());
    let span = |pick: fn((f64, f64)) -> f64| {
        let all = || points().map(pick);
        (all().fold(f64::INFINITY, f64::min) * 0.7)..(all().fold(0.0, f64::max) * 1.5)
    };
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let area = SVGBackend::new(path, (760, 420)).into_drawing_area();
    area.fill(&RGBColor(252, 252, 250)).expect("draws");
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(span(|p| p.0).log_scale(), span(|p| p.1).log_scale())
        .expect("axes");
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .light_line_style(RGBColor(232, 232, 228))
        .draw()
        .expect("draws");
    let colours = [
        RGBColor(0, 90, 181),
        RGBColor(220, 50, 32),
        RGBColor(0, 128, 96),
        RGBColor(148, 103, 189),
        RGBColor(120, 120, 120),
    ];
    for ((name, points), colour) in lines.iter().zip(colours) {
        let line = chart
            .draw_series(
                LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3),
            )
            .expect("draws");
        line.label(name.as_str()).legend(move |(x, y)| {
            PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2))
        });
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()
        .expect("draws");
    area.present().expect("written");
}
