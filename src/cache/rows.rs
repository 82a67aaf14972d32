//! Records as the cache keeps them for reports: what a report asks for, at fixed offsets.
//!
//! A byte shows which of two forms follows. In the plain one a row takes 46 bytes; it has no room
//! for figures that no real request has, nor for the cost that old versions of Claude Code wrote. A
//! file with such takes the wide form.

use std::hash::Hash;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::stored::Sums;
use crate::base::ids::SessionId;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::fleet::view::non_empty;
use crate::fleet::{MachineIndex, Row, RowSource, Rows};
use crate::prices::Counters;
use crate::record::{Client, Entry, Level, RecordSet, Totals};

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
    /// Entrypoint, agent and version of what made requests.
    #[serde(borrow)]
    clients: Vec<[&'a str; 3]>,
}

/// Values on their way into a file, each with its place.
struct Numbered<T> {
    all: Vec<T>,
    places: HashMap<T, u16>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Copy + Eq + Hash> Numbered<T> {
    fn number(&mut self, value: T) -> Option<u16> {
        if let Some(known) = self.places.get(&value) {
            return Some(*known);
        }
        let new = u16::try_from(self.all.len()).ok()?;
        self.all.push(value);
        self.places.insert(value, new);
        Some(new)
    }
}

/// The names of a file while its records are packed.
#[derive(Default)]
struct Gathered<'a> {
    sessions: Numbered<&'a str>,
    projects: Numbered<&'a str>,
    models: Numbered<&'a str>,
    clients: Numbered<[&'a str; 3]>,
}

impl<'a> Gathered<'a> {
    /// The places of a record's names, which are added where they are new. None where there is no
    /// room.
    fn places(&mut self, entry: &Entry<'a>) -> Option<[u16; 4]> {
        let client = entry.client;
        let client = [&*client.entrypoint, &*client.agent, &*client.version];
        Some([
            self.sessions.number(entry.session.as_str())?,
            self.projects.number(&**entry.project)?,
            self.models.number(&**entry.model)?,
            self.clients.number(client)?,
        ])
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Packed {
    at: i64,
    /// Places of session, project, model and client among the names.
    names: [u16; 4],
    sums: Sums,
    /// Picodollars.
    recorded: Option<u128>,
    provisional: bool,
    sidechain: bool,
    /// Only its day is known.
    day: bool,
    /// It is an increment of an account.
    ledger: bool,
    /// It was in fast mode.
    fast: bool,
}

const PLAIN: u8 = 0;
const WIDE: u8 = 1;

/// Bytes of a plain row.
const ROW: usize = 46;

const PROVISIONAL: u8 = 1;
const PRICED: u8 = 2;
const DAY: u8 = 4;
const LEDGER: u8 = 8;
const SIDECHAIN: u8 = 16;
const FAST: u8 = 32;

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
                | flag(self.ledger, LEDGER)
                | flag(self.sidechain, SIDECHAIN)
                | flag(self.fast, FAST),
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
            web_search: row[44].into(),
        };
        let cost = Cost {
            known: row[45] & PRICED != 0,
            amount: Money::from_pico(long(8).into()),
        };
        Self {
            at: long(0).cast_signed(),
            names: [name(36), name(38), name(40), name(42)],
            sums: Totals {
                requests: u64::from(row[45] & LEDGER == 0),
                counters,
                cost,
            }
            .into(),
            recorded: None,
            provisional: row[45] & PROVISIONAL != 0,
            sidechain: row[45] & SIDECHAIN != 0,
            day: row[45] & DAY != 0,
            ledger: row[45] & LEDGER != 0,
            fast: row[45] & FAST != 0,
        }
    }
}

/// Packs records. Empty for a file with more names than any file that is written here: it is read
/// anew for each report.
pub(crate) fn pack(records: &RecordSet) -> Vec<u8> {
    try_pack(records).unwrap_or_default()
}

