//! Tables that fit a width: names and lists become shorter, then columns are left out, those of the
//! highest rank first. Dates, ids and figures are never broken into lines.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::look::{Look, UNLIMITED};
use crate::base::text::wrap;

/// Names are not cut below this width. Unit: columns of a terminal.
const SHORT_NAME: usize = 12;
/// A list shows at least so much of its first entry.
const SHORT_LIST: usize = 16;
/// On a terminal a list is not wider, so that figures stay near their names.
const LONG_LIST: usize = 40;
/// Characters of a short id.
const SHORT_ID: usize = 8;
/// The padding and the border of a cell.
const FRAME: usize = 3;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name, broken into lines at spaces if the column is narrower.
    pub(crate) heading: &'static str,
    /// Whether its cells are aligned to the right.
    pub(crate) number: bool,
    /// 0: it is always shown. Others are left out where they do not fit, the highest rank first.
    pub(crate) rank: u8,
}

impl Column {
    /// A column of text.
    pub(crate) const fn text(heading: &'static str, rank: u8) -> Self {
        Self {
            heading,
            number: false,
            rank,
        }
    }

    /// A column of numbers.
    pub(crate) const fn number(heading: &'static str, rank: u8) -> Self {
        Self {
            heading,
            number: true,
            rank,
        }
    }
}

/// A cell. Texts from outside must be escaped already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A date, a figure or a word: shown whole.
    Text(String),
    /// A name: cut if there is no room.
    Name(String),
    /// An id: whole or its first characters.
    Id(String),
    /// As many entries as there is room for, and how many more there are.
    List(Vec<String>),
}

impl Cell {
    /// An empty cell.
    pub(crate) fn empty() -> Self {
        Self::Text(String::new())
    }

    /// The width that it needs at least.
    fn min(&self) -> usize {
        match self {
            Self::Text(text) => text.width(),
            Self::Name(name) => name.width().min(SHORT_NAME),
            Self::Id(id) => id.width().min(SHORT_ID),
            Self::List(all) => first_of(all).width(),
        }
    }

    /// The width that shows all of it.
    fn max(&self) -> usize {
        match self {
            Self::Text(text) | Self::Name(text) | Self::Id(text) => text.width(),
            Self::List(all) => all.join(", ").width(),
        }
    }

    /// Its text in a column of a width.
    fn fit(&self, width: usize) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Name(name) => cut(name, width),
            Self::Id(id) if id.width() > width => id.chars().take(SHORT_ID).collect(),
            Self::Id(id) => id.clone(),
            Self::List(all) => list(all, width),
        }
    }
}

/// A text, cut to a width.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out + "…"
}

/// The shortest form of a list: a part of its first entry, and how many more there are.
fn first_of(all: &[String]) -> String {
    let first = all.first().map(|first| cut(first, SHORT_LIST));
    let more = more(all.len().saturating_sub(1));
    first.unwrap_or_default() + &more
}

fn more(number: usize) -> String {
    if number == 0 {
        String::new()
    } else {
        format!(" +{number}")
    }
}

/// As many entries as fit a width.
fn list(all: &[String], width: usize) -> String {
    (1..=all.len())
        .rev()
        .map(|shown| all[..shown].join(", ") + &more(all.len() - shown))
        .find(|text| text.width() <= width)
        .unwrap_or_else(|| first_of(all))
}

/// A table.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    has_total: bool,
}

/// A table as text.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// Its lines.
    pub(crate) text: String,
    /// The columns that were left out because they did not fit.
    pub(crate) left_out: Vec<&'static str>,
}

impl Drawn {
    /// The table with a line that names what was left out.
    pub(crate) fn with_note(self, look: Look) -> String {
        let Self { text, left_out } = self;
        if left_out.is_empty() {
            return text;
        }
        let names = left_out.join(", ");
        let note = format!("Left out at {} columns: {names}.", look.width);
        text + &wrap(&note, usize::from(look.width))
    }
}

