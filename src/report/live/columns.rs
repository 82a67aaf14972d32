//! Texts side by side that fit a width: columns of a list, and pieces of a line. Numbers are never
//! cut; what matters least is left out.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Between columns, and between pieces of a line.
const GAP: usize = 2;

/// A text with its style.
pub(super) type Cell = (String, Style);

/// Dim text.
pub(super) fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// Bold text.
pub(super) fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// The column with the highest rank is left out first; one with 0 never.
    rank: u8,
    /// It is aligned to the right.
    is_number: bool,
    /// It may be cut to this width.
    least: Option<usize>,
}

impl Column {
    /// A column of numbers, or of short words that are not cut.
    pub(super) const fn number(rank: u8) -> Self {
        Self {
            rank,
            is_number: true,
            least: None,
        }
    }

    /// A column of words that are not cut.
    pub(super) const fn word(rank: u8) -> Self {
        Self {
            rank,
            is_number: false,
            least: None,
        }
    }

    /// A column of names, which may be cut to `least` characters.
    pub(super) const fn name(rank: u8, least: usize) -> Self {
        Self {
            rank,
            is_number: false,
            least: Some(least),
        }
    }
}

/// Lines with columns, at most `width` wide.
pub(super) fn list(columns: &[Column], rows: &[Vec<Cell>], width: usize) -> Vec<Line<'static>> {
    let widest = |at: usize| rows.iter().map(|row| row[at].0.width()).max().unwrap_or(0);
    let mut shown: Vec<(usize, usize)> = (0..columns.len())
        .map(|at| (at, widest(at)))
        .filter(|(_, width)| *width > 0)
        .collect();
    let least = |(at, width): &(usize, usize)| {
        let least = columns[*at].least;
        least.map_or(*width, |least| least.min(*width))
    };
    let sum =
        |widths: Vec<usize>| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    while sum(shown.iter().map(least).collect()) > width {
        let rank = shown.iter().map(|(at, _)| columns[*at].rank).max();
        let Some(rank) = rank.filter(|rank| *rank > 0) else {
            break;
        };
        shown.retain(|(at, _)| columns[*at].rank != rank);
    }
    while sum(shown.iter().map(|(_, width)| *width).collect()) > width {
        let widest = shown.iter_mut().filter(|one| one.1 > least(one));
        let Some(widest) = widest.max_by_key(|one| one.1) else {
            break;
        };
        widest.1 -= 1;
    }
    rows.iter().map(|row| line(columns, row, &shown)).collect()
}

fn line(columns: &[Column], row: &[Cell], shown: &[(usize, usize)]) -> Line<'static> {
    let mut spans = Vec::new();
    for (at, width) in shown {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        let (text, style) = &row[*at];
        let text = cut(text, *width);
        let pad = " ".repeat(width.saturating_sub(text.width()));
        let text = Span::styled(text, *style);
        if columns[*at].is_number {
            spans.extend([Span::raw(pad), text]);
        } else {
            spans.extend([text, Span::raw(pad)]);
        }
    }
    Line::from(spans)
}

/// The pieces that fit, the first ones before the others.
pub(super) fn pieces(all: &[Cell], width: usize) -> Line<'static> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (text, style) in all.iter().filter(|(text, _)| !text.is_empty()) {
        let gap = if spans.is_empty() { 0 } else { GAP };
        if used + gap + text.width() > width {
            // What follows matters less, and may be shorter.
            continue;
        }
        used += gap + text.width();
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(text.clone(), *style));
    }
    Line::from(spans)
}

/// A text in lines of whole words.
pub(super) fn wrap(text: &str, style: Style, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let lines = lines.into_iter();
    lines.map(|line| Line::styled(line, style)).collect()
}

/// The beginning of a text, with an ellipsis if it is longer.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used >= width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &Line<'_>) -> String {
        line.to_string()
    }

    #[test]
    fn names_are_cut_numbers_are_left_out() {
        let columns = [Column::name(0, 4), Column::number(2), Column::number(0)];
        let cell = |text: &str| (text.to_owned(), Style::new());
        let rows = [
            vec![cell("a long name"), cell("1,234"), cell("$1.00")],
            vec![cell("short"), cell("5"), cell("$20.00")],
        ];
        let shown = |width| {
            let lines = list(&columns, &rows, width);
            lines.iter().map(plain).collect::<Vec<_>>().join("|")
        };
        assert_eq!(
            shown(40),
            "a long name  1,234   $1.00|short            5  $20.00"
        );
        assert_eq!(shown(20), "a lo…  1,234   $1.00|short      5  $20.00");
        assert_eq!(shown(14), "a lon…   $1.00|short   $20.00");
        assert_eq!(shown(3), "a l…   $1.00|sho…  $20.00");
    }

    #[test]
    fn wide_characters_take_two_cells() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
    }
}