fn try_pack(records: &RecordSet) -> Option<Vec<u8>> {
    let mut gathered = Gathered::default();
    let mut all = Vec::with_capacity(records.len());
    for entry in records.entries() {
        all.push(Packed {
            at: entry.at.millis(),
            names: gathered.places(&entry)?,
            sums: entry.totals().into(),
            recorded: entry.recorded.map(Money::pico),
            provisional: entry.provisional,
            sidechain: entry.sidechain,
            day: entry.level < Level::Full,
            ledger: entry.ledger,
            fast: entry.fast,
        });
    }
    let names = Names {
        rows: u32::try_from(records.len()).ok()?,
        sessions: gathered.sessions.all,
        projects: gathered.projects.all,
        models: gathered.models.all,
        clients: gathered.clients.all,
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

/// Names of a file, as rows refer to them.
struct Lists<'a> {
    sessions: Vec<SessionId>,
    projects: Vec<&'a str>,
    models: Vec<&'a str>,
    clients: Vec<Client>,
}

impl<'a> Lists<'a> {
    fn of(names: Names<'a>) -> Self {
        let session = |name: &str| SessionId::new(name.into());
        let client = |[entrypoint, agent, version]: &[&str; 3]| Client {
            entrypoint: (*entrypoint).into(),
            agent: (*agent).into(),
            version: (*version).into(),
        };
        Self {
            sessions: names.sessions.iter().map(|name| session(name)).collect(),
            clients: names.clients.iter().map(client).collect(),
            projects: names.projects,
            models: names.models,
        }
    }

    /// A row for a machine; none where it refers to a name that is not there.
    fn row(&self, packed: &Packed, machine: MachineIndex) -> Option<Row<'_>> {
        let [session, project, model, client] = packed.names.map(usize::from);
        let session = non_empty(self.sessions.get(session)?);
        let level = match session {
            _ if !packed.day => Level::Full,
            Some(_) => Level::Daily,
            None => Level::Bare,
        };
        let source = if packed.ledger {
            RowSource::Ledger(level)
        } else {
            RowSource::Record(level)
        };
        Some(Row {
            id: None,
            machine,
            session,
            project: self.projects.get(project)?,
            model: self.models.get(model)?,
            at: Timestamp::from_millis(packed.at)?,
            totals: packed.sums.into(),
            recorded: packed.recorded.map(Money::from_pico),
            source,
            provisional: packed.provisional,
            sidechain: packed.sidechain,
            fast: packed.fast,
            client: Some(self.clients.get(client)?).filter(|_| !packed.ledger),
        })
    }
}

/// Gives packed records to `rows`, as requests that count for a machine. Where the bytes are not
/// what [`pack`] made, none is given.
pub(crate) fn unpack(bytes: &[u8], machine: MachineIndex, rows: Rows) -> Option<()> {
    let (form, rest) = bytes.split_first()?;
    let (names, rest): (Names, &[u8]) = postcard::take_from_bytes(rest).ok()?;
    let count = usize::try_from(names.rows).ok()?;
    let lists = Lists::of(names);
    let row = |packed: &Packed| lists.row(packed, machine);
    let mut wide: Vec<Packed> = Vec::new();
    let (mut plain, mut more): (&[[u8; ROW]], &[u8]) = (&[], &[]);
    match *form {
        WIDE => wide = postcard::from_bytes(rest).ok()?,
        PLAIN => (plain, more) = rest.as_chunks::<ROW>(),
        _ => {}
    }
    let all = || {
        let plain = plain.iter().map(Packed::of_plain);
        plain.chain(wide.iter().copied())
    };
    // Checked before any is given: half a file would be counted twice when it is read anew.
    if !more.is_empty() || all().count() != count || !all().all(|packed| row(&packed).is_some()) {
        return None;
    }
    for packed in all() {
        if let Some(row) = row(&packed) {
            rows(&row);
        }
    }
    Some(())
}
