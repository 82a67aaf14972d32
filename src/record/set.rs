//! Records by id, in little memory: 56 bytes each, and a few more for the table that finds them.
//!
//! A [`Record`] is ten times as large, since it can hold all that a file may state. Nearly all
//! records state little: their counters fit 32 bits, their price is the table's, and their names
//! are few. Those are packed; the rest is kept whole beside them.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::client::Client;
use super::entry::Entry;
use super::packed::{
    DERIVED, FAST, NONE, PROVISIONAL, Packed, SIDECHAIN, Symbols, WHOLE, Words, flags,
};
use super::request::{Body, Origin, Record};
use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::join::Join;
use crate::base::json::Extra;
use crate::base::money::Cost;

/// Records in one piece of memory. Growing by pieces copies nothing and never holds everything
/// twice.
const PIECE: usize = 4096;

/// Records by id, each joined from all its copies, packed.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordSet {
    pieces: Vec<Vec<Packed>>,
    /// Places by id.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    pub(super) sessions: Symbols<SessionId>,
    pub(super) projects: Symbols<Name>,
    pub(super) clients: Symbols<Client>,
    pub(super) words: Words,
    whole: HashMap<u32, Record>,
}

fn packed(pieces: &[Vec<Packed>], at: u32) -> &Packed {
    &pieces[at as usize / PIECE][at as usize % PIECE]
}

impl RecordSet {
    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether there is a record with this id.
    pub(crate) fn contains(&self, id: RecordId) -> bool {
        self.find(id).is_some()
    }

    /// The record with this id.
    pub(crate) fn get(&self, id: RecordId) -> Option<Record> {
        self.find(id).map(|at| self.record(at))
    }

