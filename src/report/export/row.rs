//! A row while it is exported.

use std::collections::HashMap;

use crate::base::time::Timestamp;
use crate::fleet::Fleet;
use crate::record::Totals;

/// A row, with its names as indexes into [`InternedTexts`].
#[derive(Debug)]
pub(super) struct ExportedRow {
    pub at: Timestamp,
    pub machine: usize,
    pub session: u32,
    pub project: u32,
    pub model: u32,
    pub totals: Totals,
    pub kind: &'static str,
    pub provisional: bool,
}

/// Interned texts: a fleet has millions of rows and few names.
#[derive(Debug, Default)]
pub(super) struct InternedTexts {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl InternedTexts {
    /// The index of a text, which is added if it is new.
    pub fn find_or_insert(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    pub fn text(&self, number: u32) -> &str {
        usize::try_from(number)
            .ok()
            .and_then(|index| self.texts.get(index))
            .map_or("", String::as_str)
    }
}

/// Sorted rows with all their names, for the writer of a format.
pub(super) struct ExportData<'a> {
    pub rows: &'a [ExportedRow],
    pub names: &'a InternedTexts,
    pub fleet: &'a Fleet,
    /// Labels of the fleet's machines, by index.
    pub labels: &'a [String],
}
