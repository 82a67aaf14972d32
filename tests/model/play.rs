//! The model's machines and their users: draws operations and keeps the truth about them.

use std::collections::{BTreeMap, HashMap};

use claude_sync::base::ids::RecordId;
use claude_sync::fleet::read;
use claude_sync::record::{PlanLimits, State};
use claude_sync::store::layout;

use crate::laws::dice::Dice;
use crate::model::rows::{DAY, HOUR, Home, MODELS, Row, START, machine, record_id};
use crate::model::site::{How, Run, Site};
use crate::model::slots::{Kind, Slot};
use crate::model::tabs::{Open, is_tab};
use crate::model::truth::{Committed, Truth};

/// How many machines there are.
pub const MACHINES: usize = 5;

/// How often each operation was carried out.
pub type Reached = BTreeMap<&'static str, u64>;

pub struct Play<'s> {
    pub site: &'s mut dyn Site,
    pub dice: Dice,
    /// What Claude Code states of limits is drawn apart, so that it changes nothing else of a run.
    limit_dice: Dice,
    pub truth: Truth,
    pub homes: Vec<Home>,
    pub now: i64,
    pub next: u32,
    /// Rows of slots that appear later, by machine.
    pub late: Vec<(usize, Row)>,
    /// Transcripts of sessions with accounts.
    pub open: Vec<Open>,
    pub reached: Reached,
    /// This fleet has a price book, which the recount in Python does not know.
    pub priced: bool,
    /// This fleet encrypts at some time.
    pub encrypts: bool,
    /// It does so now.
    pub is_encrypted: bool,
    /// Somebody without the key pushes to it.
    pub is_attacked: bool,
    pub log: Vec<String>,
}

/// The machines of a seed, as they begin.
pub fn homes(seed: u64) -> Vec<Home> {
    let home = |at: usize| Home {
        id: machine(at + 1),
        rows: Vec::new(),
        states: Vec::new(),
        read: 0,
        summary_only: false,
        retention: None,
        // Some fleets mix both branch modes.
        per_machine: seed % 4 == 1 && at >= 3,
        limits: PlanLimits::default(),
    };
    (0..MACHINES).map(home).collect()
}

impl<'s> Play<'s> {
    pub fn new(site: &'s mut dyn Site, seed: u64) -> Self {
        Self {
            site,
            dice: Dice::new(seed),
            limit_dice: Dice::new(seed ^ 0x11_3175),
            truth: Truth::default(),
            homes: homes(seed),
            now: START + 2 * DAY,
            next: 1,
            late: Vec::new(),
            open: Vec::new(),
            reached: Reached::new(),
            priced: seed % 4 == 2,
            encrypts: seed % 8 == 2,
            is_encrypted: false,
            is_attacked: false,
            log: Vec::new(),
        }
    }

    /// A fleet that is encrypted from the start, and attacked.
    pub fn hostile(site: &'s mut dyn Site, seed: u64) -> Self {
        Self {
            encrypts: false,
            is_encrypted: true,
            is_attacked: true,
            ..Self::new(site, seed)
        }
    }

