//! Sessions with Claude Code's own account: what they truly used, of which request lines show a part.
//!
//! Each has a model of its own, by which its rows are known at every level of detail. A piece of work is some requests, some of which are
//! logged with less output than they had, and a side call without a line. Where Claude Code ends normally, its account is written; where it
//! is killed, the work never enters it.

use std::collections::BTreeMap;

use claude_sync::base::ids::{RecordId, SessionId};
use claude_sync::record::{Counters, Ledger, State};

use crate::model::play::{MACHINES, Play};
use crate::model::rows::{Row, day, project, record_id, time};
use crate::model::truth::{Committed, Forgotten, Truth};
use crate::model::verdict::Counted;

/// A piece of work.
#[derive(Debug, Clone)]
pub struct Work {
    /// What its requests show, by request.
    pub shown: BTreeMap<u32, u64>,
    /// What it used, in tokens.
    pub used: u64,
    /// The state that has it; none where it was killed.
    pub state: Option<RecordId>,
}

/// All that has one account: a session, and what was forked from it.
#[derive(Debug, Clone)]
pub struct Tab {
    pub model: &'static str,
    pub sessions: Vec<String>,
    pub first: i64,
    pub works: Vec<Work>,
    /// Stretches of it cannot be told apart: after a kill, and where two go on from one state at the same time.
    pub vague: bool,
}

/// A transcript of a session on a machine, which can go on.
#[derive(Debug, Clone)]
pub struct Open {
    pub tab: usize,
    pub home: usize,
    pub session: String,
    /// What its account says.
    account: Counters,
    before: Option<Counters>,
    first: u32,
    from: Option<i64>,
    start: i64,
}

/// So many accounts a run has at most.
const MODELS: [&str; 8] = [
    "tab-0", "tab-1", "tab-2", "tab-3", "tab-4", "tab-5", "tab-6", "tab-7",
];

/// Whether a row belongs to an account.
pub fn is_tab(model: &str) -> bool {
    MODELS.contains(&model)
}

fn by_model(model: &'static str, counters: Counters) -> BTreeMap<std::sync::Arc<str>, Counters> {
    BTreeMap::from([(model.into(), counters)])
}

impl Play<'_> {
    /// Something happens to a session with an account.
    pub fn account(&mut self, at: usize) {
        let here: Vec<usize> = (0..self.open.len())
            .filter(|open| self.open[*open].home == at)
            .collect();
        let some = (!here.is_empty()).then(|| here[self.dice.below(here.len())]);
        match (self.dice.below(6), some) {
            (0..3, Some(open)) => self.work(open),
            (3, Some(open)) => self.carry(open),
            (4, Some(open)) => self.fork(open),
            _ => self.begin_tab(at),
        }
    }

    fn begin_tab(&mut self, at: usize) {
        let tab = self.truth.tabs.len();
        let Some(model) = MODELS.get(tab) else { return };
        let session = format!("a{tab}");
        let (start, first) = (self.now, self.next);
        self.truth.tabs.push(Tab {
            model,
            sessions: vec![session.clone()],
            first: start,
            works: Vec::new(),
            vague: false,
        });
        self.open.push(Open {
            tab,
            home: at,
            session,
            account: Counters::default(),
            before: None,
            first,
            from: None,
            start,
        });
        self.work(self.open.len() - 1);
        self.did("session with an account");
    }

    /// Some requests and a side call, and the end of Claude Code.
    fn work(&mut self, at: usize) {
        let mut open = self.open[at].clone();
        let (model, killed) = (self.truth.tabs[open.tab].model, self.dice.chance(15));
        let mut work = Work {
            shown: BTreeMap::new(),
            used: 0,
            state: None,
        };
        let mut account = open.account;
        let mut until = self.now;
        for number in 0..=self.dice.below(3) {
            let output = 50 + self.dice.number(500);
            // Subagents' lines end before their answer does.
            let logged = if self.dice.chance(40) { 1 } else { output };
            until =
                self.now + i64::try_from(number).expect("small") * 60_000 + i64::from(self.next);
            let row = Row {
                request: self.next,
                at: until,
                session: open.session.clone(),
                output: logged,
                done: logged == output,
                model,
            };
            open.from.get_or_insert(until);
            let used = Counters {
                output,
                ..row.counters()
            };
            work.shown.insert(self.next, row.counters().total());
            work.used += if killed {
                row.counters().total()
            } else {
                used.total()
            };
            account = account.plus(used);
            self.homes[open.home].rows.push(row);
            self.next += 1;
        }
        if killed {
            self.truth.tabs[open.tab].vague = true;
            self.did("kill of a session with an account");
        } else {
            let side = Counters {
                input: 7,
                output: self.dice.number(90),
                ..Counters::default()
            };
            work.used += side.total();
            account = account.plus(side);
            let state = State {
                lineage: Ledger::lineage(open.start),
                session: SessionId::new(open.session.as_str().into()),
                project: project(&open.session).into(),
                from: time(open.from.expect("some requests")),
                until: time(until),
                first: Some(record_id(open.first)),
                before: open.before.map(|before| by_model(model, before)),
                after: by_model(model, account),
            };
            work.state = Some(state.id());
            let home = &mut self.homes[open.home];
            home.states.push((home.rows.len(), open.start, state));
            (open.account, open.before, open.from) = (account, Some(account), None);
            self.did("end of a session with an account");
        }
        self.truth.tabs[open.tab].works.push(work);
        self.open[at] = open;
    }

    /// The transcript is copied to another machine, where the session goes on: here, it may go on too.
    fn carry(&mut self, at: usize) {
        let open = self.open[at].clone();
        let other = self.dice.below(MACHINES);
        let there = self
            .open
            .iter()
            .any(|known| known.home == other && known.session == open.session);
        if other == open.home || there {
            return;
        }
        let rows: Vec<Row> = self.homes[open.home]
            .rows
            .iter()
            .filter(|row| row.session == open.session)
            .cloned()
            .collect();
        let states: Vec<_> = self.homes[open.home]
            .states
            .iter()
            .filter(|(.., state)| state.session.as_str() == open.session)
            .cloned()
            .collect();
        self.homes[other].rows.extend(rows);
        let place = self.homes[other].rows.len();
        self.homes[other].states.extend(
            states
                .into_iter()
                .map(|(_, start, state)| (place, start, state)),
        );
        self.open.push(Open {
            home: other,
            ..open
        });
        self.work(self.open.len() - 1);
        self.did("session with an account on two machines");
    }

    /// `--fork-session`: another id, the rows copied, the account goes on.
    fn fork(&mut self, at: usize) {
        let open = self.open[at].clone();
        let session = format!("f{}", self.next);
        let rows: Vec<Row> = self.homes[open.home]
            .rows
            .iter()
            .filter(|row| row.session == open.session)
            .cloned()
            .collect();
        let Some(first) = rows
            .first()
            .cloned()
            .filter(|first| first.request == open.first)
        else {
            return;
        };
        let tab = &mut self.truth.tabs[open.tab];
        // What two of them add to one state cannot be told from what both began with.
        tab.vague |= tab.sessions.len() > 1 || open.before.is_none();
        tab.sessions.push(session.clone());
        self.homes[open.home]
            .rows
            .extend(rows.into_iter().map(|row| Row {
                session: session.clone(),
                ..row
            }));
        self.open.push(Open {
            session,
            before: None,
            from: Some(first.at),
            ..open
        });
        self.work(self.open.len() - 1);
        self.did("fork of a session with an account");
    }
}

