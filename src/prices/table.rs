//! The built-in price tables: a small one of Claude's models, and a large one of all others, which
//! is unpacked at the first name that is not in the small one.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::OnceLock;

use super::rates::{Rates, Row, Spans, WHOLE};
use crate::base::money::Money;
use crate::base::time::Day;

/// The small table: comments, then lines as in the large table.
pub(super) const CLAUDE: &str = include_str!("claude.tsv");
/// The large table, made by `tools/prices.py`: a zlib stream of a line with the source, then a line
/// for each model, sorted by name.
const OTHERS: &[u8] = include_bytes!("others.z");

/// Both built-in tables.
#[derive(Debug)]
pub(super) struct Tables {
    claude: BTreeMap<&'static str, Spans>,
    /// The month of the prices, `YYYY-MM`.
    pub(super) as_of: &'static str,
    /// Source of the prices of Claude's models.
    pub(super) source: &'static str,
    /// The text of the large table, once it is unpacked.
    others: OnceLock<String>,
}

const PER_MILLION: u128 = 1_000_000;

/// Picodollars per token from dollars per million tokens.
fn per_token(dollars: &str) -> u128 {
    Money::parse(dollars)
        .expect("a rate of a built-in table is a decimal")
        .pico()
        / PER_MILLION
}

fn permille(factor: &str) -> u128 {
    Money::parse(factor)
        .expect("a factor of a built-in table is a decimal")
        .pico()
        / 1_000_000_000
}

fn start_of(day: &str) -> i64 {
    Day::parse(day)
        .expect("a day of a built-in table is a date")
        .start()
        .millis()
}

/// Reads a row: `input output read write hour` in USD per million tokens, of which the last three
/// may be missing; then `s` (search), `f` (fast) and `u` (US) with a number; then tiers, each `>`,
/// its threshold and its rates.
fn row(text: &str) -> Row {
    let mut numbers: Vec<(u64, Vec<u128>)> = vec![(0, Vec::new())];
    let (mut web_search, mut fast_permille, mut us_permille) = (0, WHOLE, WHOLE);
    for word in text.split(' ') {
        if let Some(above) = word.strip_prefix('>') {
            let above = above
                .parse()
                .expect("a threshold of a built-in table is a number");
            numbers.push((above, Vec::new()));
        } else if let Some(dollars) = word.strip_prefix('s') {
            web_search = Money::parse(dollars).unwrap_or_default().pico();
        } else if let Some(factor) = word.strip_prefix('f') {
            fast_permille = permille(factor);
        } else if let Some(factor) = word.strip_prefix('u') {
            us_permille = permille(factor);
        } else if let Some((_, last)) = numbers.last_mut() {
            last.push(per_token(word));
        }
    }
    let mut all = numbers
        .into_iter()
        .map(|(above, numbers)| (above, rates(&numbers)));
    let (_, first) = all.next().expect("the list began with one");
    Row {
        rates: first,
        tiers: all.collect(),
        fast_permille,
        us_permille,
        web_search,
    }
}

/// Rates from `input output read write hour`. A missing cache rate is that of input; a missing rate
/// of an hour's writes is that of five minutes.
fn rates(numbers: &[u128]) -> Rates {
    let input = numbers.first().copied().unwrap_or_default();
    let write_5m = numbers.get(3).copied().unwrap_or(input);
    Rates {
        input,
        output: numbers.get(1).copied().unwrap_or_default(),
        read: numbers.get(2).copied().unwrap_or(input),
        write_5m,
        write_1h: numbers.get(4).copied().unwrap_or(write_5m),
    }
}

/// The spans of a line, behind the name: today's row, then pairs of a day and the row before it.
fn spans(text: &str) -> Spans {
    let mut parts = text.split('\t');
    let mut out = Spans::always(row(parts.next().unwrap_or_default()));
    while let (Some(day), Some(old)) = (parts.next(), parts.next()) {
        out = out.before(start_of(day.trim_start_matches('<')), &row(old));
    }
    out
}

impl Tables {
    /// The tables of this program.
    ///
    /// # Panics
    /// Never: a test reads both.
    pub(super) fn built_in() -> &'static Self {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        TABLES.get_or_init(|| {
            let comment = |key: &str| {
                CLAUDE.lines().find_map(|line| {
                    line.strip_prefix("# ")?
                        .strip_prefix(key)?
                        .strip_prefix('\t')
                })
            };
            let rows = CLAUDE
                .lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split_once('\t'));
            let claude = rows.map(|(model, row)| (model, spans(row))).collect();
            let named = |key: &str| comment(key).unwrap_or_default();
            Self {
                claude,
                as_of: named("as of"),
                source: named("source"),
                others: OnceLock::new(),
            }
        })
    }

    /// The rows of a name in the small table.
    pub(super) fn claude(&self, name: &str) -> Option<&Spans> {
        self.claude.get(name)
    }

    /// The rows of a name in either table.
    pub(super) fn row(&self, name: &str) -> Option<Spans> {
        self.claude
            .get(name)
            .cloned()
            .or_else(|| find(self.others(), name).map(spans))
    }

    /// Whether either table has a row for the name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.claude.contains_key(name) || find(self.others(), name).is_some()
    }

    /// Source of the large table.
    pub(super) fn others_source(&self) -> &str {
        self.others().split('\n').next().unwrap_or_default()
    }

    /// All names of both tables.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let others = self
            .others()
            .lines()
            .skip(1)
            .filter_map(|line| line.split('\t').next());
        self.claude.keys().copied().chain(others)
    }

    /// The text of the large table.
    pub(super) fn others(&self) -> &str {
        self.others.get_or_init(|| {
            let mut text = String::new();
            flate2::read::ZlibDecoder::new(OTHERS)
                .read_to_string(&mut text)
                .expect("the built-in table is a zlib stream of text");
            text
        })
    }
}

/// The rest of a name's line in a text of sorted lines. A binary search over bytes, so that no
/// index of lines is needed.
fn find<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut low = text.find('\n')? + 1;
    let mut high = text.len();
    while low < high {
        let bytes = text.as_bytes();
        let middle = low + (high - low) / 2;
        let begin = memchr::memrchr(b'\n', &bytes[low..middle]).map_or(low, |at| low + at + 1);
        let end = memchr::memchr(b'\n', &bytes[begin..high]).map_or(high, |at| begin + at);
        let (found, rest) = text[begin..end].split_once('\t')?;
        match found.cmp(name) {
            std::cmp::Ordering::Equal => return Some(rest),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = begin,
        }
    }
    None
}