    /// Notes an operation.
    pub fn did(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    pub fn say(&mut self, text: String) {
        if std::env::var_os("CLAUDE_SYNC_SEED").is_some() {
            println!("{text}");
        }
        self.log.push(text);
    }

    /// Claude Code is used: new requests, rows that grow, late rows, resumed sessions.
    pub fn use_it(&mut self, at: usize) {
        if self.dice.chance(12) {
            return self.account(at);
        }
        let count = self.homes[at].rows.len();
        let ordinary = |row: &&Row| !row.session.starts_with("old") && !is_tab(row.model);
        match self.dice.below(8) {
            0 if count > 0 => {
                let which = self.dice.below(count);
                let row = self.homes[at].rows[which].clone();
                if ordinary(&&row) {
                    self.homes[at].rows.push(Row {
                        output: row.output + 7,
                        done: true,
                        at: row.at + 900_000,
                        ..row
                    });
                    self.did("row grew");
                }
            }
            1 if count > 0 => {
                // An earlier time, and often of the day before.
                let which = self.dice.below(count);
                let row = self.homes[at].rows[which].clone();
                let early = (row.at
                    - 5 * HOUR
                    - i64::try_from(self.dice.number(20)).expect("small") * HOUR)
                    .max(START);
                if ordinary(&&row) {
                    self.homes[at].rows.push(Row { at: early, ..row });
                    self.did("late row with an earlier time");
                }
            }
            2 => {
                // A session is resumed or forked here: its rows are copied, under another session's id, with the same requests.
                let from = self.dice.below(MACHINES);
                let rows: Vec<Row> = self.homes[from]
                    .rows
                    .iter()
                    .filter(ordinary)
                    .cloned()
                    .collect();
                if let Some(last) = rows.last() {
                    let (old, new) = (last.session.clone(), format!("r{}", self.next));
                    let same = self.dice.chance(30);
                    let copied = rows.iter().filter(|row| row.session == old);
                    let name = |row: &Row| {
                        if same {
                            row.session.clone()
                        } else {
                            new.clone()
                        }
                    };
                    let copied: Vec<Row> = copied
                        .map(|row| Row {
                            session: name(row),
                            ..row.clone()
                        })
                        .collect();
                    self.homes[at].rows.extend(copied);
                    self.did(if same {
                        "transcript copied"
                    } else {
                        "session resumed or forked"
                    });
                }
            }
            _ => {
                for _ in 0..=self.dice.below(3) {
                    let back = i64::try_from(self.dice.number(30)).expect("small") * HOUR;
                    let row = Row {
                        request: self.next,
                        at: (self.now - back).max(START) + i64::from(self.next),
                        session: format!("s{}", self.dice.below(9)),
                        output: 10 + self.dice.number(50),
                        done: self.dice.chance(60),
                        model: MODELS[self.dice.below(3)],
                    };
                    self.next += 1;
                    self.homes[at].rows.push(row);
                }
                self.did("new requests");
            }
        }
    }

    /// Claude Code states limits from time to time, on the machine that an operation is of.
    pub fn perhaps_state_limits(&mut self, at: usize) {
        let mut dice = std::mem::replace(&mut self.limit_dice, Dice::new(0));
        if dice.chance(25) {
            self.state_limits(at, &mut dice);
        }
        self.limit_dice = dice;
    }

    /// Rows of slots that were to come later are written.
    pub fn flush(&mut self, all: bool) {
        let late = std::mem::take(&mut self.late);
        for (at, row) in late {
            if all || self.dice.chance(50) {
                self.homes[at].rows.push(row);
            } else {
                self.late.push((at, row));
            }
        }
    }

    /// A run at the clock's time, more or less.
    pub fn run(&mut self, how: How) -> Run {
        let skew = i64::try_from(self.dice.number(4)).expect("small") * HOUR - HOUR;
        Run::new(self.now + skew, how)
    }

    /// Carries out a run and keeps the truth about it.
    pub fn sync(&mut self, at: usize, run: &Run) -> bool {
        if run.full {
            self.homes[at].read = 0;
        }
        let Some(committed) = self.site.sync(at, &self.homes[at], run) else {
            return false;
        };
        let home = &self.homes[at];
        let rows: Vec<Row> = home.rows[home.read..].to_vec();
        self.truth.commit(home, &rows, committed);
        let states: Vec<_> = home.new_states().map(State::id).collect();
        self.truth.commit_states(states, committed);
        if let Some(crate::model::site::Import::Backup(rows)) = &run.import {
            self.truth.commit(home, rows, committed);
        }
        if !matches!(run.how, How::Killed(_)) {
            self.homes[at].read = self.homes[at].rows.len();
        }
        self.note_vague(at);
        if committed == Committed::Yes {
            self.site.check(at, !matches!(run.how, How::Killed(_)));
        }
        true
    }

    /// A pruned record cannot be matched with a claim that comes later: what the claim exceeds is not known then.
    fn note_vague(&mut self, at: usize) {
        let home = &self.homes[at];
        if !home.summary_only && home.retention.is_none() {
            return;
        }
        let mut vague = Vec::new();
        for (place, slot) in self
            .truth
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.kind == Kind::Claim && slot.vague.is_none())
        {
            let has = |row: &Row| {
                self.truth
                    .rows
                    .get(&row.request)
                    .is_some_and(|copies| copies.contains_key(&home.id))
            };
            if slot.rows().any(has) && !self.has(at, &layout::machine_path(&slot.holder)) {
                vague.push(place);
            }
        }
        vague.into_iter().for_each(|place| {
            self.truth.slots[place].vague = Some("records were pruned before the claim came");
        });
    }