impl Truth {
    /// Asserts that what counts of accounts is never more than what was used, and all of it where it can be known.
    pub fn assert_tabs(&self, rows: &[Counted]) {
        for tab in &self.tabs {
            let counted: u64 = rows
                .iter()
                .filter(|row| row.model == tab.model)
                .map(|row| row.totals.counters.total())
                .sum();
            let committed = |request: &u32| self.rows.contains_key(request);
            let stated = |work: &Work| {
                work.state
                    .is_some_and(|state| self.states.get(&state) == Some(&Committed::Yes))
            };
            let shown = |work: &Work| -> u64 {
                work.shown
                    .iter()
                    .filter(|(request, _)| committed(request))
                    .map(|(_, shown)| shown)
                    .sum()
            };
            let most: u64 = tab.works.iter().map(|work| work.used).sum();
            assert!(
                counted <= most,
                "more counts than was used: {counted} of {most}; {tab:#?}; {:#?}",
                self.of(tab, rows)
            );
            let least: u64 = tab
                .works
                .iter()
                .map(|work| if stated(work) { work.used } else { shown(work) })
                .sum();
            // Of pruned records of one day nobody knows which stretch each is in: the smaller figure is taken.
            let is_clear = self.lowered.is_empty();
            let is_known = is_clear
                && !tab.vague
                && !self.is_touched(tab)
                && tab
                    .works
                    .iter()
                    .all(|work| work.state.is_none() || stated(work));
            assert!(
                !is_known || counted == least,
                "{counted} counts, and {least} is true: {tab:#?}; {:#?}",
                self.of(tab, rows)
            );
        }
    }

    fn of<'r>(&self, tab: &Tab, rows: &'r [Counted]) -> (Vec<&'r Counted>, Vec<&Forgotten>) {
        (
            rows.iter().filter(|row| row.model == tab.model).collect(),
            self.forgotten.iter().collect(),
        )
    }

    /// Whether something was forgotten that it may have to do with.
    fn is_touched(&self, tab: &Tab) -> bool {
        self.forgotten
            .iter()
            .chain(self.undone.iter().map(|(what, _)| what))
            .any(|one| match one {
                Forgotten::Session(session) => tab.sessions.contains(session),
                Forgotten::Project(name) => {
                    tab.sessions.iter().any(|session| project(session) == *name)
                }
                Forgotten::Machine(_) => true,
                Forgotten::Before(at) => day(tab.first).start().millis() < *at,
            })
    }
}