impl Grid {
    /// A table without rows.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            has_total: false,
        }
    }

    /// Adds a row with a cell for each column; missing ones are empty.
    pub(crate) fn row(&mut self, mut cells: Vec<Cell>) {
        cells.resize_with(self.columns.len(), Cell::empty);
        self.rows.push(cells);
    }

    /// Adds the last row, the totals.
    pub(crate) fn total(&mut self, cells: Vec<Cell>) {
        self.row(cells);
        self.has_total = true;
    }

    /// The table in a width.
    pub(crate) fn draw(&self, look: Look) -> Drawn {
        let width = usize::from(look.width);
        let (shown, left_out) = self.choose(width);
        let widths = self.widths(&shown, width);
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Disabled);
        let cell = |text: String, at: usize| {
            let side = if self.columns[at].number {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            };
            comfy_table::Cell::new(text).set_alignment(side)
        };
        let heading =
            |(at, width): (&usize, &usize)| cell(broken(self.columns[*at].heading, *width), *at);
        table.set_header(shown.iter().zip(&widths).map(heading));
        for row in &self.rows {
            let cells = shown.iter().zip(&widths);
            table.add_row(cells.map(|(at, width)| cell(row[*at].fit(*width), *at)));
        }
        let text = format!("{table}\n");
        let text = if look.styled {
            styled(&text, self.has_total)
        } else {
            text
        };
        Drawn { text, left_out }
    }

    /// The columns that fit, and the names of the others.
    fn choose(&self, width: usize) -> (Vec<usize>, Vec<&'static str>) {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut left_out = Vec::new();
        let needs = |shown: &[usize]| {
            let cells: usize = shown.iter().map(|at| self.min(*at) + FRAME).sum();
            cells + 1
        };
        while needs(&shown) > width {
            let least = shown.iter().max_by_key(|at| self.columns[**at].rank);
            let Some(least) = least.copied().filter(|at| self.columns[*at].rank > 0) else {
                break;
            };
            shown.retain(|at| *at != least);
            left_out.push(least);
        }
        left_out.sort_unstable();
        let names = left_out.iter().map(|at| self.columns[*at].heading);
        (shown, names.collect())
    }

    /// The width of each column: at least what it needs, and more from left to right as long as
    /// there is room. Ids come last, and become whole in all rows or none.
    fn widths(&self, shown: &[usize], width: usize) -> Vec<usize> {
        let mut out: Vec<usize> = shown.iter().map(|at| self.min(*at)).collect();
        let used: usize = out.iter().map(|width| width + FRAME).sum();
        let mut room = width.saturating_sub(used + 1);
        let has_id = |at: usize| self.cells(at).any(|cell| matches!(cell, Cell::Id(_)));
        let (ids, others): (Vec<usize>, Vec<usize>) =
            (0..shown.len()).partition(|place| has_id(shown[*place]));
        for place in others {
            let has_list = self
                .cells(shown[place])
                .any(|cell| matches!(cell, Cell::List(_)));
            let most = match self.max(shown[place]) {
                max if has_list && width < usize::from(UNLIMITED) => max.min(LONG_LIST),
                max => max,
            };
            let more = most.saturating_sub(out[place]).min(room);
            out[place] += more;
            room -= more;
        }
        for place in ids {
            let more = self.max(shown[place]).saturating_sub(out[place]);
            if more <= room {
                out[place] += more;
                room -= more;
            }
        }
        out
    }

    fn cells(&self, at: usize) -> impl Iterator<Item = &Cell> {
        self.rows.iter().filter_map(move |row| row.get(at))
    }

    fn min(&self, at: usize) -> usize {
        let words = self.columns[at].heading.split(' ').map(str::width);
        words
            .chain(self.cells(at).map(Cell::min))
            .max()
            .unwrap_or(0)
    }

    fn max(&self, at: usize) -> usize {
        let heading = self.columns[at].heading.width();
        self.cells(at).map(Cell::max).fold(heading, usize::max)
    }
}

/// A heading in lines of at most a width, if its words are not longer.
fn broken(heading: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in heading.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// A table with a dim heading and a bold last row.
fn styled(text: &str, has_total: bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let body = lines.iter().position(|line| line.starts_with('╞'));
    let total = has_total.then(|| lines.len().saturating_sub(2));
    let style = |(at, line): (usize, &&str)| match body {
        Some(body) if at > 0 && at < body => format!("\u{1b}[2m{line}\u{1b}[0m\n"),
        _ if Some(at) == total => format!("\u{1b}[1m{line}\u{1b}[0m\n"),
        _ => format!("{line}\n"),
    };
    lines.iter().enumerate().map(style).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    fn drawn(width: u16) -> Drawn {
        let mut grid = Grid::new(vec![
            Column::text("Session", 0),
            Column::text("Models", 3),
            Column::number("Cache Create", 5),
            Column::number("Cost", 0),
        ]);
        let models = ["opus-4.8", "sonnet-4.5", "haiku-4.5"].map(str::to_owned);
        grid.row(vec![
            Cell::Id("0fae0449-64d3-4788-8622-d3a47d82c14b".to_owned()),
            Cell::List(models.to_vec()),
            Cell::Text("1,234,567".to_owned()),
            Cell::Text("$1.00".to_owned()),
        ]);
        grid.total(vec![Cell::Text("Total".to_owned())]);
        grid.draw(Look {
            width,
            now: Timestamp::EPOCH,
            compact: false,
            styled: false,
            columns: None,
        })
    }

    #[test]
    fn a_table_shortens_lists_then_ids_then_leaves_out_columns() {
        let has = |width, texts: &[&str]| {
            let text = drawn(width).text;
            let fits = text.lines().all(|line| line.width() <= usize::from(width));
            assert!(fits && texts.iter().all(|one| text.contains(one)), "{text}");
        };
        has(
            200,
            &[
                "d3a47d82c14b",
                "opus-4.8, sonnet-4.5, haiku-4.5",
                "Cache Create",
            ],
        );
        has(80, &["0fae0449 ", "opus-4.8, sonnet-4.5, haiku-4.5"]);
        has(60, &["0fae0449 ", "opus-4.8, sonnet-4.5 +1", "1,234,567"]);
        has(50, &["opus-4.8 +2", "┆     Cache ┆", "┆    Create ┆"]);
        assert_eq!(drawn(50).left_out, [""; 0]);
        assert_eq!(drawn(40).left_out, ["Cache Create"]);
        assert_eq!(drawn(25).left_out, ["Models", "Cache Create"]);
    }
}
