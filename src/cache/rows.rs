//! Records as the cache keeps them for reports: what a report asks for, at fixed offsets.
//!
//! A byte says which of two forms follows. In the plain one a row takes 44 bytes; it has no room for figures that no real request has,
//! nor for the cost that old versions of Claude Code wrote. A file with such takes the wide form.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::stored::Sums;
use crate::base::ids::SessionId;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::fleet::view::non_empty;
use crate::fleet::{Row, RowSource, Rows};
use crate::prices::Counters;
use crate::record::{Level, RecordSet, Totals};

/// The names in a file, each once.
#[derive(Serialize, Deserialize)]
struct Names<'a> {
    rows: u32,
    #[serde(borrow)]
    sessions: Vec<&'a str>,
    #[serde(borrow)]
    projects: Vec<&'a str>,
    #[serde(borrow)]
    models: Vec<&'a str>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Packed {
    at: i64,
    /// Places of session, project and model among the names.
    names: [u16; 3],
    sums: Sums,
    /// Picodollars.
    recorded: Option<u128>,
    provisional: bool,
    /// Only its day is known.
    day: bool,
    /// It is an increment of an account.
    ledger: bool,
}

const PLAIN: u8 = 0;
const WIDE: u8 = 1;

/// Bytes of a plain row.
const ROW: usize = 44;

const PROVISIONAL: u8 = 1;
const PRICED: u8 = 2;
const DAY: u8 = 4;
const LEDGER: u8 = 8;

impl Packed {
    fn plain(&self) -> Option<[u8; ROW]> {
        let Totals {
            counters: c, cost, ..
        } = self.sums.into();
        if self.recorded.is_some() {
            return None;
        }
        let small = |number: u64| u32::try_from(number).ok();
        let mut out = [0; ROW];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&self.at.to_le_bytes());
        put(&u64::try_from(cost.amount.pico()).ok()?.to_le_bytes());
        for number in [
            c.input,
            c.output,
            c.cache_creation,
            c.cache_read,
            c.cache_1h,
        ] {
            put(&small(number)?.to_le_bytes());
        }
        self.names.iter().for_each(|name| put(&name.to_le_bytes()));
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        put(&[
            u8::try_from(c.web_search).ok()?,
            flag(self.provisional, PROVISIONAL)
                | flag(cost.known, PRICED)
                | flag(self.day, DAY)
                | flag(self.ledger, LEDGER),
        ]);
        Some(out)
    }

    fn of_plain(row: &[u8; ROW]) -> Self {
        let word = |at: usize| {
            u64::from(u32::from_le_bytes([
                row[at],
                row[at + 1],
                row[at + 2],
                row[at + 3],
            ]))
        };
        let long = |at: usize| word(at) | word(at + 4) << 32;
        let name = |at: usize| u16::from_le_bytes([row[at], row[at + 1]]);
        let counters = Counters {
            input: word(16),
            output: word(20),
            cache_creation: word(24),
            cache_read: word(28),
            cache_1h: word(32),
            web_search: row[42].into(),
        };
        let cost = Cost {
            known: row[43] & PRICED != 0,
            amount: Money::from_pico(long(8).into()),
        };
        Self {
            at: long(0).cast_signed(),
            names: [name(36), name(38), name(40)],
            sums: Totals {
                requests: u64::from(row[43] & LEDGER == 0),
                counters,
                cost,
            }
            .into(),
            recorded: None,
            provisional: row[43] & PROVISIONAL != 0,
            day: row[43] & DAY != 0,
            ledger: row[43] & LEDGER != 0,
        }
    }
}

/// Names on their way into a file, each with its place.
#[derive(Default)]
struct Numbered<'a> {
    names: Vec<&'a str>,
    places: HashMap<&'a str, u16>,
}

impl<'a> Numbered<'a> {
    fn number(&mut self, name: &'a str) -> Option<u16> {
        if let Some(known) = self.places.get(name) {
            return Some(*known);
        }
        let new = u16::try_from(self.names.len()).ok()?;
        self.names.push(name);
        self.places.insert(name, new);
        Some(new)
    }
}

/// Packs records. Empty for a file with more names than any file that is written here: it is read anew for each report.
pub fn pack(records: &RecordSet) -> Vec<u8> {
    try_pack(records).unwrap_or_default()
}

fn try_pack(records: &RecordSet) -> Option<Vec<u8>> {
    let (mut sessions, mut projects, mut models) = (
        Numbered::default(),
        Numbered::default(),
        Numbered::default(),
    );
    let mut all = Vec::with_capacity(records.len());
    for entry in records.entries() {
        let places = [
            sessions.number(entry.session.as_str())?,
            projects.number(entry.project)?,
            models.number(entry.model)?,
        ];
        let sums = entry.totals().into();
        let recorded = entry.recorded.map(Money::pico);
        all.push(Packed {
            at: entry.at.millis(),
            names: places,
            sums,
            recorded,
            provisional: entry.provisional,
            day: entry.level < Level::Full,
            ledger: entry.ledger,
        });
    }
    let rows = u32::try_from(records.len()).ok()?;
    let names = Names {
        rows,
        sessions: sessions.names,
        projects: projects.names,
        models: models.names,
    };
    let plain: Option<Vec<_>> = all.iter().map(Packed::plain).collect();
    let mut out = vec![if plain.is_some() { PLAIN } else { WIDE }];
    out.extend(postcard::to_allocvec(&names).ok()?);
    match plain {
        Some(rows) => rows.iter().for_each(|row| out.extend(row)),
        None => out.extend(postcard::to_allocvec(&all).ok()?),
    }
    Some(out)
}

/// Gives packed records to `rows`, as requests that count for a machine. Where the bytes are not what [`pack`] made, none is given.
pub fn unpack(bytes: &[u8], machine: usize, rows: Rows) -> Option<()> {
    let (form, rest) = bytes.split_first()?;
    let (names, rest): (Names, &[u8]) = postcard::take_from_bytes(rest).ok()?;
    let sessions: Vec<SessionId> = names
        .sessions
        .iter()
        .map(|name| SessionId::new((*name).into()))
        .collect();
    let row = |packed: &Packed| -> Option<Row<'_>> {
        let [session, project, model] = packed.names.map(usize::from);
        let session = non_empty(sessions.get(session)?);
        let level = match session {
            _ if !packed.day => Level::Full,
            Some(_) => Level::Daily,
            None => Level::Bare,
        };
        Some(Row {
            id: None,
            machine,
            session,
            project: names.projects.get(project)?,
            model: names.models.get(model)?,
            at: Timestamp::from_millis(packed.at)?,
            totals: packed.sums.into(),
            recorded: packed.recorded.map(Money::from_pico),
            source: if packed.ledger {
                RowSource::Ledger(level)
            } else {
                RowSource::Record(level)
            },
            provisional: packed.provisional,
        })
    };
    let wide: Vec<Packed> = if *form == WIDE {
        postcard::from_bytes(rest).ok()?
    } else {
        Vec::new()
    };
    let (plain, more) = if *form == PLAIN {
        rest.as_chunks::<ROW>()
    } else {
        (&[][..], &[][..])
    };
    let all = || {
        plain
            .iter()
            .map(Packed::of_plain)
            .chain(wide.iter().copied())
    };
    // Looked at once before any is given: half a file would be counted twice when it is read anew.
    if !more.is_empty()
        || all().count() != usize::try_from(names.rows).ok()?
        || !all().all(|packed| row(&packed).is_some())
    {
        return None;
    }
    all()
        .filter_map(|packed| row(&packed))
        .for_each(|row| rows(&row));
    Some(())
}