    pub(super) fn find(&self, id: RecordId) -> Option<u32> {
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
    pub(crate) fn add(&mut self, record: Record) {
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
    pub(super) fn place(&mut self, id: RecordId) -> u32 {
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            // A small set stays small.
            let room = if self.pieces.is_empty() { 0 } else { PIECE };
            self.pieces.push(Vec::with_capacity(room));
        }
        let piece = self.pieces.len() - 1;
        let at = u32::try_from(piece * PIECE + self.pieces[piece].len())
            .expect("fewer than 2^32 records");
        self.pieces[piece].push(Packed::whole(id));
        let (pieces, hasher) = (&self.pieces, &self.hasher);
        self.table.insert_unique(hasher.hash_one(id), at, |at| {
            hasher.hash_one(packed(pieces, *at).id)
        });
        at
    }

    /// The packed record at a place.
    pub(super) fn slot(&mut self, at: u32) -> &mut Packed {
        &mut self.pieces[at as usize / PIECE][at as usize % PIECE]
    }

    fn put(&mut self, at: u32, record: Record) {
        let slot = self.pack(&record);
        if let Some(slot) = slot {
            *self.slot(at) = slot;
            if !self.whole.is_empty() {
                self.whole.remove(&at);
            }
        } else {
            self.slot(at).flags = WHOLE;
            self.whole.insert(at, record);
        }
    }

    /// The record, packed; none where it has more than fits.
    fn pack(&mut self, record: &Record) -> Option<Packed> {
        let (origin, body) = (&record.origin, &record.body);
        let c = &body.counters;
        let small = |number: u64| u32::try_from(number).ok();
        let listed = body.recorded_cost.is_none() && record.ledger.is_none();
        if !listed || !record.extra.is_empty() || !record.twins.is_empty() {
            return None;
        }
        let model = self.words.number(&body.model)?;
        let priced = &self.words.all[usize::from(model)].1;
        let geo = body.inference_geo.as_deref();
        if priced.cost(origin.timestamp, c, record.fast, geo) != body.cost {
            return None;
        }
        Some(Packed {
            id: record.id,
            at: origin.timestamp,
            session: self.sessions.number(&origin.session)?,
            project: self.projects.number(&origin.project)?,
            input: small(c.input)?,
            output: small(c.output)?,
            cache_creation: small(c.cache_creation)?,
            cache_read: small(c.cache_read)?,
            cache_1h: small(c.cache_1h)?,
            index: small(record.index)?,
            web_search: u16::try_from(c.web_search).ok()?,
            client: u16::try_from(self.clients.number(&origin.client)?).ok()?,
            model,
            tier: self.words.optional(body.service_tier.as_ref())?,
            geo: self.words.optional(body.inference_geo.as_ref())?,
            flags: flags(record),
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
    pub(crate) fn iter(&self) -> impl Iterator<Item = Record> {
        self.places().map(|at| self.record(at))
    }

    /// The figures of all records, in the order in which they came.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.places().map(|at| self.entry(at))
    }

    /// The increments of Claude Code's accounts.
    pub(crate) fn increments(&self) -> impl Iterator<Item = &Record> {
        self.whole.values().filter(|record| record.ledger.is_some())
    }

    /// The figures of the record with this id.
    pub(crate) fn look(&self, id: RecordId) -> Option<Entry<'_>> {
        self.find(id).map(|at| self.entry(at))
    }

    /// Derived ids that records noted as theirs.
    pub(crate) fn noted_twins(&self) -> impl Iterator<Item = RecordId> {
        self.whole
            .values()
            .flat_map(|record| record.twins.iter().copied())
    }

    /// All records by (timestamp, id): the order of a day file and of a log.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = Record> {
        let mut places: Vec<u32> = self.places().collect();
        let key = |at: u32| match packed(&self.pieces, at) {
            p if p.is(WHOLE) => (self.whole[&at].origin.timestamp, p.id),
            p => (p.at, p.id),
        };
        places.sort_unstable_by_key(|at| key(*at));
        places.into_iter().map(|at| self.record(at))
    }
}

/// Packed rows go over as they are, with their names' numbers translated; only what both hold is
/// joined.
impl Join for RecordSet {
    fn join(self, other: Self) -> Self {
        let (mut all, mut less) = if self.len() < other.len() {
            (other, self)
        } else {
            (self, other)
        };
        let numbers = Numbers::of(&mut all, &less);
        let mut at = 0;
        for piece in 0..less.pieces.len() {
            for offset in 0..less.pieces[piece].len() {
                let p = less.pieces[piece][offset];
                let new = !p.is(WHOLE) && !all.contains(p.id);
                if let Some(moved) = new.then(|| numbers.translate(p)).flatten() {
                    let place = all.place(p.id);
                    all.pieces[place as usize / PIECE][place as usize % PIECE] = moved;
                } else {
                    all.add(less.record(at));
                }
                at += 1;
            }
            // Each piece is given back as soon as it was taken over. Its records are not asked for
            // again.
            let done = less.pieces[piece].len();
            debug_assert!(done <= PIECE, "pieces are full one after the other");
            if piece + 1 < less.pieces.len() {
                less.pieces[piece] = Vec::new();
            }
        }
        all
    }
}

/// For each name of one set its number in another; none where that has no room for it.
struct Numbers {
    sessions: Vec<Option<u32>>,
    projects: Vec<Option<u32>>,
    clients: Vec<Option<u16>>,
    words: Vec<Option<u8>>,
}

impl Numbers {
    fn of(all: &mut RecordSet, less: &RecordSet) -> Self {
        let client = |number: Option<u32>| number.and_then(|number| u16::try_from(number).ok());
        let (sessions, projects) = (less.sessions.all.iter(), less.projects.all.iter());
        let (clients, words) = (less.clients.all.iter(), less.words.all.iter());
        Self {
            sessions: sessions.map(|name| all.sessions.number(name)).collect(),
            projects: projects.map(|name| all.projects.number(name)).collect(),
            clients: clients
                .map(|name| client(all.clients.number(name)))
                .collect(),
            words: words.map(|(word, _)| all.words.number(word)).collect(),
        }
    }

    fn translate(&self, p: Packed) -> Option<Packed> {
        let word = |number: u8| {
            if number == NONE {
                return Some(NONE);
            }
            self.words.get(usize::from(number)).copied().flatten()
        };
        Some(Packed {
            session: self.sessions.get(p.session as usize).copied().flatten()?,
            project: self.projects.get(p.project as usize).copied().flatten()?,
            client: self.clients.get(usize::from(p.client)).copied().flatten()?,
            model: word(p.model)?,
            tier: word(p.tier)?,
            geo: word(p.geo)?,
            ..p
        })
    }
}

/// Equal where the same records are in both, in any order.
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
