//! Records by id, in little memory: 56 bytes each, and a few more for the table that finds them.
//!
//! A [`Record`] is ten times as large, since it can hold whatever a file may say. Nearly all records say little: their counters fit
//! 32 bits, their price is the table's, and their names are among a few. Those are packed; the rest is kept whole beside them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::client::Client;
use super::request::{Body, Level, Origin, Record};
use super::totals::Totals;
use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::join::Join;
use crate::base::json::Extra;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::prices::{Counters, Priced, Prices, prices};

/// Records in one piece of memory. Growing by pieces copies nothing and never holds everything twice.
const PIECE: usize = 4096;

/// What one record says, as far as figures go, borrowed from where it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The record's id.
    pub id: RecordId,
    /// The id was derived.
    pub derived: bool,
    /// Its level of detail.
    pub level: Level,
    /// Its time; below [`Level::Full`] the start of its UTC day.
    pub at: Timestamp,
    /// Its session.
    pub session: &'a SessionId,
    /// Its project.
    pub project: &'a Name,
    /// What made it.
    pub client: &'a Client,
    /// Its model.
    pub model: &'a Name,
    /// What was used.
    pub counters: Counters,
    /// The price by this version's table.
    pub cost: Cost,
    /// What the transcript says that it cost.
    pub recorded: Option<Money>,
    /// The last row of the request was not seen yet.
    pub provisional: bool,
    /// A subagent made it.
    pub sidechain: bool,
    /// It is an increment of Claude Code's account, and no request.
    pub ledger: bool,
    /// It was in Claude Code's fast mode.
    pub fast: bool,
    /// The region that inference was bound to.
    pub geo: Option<&'a Name>,
}

impl<'a> Entry<'a> {
    /// Its price by a table.
    pub fn cost_by(&self, prices: &Prices) -> Cost {
        if self.ledger {
            return prices.cost_of_many(self.model, self.at, &self.counters);
        }
        prices.cost(
            self.model,
            self.at,
            &self.counters,
            self.fast,
            self.geo.map(|geo| &**geo),
        )
    }

    /// What it adds to a total.
    pub fn totals(&self) -> Totals {
        Totals {
            requests: u64::from(!self.ledger),
            counters: self.counters,
            cost: self.cost,
        }
    }

    /// Its UTC day in milliseconds, without the end, or its millisecond.
    pub fn span(&self) -> (i64, i64) {
        let at = self.at.millis();
        let length = if self.level == Level::Full {
            1
        } else {
            24 * 60 * 60 * 1000
        };
        (at, at.saturating_add(length))
    }

    /// The figures of a record.
    pub fn of(record: &'a Record) -> Self {
        Self {
            id: record.id,
            derived: record.derived,
            level: record.origin.level,
            at: record.origin.timestamp,
            session: &record.origin.session,
            project: &record.origin.project,
            client: &record.origin.client,
            model: &record.body.model,
            counters: record.body.counters,
            cost: record.cost(),
            recorded: record.body.recorded_cost,
            provisional: record.body.provisional,
            sidechain: record.body.sidechain,
            ledger: record.ledger.is_some(),
            fast: record.fast,
            geo: record.body.inference_geo.as_ref(),
        }
    }
}

const FAST: u8 = 1;
const PROVISIONAL: u8 = 2;
const SIDECHAIN: u8 = 4;
const DERIVED: u8 = 8;
/// The record is in [`RecordSet::whole`]; of the packed one only the id holds.
const WHOLE: u8 = 16;
const DAILY: u8 = 32;
const BARE: u8 = 64;

/// No word.
const NONE: u8 = u8::MAX;

#[derive(Debug, Clone, Copy)]
struct Packed {
    id: RecordId,
    at: Timestamp,
    session: u32,
    project: u32,
    input: u32,
    output: u32,
    cache_creation: u32,
    cache_read: u32,
    cache_1h: u32,
    index: u32,
    web_search: u16,
    client: u16,
    model: u8,
    tier: u8,
    geo: u8,
    flags: u8,
}

impl Packed {
    fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn level(&self) -> Level {
        match self.flags & (DAILY | BARE) {
            0 => Level::Full,
            DAILY => Level::Daily,
            _ => Level::Bare,
        }
    }

