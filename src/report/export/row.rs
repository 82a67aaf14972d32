//! A row while it is exported.

use std::collections::HashMap;

use crate::base::time::Timestamp;
use crate::fleet::Fleet;
use crate::record::Totals;

/// A row, with its names as indexes into [`InternedTexts`].
#[derive(Debug)]
pub(super) struct ExportedRow {
    pub(crate) at: Timestamp,
    pub(crate) machine: usize,
    pub(crate) session: u32,
    pub(crate) project: u32,
    pub(crate) model: u32,
    pub(crate) totals: Totals,
    pub(crate) kind: &'static str,
    pub(crate) provisional: bool,
}

impl ExportedRow {
    /// All that it has beside its machine and its names.
    pub(super) fn figures(&self) -> [u128; 11] {
        let (c, cost) = (self.totals.counters, self.totals.cost);
        [
            u128::from(self.at.millis().cast_unsigned()),
            self.totals.requests.into(),
            c.input.into(),
            c.output.into(),
            c.cache_creation.into(),
            c.cache_read.into(),
            c.cache_1h.into(),
            c.web_search.into(),
            cost.amount.pico(),
            cost.known.into(),
            self.provisional.into(),
        ]
    }
}

/// Interned texts: a fleet has millions of rows and few names.
#[derive(Debug, Default)]
pub(super) struct InternedTexts {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl InternedTexts {
    /// The index of a text, which is added if it is new.
    pub(crate) fn find_or_insert(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        usize::try_from(number)
            .ok()
            .and_then(|index| self.texts.get(index))
            .map_or("", String::as_str)
    }
}

/// Sorted rows with all their names, for the writer of a format.
pub(super) struct ExportData<'a> {
    pub(crate) rows: &'a [ExportedRow],
    pub(crate) names: &'a InternedTexts,
    pub(crate) fleet: &'a Fleet,
    /// Labels of the fleet's machines, by index.
    pub(crate) labels: &'a [String],
}
