//! A chart with its title, as an SVG document or as a table.

use plotters::prelude::*;

use super::chart::{Chart, ChartError, Unit, WIDTH, failed};
use super::theme::Theme;
use super::{bars, calendar};
use crate::base::encode::xml;
use crate::base::text::printable;

/// A chart with its title.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    /// The heading, also for screen readers.
    pub(crate) title: String,
    /// The unit of its values.
    pub(crate) unit: Unit,
    /// The chart.
    pub(crate) chart: Chart,
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
    pub(crate) fn svg(&self, theme: Theme) -> Result<String, ChartError> {
        let mut out = String::new();
        let root = SVGBackend::with_string(&mut out, (WIDTH, self.height())).into_drawing_area();
        root.fill(&theme.ground()).map_err(failed)?;
        match &self.chart {
            Chart::Stack { bars, parts } => bars::stack(&root, theme, self.unit, bars, parts)?,
            Chart::Rank(items) => bars::rank(&root, theme, self.unit, items)?,
            Chart::Calendar { first, values } => calendar::calendar(&root, theme, *first, values)?,
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
}

/// Text for XML and HTML, also inside an attribute. Control characters, and those that change the
/// direction of text, are removed.
pub(crate) fn escaped(text: &str) -> String {
    xml(&printable(text, 200)).replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::super::bars::{OTHERS, colored};
    use super::super::theme::PARTS;
    use super::*;

    /// The attributes of the rectangles of one color.
    fn boxes(svg: &str, color: RGBColor) -> Vec<(i32, i32)> {
        let fill = format!("fill=\"#{:02X}{:02X}{:02X}\"", color.0, color.1, color.2);
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
        let heights = |color| {
            boxes(&svg, color)
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
    fn the_last_bar_has_a_name_that_is_not_cut() {
        let bars: Vec<String> = (0..30).map(|n| format!("2026-03-{:02}", n + 1)).collect();
        let picture = Picture {
            title: "t".to_owned(),
            unit: Unit::Dollars,
            chart: Chart::Stack {
                parts: vec![("a".to_owned(), vec![1.0; bars.len()])],
                bars,
            },
        };
        let svg = picture.svg(Theme::Light).expect("drawn");
        assert_eq!(svg.matches("2026-03-").count(), 8, "{svg}");
        let last = svg.lines().position(|line| line.contains("2026-03-30"));
        let place = svg
            .lines()
            .nth(last.expect("a name") - 1)
            .expect("its place");
        let x = place
            .split("x=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let x: u32 = x.and_then(|text| text.parse().ok()).expect("a number");
        assert!((1400..=1530).contains(&x), "{place}");
    }

    #[test]
    fn more_parts_than_colors_are_one_part() {
        let parts: Vec<_> = (0..20)
            .map(|n| (format!("m{n}"), vec![f64::from(n)]))
            .collect();
        let all = colored(&parts, 1);
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
            ["$0.50", "$10.00", "$12", "$9,999", "$12k", "$1.5M", "$2.4B"]
        );
        let axis = |top| [0.0, 5.0, 15.0].map(|value| Unit::Dollars.tick(value, top));
        assert_eq!(axis(20.0), ["$0", "$5", "$15"]);
        assert_eq!(Unit::Dollars.tick(5.0, 6.0), "$5.00");
        assert_eq!(
            [0.0, 950.0, 35e6].map(|value| Unit::Tokens.short(value)),
            ["0", "950", "35M"]
        );
    }
}