    fn counters(&self) -> Counters {
        Counters {
            input: self.input.into(),
            output: self.output.into(),
            cache_creation: self.cache_creation.into(),
            cache_read: self.cache_read.into(),
            cache_1h: self.cache_1h.into(),
            web_search: self.web_search.into(),
        }
    }
}

/// Names by number.
#[derive(Debug, Clone)]
struct Symbols<T> {
    all: Vec<T>,
    by: HashMap<T, u32, DefaultHashBuilder>,
    last: usize,
}

impl<T> Default for Symbols<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            by: HashMap::default(),
            last: 0,
        }
    }
}

impl<T: Clone + Eq + Hash> Symbols<T> {
    /// The number of a name. Records of one session stand together, so the last one is tried first.
    fn number(&mut self, name: &T) -> Option<u32> {
        if self.all.get(self.last) == Some(name) {
            return u32::try_from(self.last).ok();
        }
        let number = if let Some(number) = self.by.get(name) {
            *number
        } else {
            let number = u32::try_from(self.all.len()).ok()?;
            self.all.push(name.clone());
            self.by.insert(name.clone(), number);
            number
        };
        self.last = number as usize;
        Some(number)
    }
}

/// Models, service tiers and regions by number, with the prices of those that are models. There are few.
#[derive(Debug, Clone, Default)]
struct Words {
    all: Vec<(Name, Priced)>,
}

impl Words {
    fn number(&mut self, word: &Name) -> Option<u8> {
        let at = self
            .all
            .iter()
            .position(|(known, _)| known == word)
            .or_else(|| {
                let new = self.all.len() < usize::from(NONE);
                new.then(|| self.all.push((word.clone(), prices().of(word))))
                    .map(|()| self.all.len() - 1)
            })?;
        u8::try_from(at).ok()
    }

    fn optional(&mut self, word: Option<&Name>) -> Option<u8> {
        word.map_or(Some(NONE), |word| self.number(word))
    }

    fn word(&self, number: u8) -> Option<&Name> {
        self.all.get(usize::from(number)).map(|(word, _)| word)
    }
}

/// Records by id, each joined from all its copies, packed.
#[derive(Debug, Clone, Default)]
pub struct RecordSet {
    pieces: Vec<Vec<Packed>>,
    /// Places by id.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    sessions: Symbols<SessionId>,
    projects: Symbols<Name>,
    clients: Symbols<Client>,
    words: Words,
    whole: HashMap<u32, Record>,
}

fn packed(pieces: &[Vec<Packed>], at: u32) -> &Packed {
    &pieces[at as usize / PIECE][at as usize % PIECE]
}

impl RecordSet {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether there is a record with this id.
    pub fn contains(&self, id: RecordId) -> bool {
        self.find(id).is_some()
    }

    /// The record with this id.
    pub fn get(&self, id: RecordId) -> Option<Record> {
        self.find(id).map(|at| self.record(at))
    }

    fn find(&self, id: RecordId) -> Option<u32> {
        self.table
            .find(self.hasher.hash_one(id), |at| {
                packed(&self.pieces, *at).id == id
            })
            .copied()
    }

    /// Adds a copy of a record.
    ///
    /// # Panics
    /// With more than 2³² records.
    pub fn add(&mut self, record: Record) {
        if let Some(at) = self.find(record.id) {
            let known = self.record(at);
            if known != record {
                self.put(at, known.join(record));
            }
        } else {
            let at = self.place(record.id);
            self.put(at, record);
        }
    }

