//! Tables on a terminal: columns, their alignment, and which of them a narrow terminal leaves out.

use std::fmt;

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

/// Narrower terminals get no columns that are [`Column::wide_only`]. Unit: characters.
const WIDE: u16 = 84;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    heading: &'static str,
    alignment: CellAlignment,
    wide_only: bool,
    unbroken: bool,
    is_shown: bool,
}

impl Column {
    /// A column of text.
    pub(crate) const fn text(heading: &'static str) -> Self {
        Self {
            heading,
            alignment: CellAlignment::Left,
            wide_only: false,
            unbroken: false,
            is_shown: true,
        }
    }

    /// A column of numbers, aligned to the right.
    pub(crate) const fn number(heading: &'static str) -> Self {
        Self {
            alignment: CellAlignment::Right,
            ..Self::text(heading)
        }
    }

    /// The column, left out on a narrow terminal.
    pub(crate) const fn wide_only(self) -> Self {
        Self {
            wide_only: true,
            ..self
        }
    }

    /// The column, left out where no row has anything in it.
    pub(crate) const fn only_if(self, is_shown: bool) -> Self {
        Self { is_shown, ..self }
    }

    /// The column, whose cells are never broken into lines.
    pub(crate) const fn unbroken(self) -> Self {
        Self {
            unbroken: true,
            ..self
        }
    }
}

/// A table of `N` columns.
pub(crate) struct TextTable<const N: usize> {
    table: Table,
    columns: [Column; N],
    wide: bool,
}

impl<const N: usize> TextTable<N> {
    /// A table without rows, for a terminal of this width.
    pub(crate) fn new(width: u16, columns: [Column; N]) -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        let mut out = Self {
            table,
            columns,
            wide: width >= WIDE,
        };
        let headings = out.shown(columns.map(|column| column.heading));
        out.table.set_header(headings);
        let shown = out.shown(columns);
        for (to, column) in out.table.column_iter_mut().zip(shown) {
            to.set_cell_alignment(column.alignment);
            if column.unbroken {
                to.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        out
    }

    /// Adds a row. Texts from outside must be escaped already. Words in a column of numbers are
    /// aligned to the left.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        let shown = self.shown(cells).into_iter().map(|text| {
            let is_word = text.chars().next().is_some_and(char::is_alphabetic);
            let cell = Cell::new(text);
            if is_word {
                cell.set_alignment(CellAlignment::Left)
            } else {
                cell
            }
        });
        let shown: Vec<Cell> = shown.collect();
        self.table.add_row(shown);
    }

    /// The cells of the columns that are shown, and that the terminal has room for.
    fn shown<T>(&self, cells: [T; N]) -> Vec<T> {
        cells
            .into_iter()
            .zip(&self.columns)
            .filter(|(_, column)| column.is_shown && (self.wide || !column.wide_only))
            .map(|(cell, _)| cell)
            .collect()
    }
}

impl<const N: usize> fmt::Display for TextTable<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table)
    }
}
