//! A record in little memory, and the names that it refers to by number.

use std::collections::HashMap;
use std::hash::Hash;

use hashbrown::DefaultHashBuilder;

use super::request::{Level, Record};
use crate::base::ids::{Name, RecordId};
use crate::base::time::Timestamp;
use crate::prices::{Counters, Priced, prices};

pub(super) const FAST: u8 = 1;
pub(super) const PROVISIONAL: u8 = 2;
pub(super) const SIDECHAIN: u8 = 4;
pub(super) const DERIVED: u8 = 8;
/// The record is in `RecordSet::whole`; of the packed one only the id holds.
pub(super) const WHOLE: u8 = 16;
pub(super) const DAILY: u8 = 32;
pub(super) const BARE: u8 = 64;

/// No word.
pub(super) const NONE: u8 = u8::MAX;

/// A record in 56 bytes. Names are numbers of [`Symbols`] and [`Words`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    pub(super) id: RecordId,
    pub(super) at: Timestamp,
    pub(super) session: u32,
    pub(super) project: u32,
    pub(super) input: u32,
    pub(super) output: u32,
    pub(super) cache_creation: u32,
    pub(super) cache_read: u32,
    pub(super) cache_1h: u32,
    pub(super) index: u32,
    pub(super) web_search: u16,
    pub(super) client: u16,
    pub(super) model: u8,
    pub(super) tier: u8,
    pub(super) geo: u8,
    pub(super) flags: u8,
}

impl Packed {
    /// What stands for a record that is kept whole.
    pub(super) fn whole(id: RecordId) -> Self {
        Self {
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
        }
    }

    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn level(&self) -> Level {
        match self.flags & (DAILY | BARE) {
            0 => Level::Full,
            DAILY => Level::Daily,
            _ => Level::Bare,
        }
    }

    pub(super) fn counters(&self) -> Counters {
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

/// The flags of a record.
pub(super) fn flags(record: &Record) -> u8 {
    let level = record.origin.level;
    [
        (record.fast, FAST),
        (record.body.provisional, PROVISIONAL),
        (record.body.sidechain, SIDECHAIN),
        (record.derived, DERIVED),
        (level == Level::Daily, DAILY),
        (level == Level::Bare, BARE),
    ]
    .into_iter()
    .fold(0, |flags, (on, flag)| if on { flags | flag } else { flags })
}

/// Names by number.
#[derive(Debug, Clone)]
pub(super) struct Symbols<T> {
    pub(super) all: Vec<T>,
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
    pub(super) fn number(&mut self, name: &T) -> Option<u32> {
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

/// Models, service tiers and regions by number, with the prices of those that are models. There are
/// few.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    pub(super) all: Vec<(Name, Priced)>,
}

impl Words {
    pub(super) fn number(&mut self, word: &Name) -> Option<u8> {
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

    pub(super) fn optional(&mut self, word: Option<&Name>) -> Option<u8> {
        word.map_or(Some(NONE), |word| self.number(word))
    }

    pub(super) fn word(&self, number: u8) -> Option<&Name> {
        self.all.get(usize::from(number)).map(|(word, _)| word)
    }
}