    /// Whether a clone has a file.
    pub fn has(&self, at: usize, path: &str) -> bool {
        let mut found = false;
        self.site.look(at, &mut |repo, root| {
            found = repo.entry(Some(root), path).expect("reads").is_some();
        });
        found
    }

    /// The requests that count in a clone and that are of a session or a project.
    pub fn counted_under(&self, at: usize, wanted: &dyn Fn(&str, &str) -> bool) -> Vec<u32> {
        let by_id: HashMap<RecordId, u32> = self
            .truth
            .rows
            .keys()
            .map(|request| (record_id(*request), *request))
            .collect();
        let mut out = Vec::new();
        self.site.look(at, &mut |repo, root| {
            let trees = read::inputs(repo, Some(root)).expect("reads");
            let (rows, _) = crate::model::verdict::counted(read::load(repo, trees).expect("reads"));
            for row in rows {
                let session = row.session.as_ref().map_or("", |session| session.as_str());
                if wanted(session, &row.project) {
                    out.extend(row.id.and_then(|id| by_id.get(&id)).copied());
                }
            }
        });
        out
    }

    /// A new slot, if there is one left.
    pub fn slot(&mut self, kind: Kind, at: usize, kept: bool) -> Option<Slot> {
        let number = self.truth.slots.len();
        if number >= crate::model::slots::MOST {
            return None;
        }
        let count = 2 + u32::try_from(self.dice.below(4)).expect("small");
        let kept = if kept {
            u32::try_from(self.dice.below(count as usize + 1)).expect("small")
        } else {
            0
        };
        let slot = Slot::new(number, kind, &self.homes[at].id, self.next, count, kept);
        self.next += count;
        Some(slot)
    }

    /// Everybody syncs until nothing moves: all trees are equal, and what counts is what is true.
    pub fn end(&mut self) {
        self.flush(true);
        self.now += 2 * DAY;
        self.settle_limits();
        let states =
            |play: &Self| -> Vec<String> { (0..MACHINES).map(|at| play.site.state(at)).collect() };
        for round in 0.. {
            assert!(round < 30, "it never comes to rest");
            let before = states(self);
            for at in 0..MACHINES {
                // A full run: what was forgotten meanwhile may be in what was read before.
                let run = Run {
                    full: true,
                    ..Run::new(self.now, How::Online)
                };
                self.sync(at, &run);
            }
            if states(self) == before && before.iter().all(|state| *state == before[0]) {
                break;
            }
        }
        // Nothing is new: an incremental run and a full one change nothing.
        let before = states(self);
        for full in [false, true] {
            for at in 0..MACHINES {
                self.sync(
                    at,
                    &Run {
                        full,
                        ..Run::new(self.now, How::Online)
                    },
                );
            }
            assert_eq!(
                states(self),
                before,
                "a run with nothing new changed something; full: {full}"
            );
        }
        let mut machines = Vec::new();
        self.site.look(0, &mut |repo, root| {
            let trees = read::inputs(repo, Some(root)).expect("reads");
            machines = read::load(repo, trees).expect("reads");
        });
        if self.is_attacked {
            self.site.assert_sealed();
        }
        self.site.assert_one_history();
        self.assert_newer();
        self.assert_limits();
        crate::model::verdict::assert_true(&self.truth, machines);
        if crate::model::recount::is_possible() {
            self.site.look(0, &mut |repo, root| {
                crate::model::recount::assert_equal(repo, root);
            });
            self.did("recount in Python");
        }
    }
}