    /// A new place for a record, whose content is to follow.
    fn place(&mut self, id: RecordId) -> u32 {
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            // A small set stays small.
            let room = if self.pieces.is_empty() { 0 } else { PIECE };
            self.pieces.push(Vec::with_capacity(room));
        }
        let piece = self.pieces.len() - 1;
        let at = u32::try_from(piece * PIECE + self.pieces[piece].len())
            .expect("fewer than 2^32 records");
        self.pieces[piece].push(Packed {
            id,
            at: Timestamp::EPOCH,
            session: 0,
            project: 0,
            input: 0,
            output: 0,
            cache_creation: 0,
            cache_read: 0,
            cache_1h: 0,
            index: 0,
            web_search: 0,
            client: 0,
            model: NONE,
            tier: NONE,
            geo: NONE,
            flags: WHOLE,
        });
        let (pieces, hasher) = (&self.pieces, &self.hasher);
        self.table.insert_unique(hasher.hash_one(id), at, |at| {
            hasher.hash_one(packed(pieces, *at).id)
        });
        at
    }

    fn put(&mut self, at: u32, record: Record) {
        let slot = self.pack(&record);
        let here = &mut self.pieces[at as usize / PIECE][at as usize % PIECE];
        if let Some(slot) = slot {
            *here = slot;
            if !self.whole.is_empty() {
                self.whole.remove(&at);
            }
        } else {
            here.flags = WHOLE;
            self.whole.insert(at, record);
        }
    }

    fn pack(&mut self, record: &Record) -> Option<Packed> {
        let Record {
            id,
            derived,
            origin,
            index,
            fast,
            body,
            twins,
            ledger,
            extra,
        } = record;
        let c = &body.counters;
        let small = |number: u64| u32::try_from(number).ok();
        if body.recorded_cost.is_some()
            || !extra.is_empty()
            || !twins.is_empty()
            || ledger.is_some()
        {
            return None;
        }
        let model = self.words.number(&body.model)?;
        if self.words.all[usize::from(model)].1.cost(
            origin.timestamp,
            c,
            *fast,
            body.inference_geo.as_deref(),
        ) != body.cost
        {
            return None;
        }
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        Some(Packed {
            id: *id,
            at: origin.timestamp,
            session: self.sessions.number(&origin.session)?,
            project: self.projects.number(&origin.project)?,
            input: small(c.input)?,
            output: small(c.output)?,
            cache_creation: small(c.cache_creation)?,
            cache_read: small(c.cache_read)?,
            cache_1h: small(c.cache_1h)?,
            index: small(*index)?,
            web_search: u16::try_from(c.web_search).ok()?,
            client: u16::try_from(self.clients.number(&origin.client)?).ok()?,
            model,
            tier: self.words.optional(body.service_tier.as_ref())?,
            geo: self.words.optional(body.inference_geo.as_ref())?,
            flags: flag(*fast, FAST)
                | flag(body.provisional, PROVISIONAL)
                | flag(body.sidechain, SIDECHAIN)
                | flag(*derived, DERIVED)
                | flag(origin.level == Level::Daily, DAILY)
                | flag(origin.level == Level::Bare, BARE),
        })
    }

    fn price(&self, p: &Packed) -> Cost {
        let priced = &self.words.all[usize::from(p.model)].1;
        priced.cost(
            p.at,
            &p.counters(),
            p.is(FAST),
            self.words.word(p.geo).map(|geo| &**geo),
        )
    }

    fn record(&self, at: u32) -> Record {
        let p = packed(&self.pieces, at);
        if p.is(WHOLE) {
            return self.whole[&at].clone();
        }
        Record {
            id: p.id,
            derived: p.is(DERIVED),
            origin: Origin {
                level: p.level(),
                timestamp: p.at,
                session: self.sessions.all[p.session as usize].clone(),
                project: self.projects.all[p.project as usize].clone(),
                client: self.clients.all[usize::from(p.client)].clone(),
            },
            index: p.index.into(),
            fast: p.is(FAST),
            body: Body {
                model: self.words.all[usize::from(p.model)].0.clone(),
                counters: p.counters(),
                service_tier: self.words.word(p.tier).cloned(),
                inference_geo: self.words.word(p.geo).cloned(),
                provisional: p.is(PROVISIONAL),
                sidechain: p.is(SIDECHAIN),
                cost: self.price(p),
                recorded_cost: None,
            },
            twins: BTreeSet::new(),
            ledger: None,
            extra: Extra::new(),
        }
    }

    fn entry(&self, at: u32) -> Entry<'_> {
        let p = packed(&self.pieces, at);
        if p.is(WHOLE) {
            return Entry::of(&self.whole[&at]);
        }
        Entry {
            id: p.id,
            derived: p.is(DERIVED),
            level: p.level(),
            at: p.at,
            session: &self.sessions.all[p.session as usize],
            project: &self.projects.all[p.project as usize],
            client: &self.clients.all[usize::from(p.client)],
            model: &self.words.all[usize::from(p.model)].0,
            counters: p.counters(),
            cost: self.price(p),
            recorded: None,
            provisional: p.is(PROVISIONAL),
            sidechain: p.is(SIDECHAIN),
            ledger: false,
            fast: p.is(FAST),
            geo: self.words.word(p.geo),
        }
    }

    fn places(&self) -> impl Iterator<Item = u32> + use<> {
        // Every place was counted when it was made.
        0..u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// All records, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = Record> {
        self.places().map(|at| self.record(at))
    }

    /// What all records say, in the order in which they came.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.places().map(|at| self.entry(at))
    }

    /// The increments of Claude Code's accounts.
    pub fn increments(&self) -> impl Iterator<Item = &Record> {
        self.whole.values().filter(|record| record.ledger.is_some())
    }

    /// What the record with this id says.
    pub fn look(&self, id: RecordId) -> Option<Entry<'_>> {
        self.find(id).map(|at| self.entry(at))
    }

    /// Derived ids that records noted as theirs.
    pub fn noted_twins(&self) -> impl Iterator<Item = RecordId> {
        self.whole
            .values()
            .flat_map(|record| record.twins.iter().copied())
    }

    /// All records by (timestamp, id): the order of a day file and of a log.
    pub fn sorted(&self) -> impl Iterator<Item = Record> {
        let mut places: Vec<u32> = self.places().collect();
        let key = |at: u32| match packed(&self.pieces, at) {
            p if p.is(WHOLE) => (self.whole[&at].origin.timestamp, p.id),
            p => (p.at, p.id),
        };
        places.sort_unstable_by_key(|at| key(*at));
        places.into_iter().map(|at| self.record(at))
    }
}

/// Packed rows go over as they are, with their names' numbers translated; only what both hold is joined.
impl Join for RecordSet {
    fn join(self, other: Self) -> Self {
        let (mut all, mut less) = if self.len() < other.len() {
            (other, self)
        } else {
            (self, other)
        };
        let sessions: Vec<_> = less
            .sessions
            .all
            .iter()
            .map(|name| all.sessions.number(name))
            .collect();
        let projects: Vec<_> = less
            .projects
            .all
            .iter()
            .map(|name| all.projects.number(name))
            .collect();
        let clients: Vec<_> = less
            .clients
            .all
            .iter()
            .map(|client| u16::try_from(all.clients.number(client)?).ok())
            .collect();
        let words: Vec<_> = less
            .words
            .all
            .iter()
            .map(|(word, _)| all.words.number(word))
            .collect();
        let word = |number: u8| {
            if number == NONE {
                Some(NONE)
            } else {
                words.get(usize::from(number)).copied().flatten()
            }
        };
        let mut at = 0;
        for piece in 0..less.pieces.len() {
            for offset in 0..less.pieces[piece].len() {
                let p = less.pieces[piece][offset];
                let translated = || {
                    let session = sessions.get(p.session as usize).copied().flatten()?;
                    let project = projects.get(p.project as usize).copied().flatten()?;
                    let client = clients.get(usize::from(p.client)).copied().flatten()?;
                    Some(Packed {
                        session,
                        project,
                        client,
                        model: word(p.model)?,
                        tier: word(p.tier)?,
                        geo: word(p.geo)?,
                        ..p
                    })
                };
                let moved = if p.is(WHOLE) || all.contains(p.id) {
                    None
                } else {
                    translated()
                };
                if let Some(moved) = moved {
                    let place = all.place(p.id);
                    all.pieces[place as usize / PIECE][place as usize % PIECE] = moved;
                } else {
                    all.add(less.record(at));
                }
                at += 1;
            }
            // Each piece is given back as soon as it was taken over. Its records are not asked for again.
            let done = less.pieces[piece].len();
            debug_assert!(done <= PIECE, "pieces are full one after the other");
            if piece + 1 < less.pieces.len() {
                less.pieces[piece] = Vec::new();
            }
        }
        all
    }
}

/// Equal where the same records are in both, in whatever order they came.
impl PartialEq for RecordSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|record| other.get(record.id).as_ref() == Some(&record))
    }
}

impl Eq for RecordSet {}

impl FromIterator<Record> for RecordSet {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        let mut out = Self::default();
        records.into_iter().for_each(|record| out.add(record));
        out
    }
}
