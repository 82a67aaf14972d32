//! What counts of sums: what they exceed the requests that match them, and sums that are trusted more.
//!
//! One mechanism for all sources; what differs between them is in [`crate::record::Source`]. Sums have no ids of requests, so that they
//! are compared by time, model and session. A machine that shortened records has noted what of them was taken away (`deducted`): its
//! shortened records are not looked at again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::read::MachineData;
use super::view::{Fleet, Row, RowSource, Rows, non_empty};
use crate::base::ids::{Name, SessionId};
use crate::base::join::{Join as _, absorb};
use crate::base::time::Timestamp;
use crate::record::{Entry, Excess, Level, Source, Sum, SumKey, Totals};

/// A time in milliseconds, without its end.
type Span = (i64, i64);

fn meet(a: Span, b: Span) -> bool {
    a.0 < b.1 && b.0 < a.1
}

/// A machine's start and index: of several holders the smallest one counts a sum.
type Rank = (Timestamp, usize);

/// What tells a history from others: source, model, window, figures.
type History = (Source, Name, Option<(Timestamp, Timestamp)>, [u64; 4]);

/// The versions of one sum on one machine and its aliases.
struct Versions {
    sum: Sum,
    /// What each of them deducted.
    deducted: Vec<(usize, Totals)>,
}

/// One sum, with all machines that have it.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    pub key: SumKey,
    pub sum: Sum,
    /// The machine that it counts for.
    rank: Rank,
    /// All machines that hold it, and their aliases.
    holders: BTreeSet<usize>,
    /// Those that noted what they deducted.
    settled: BTreeSet<usize>,
    /// What they deducted.
    deducted: Totals,
    /// What requests of its holders match.
    matched: Totals,
    /// By machine: what requests of others show of its exact window.
    witnesses: BTreeMap<usize, Totals>,
    /// Something matches it, or another source's sum is there.
    touched: bool,
}

impl Compared {
    /// What is taken away from it before other sums are.
    pub fn shown(&self) -> Totals {
        if self
            .witnesses
            .values()
            .any(|shown| figures(shown) == figures(&self.sum.totals))
        {
            return self.sum.totals;
        }
        self.matched.plus(self.deducted)
    }

    /// What the machine at this index deducted.
    pub fn is_settled(&self, at: usize) -> bool {
        self.settled.contains(&at)
    }

    /// Whether records show all of it.
    pub fn is_shown(&self) -> bool {
        match self.key.source {
            Source::StatsCache => self.touched,
            _ => Excess {
                shown: self.shown(),
            }
            .of(&self.sum.totals, &self.key.model, self.sum.begin(&self.key))
            .is_zero(),
        }
    }

    /// Whether it is one history with another of its source.
    fn identity(&self) -> Option<History> {
        let (key, c) = (&self.key, &self.sum.totals.counters);
        match key.source {
            Source::Claim => None,
            Source::Ccusage => Some((
                key.source,
                key.model.clone(),
                self.sum.window,
                figures(&self.sum.totals),
            )),
            Source::StatsCache => {
                let day = (key.day.start(), key.day.start());
                Some((
                    key.source,
                    key.model.clone(),
                    Some(day),
                    [c.input.saturating_add(c.output), 0, 0, 0],
                ))
            }
        }
    }
}

/// The figures that every source states.
fn figures(totals: &Totals) -> [u64; 4] {
    let c = &totals.counters;
    [c.input, c.output, c.cache_creation, c.cache_read]
}

/// How a claim is shown, beside its figures.
#[derive(Debug, Clone, Default)]
struct Claimed {
    model: String,
    first: Option<Timestamp>,
    booked: Option<Timestamp>,
}

/// Sums of one model, by time.
#[derive(Debug, Default)]
struct Bucket {
    /// Their reach and index, sorted.
    all: Vec<(Span, usize)>,
    longest: i64,
}

impl Bucket {
    fn meeting(&self, span: Span) -> impl Iterator<Item = usize> {
        let begin = self
            .all
            .partition_point(|(reach, _)| reach.0 < span.0.saturating_sub(self.longest));
        let end = self.all.partition_point(|(reach, _)| reach.0 < span.1);
        self.all[begin..end.max(begin)]
            .iter()
            .filter(move |(reach, _)| meet(*reach, span))
            .map(|(_, at)| *at)
    }
}

/// Sums of one machine of which something counted.
#[derive(Debug, Default)]
struct Counted {
    all: Vec<(usize, Totals)>,
    /// Those about one session: there may be many, and they touch each other only within it.
    by_session: HashMap<SessionId, Vec<(usize, Totals)>>,
    /// Those about no session.
    others: Vec<(usize, Totals)>,
}

impl Counted {
    fn add(&mut self, session: &SessionId, one: (usize, Totals)) {
        self.all.push(one);
        match non_empty(session) {
            Some(session) => self
                .by_session
                .entry(session.clone())
                .or_default()
                .push(one),
            None => self.others.push(one),
        }
    }

    /// Those that may match a sum about a session, or about none.
    fn beside(&self, session: &SessionId) -> impl Iterator<Item = &(usize, Totals)> {
        let none = non_empty(session).is_none();
        let of_session = if none {
            None
        } else {
            self.by_session.get(session)
        };
        let all = if none { &self.all } else { &self.others };
        all.iter().chain(of_session.into_iter().flatten())
    }
}

/// All sums of a fleet, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub all: Vec<Compared>,
    claimed: HashMap<(usize, SessionId), Claimed>,
    /// By model, and those that match any.
    by_model: HashMap<Name, Bucket>,
    /// Claims of sessions.
    by_session: HashMap<SessionId, Vec<usize>>,
    /// The same, for records of which no session is known.
    of_sessions: Vec<usize>,
    places: Vec<usize>,
}

impl Sums {
    /// Gathers the sums of all machines. `places`: for each the machine that it counts for.
    pub fn gather(machines: &[MachineData], places: &[usize]) -> Self {
        let mut out = Self {
            places: places.to_vec(),
            ..Self::default()
        };
        let mut sums: BTreeMap<(usize, SumKey), Versions> = BTreeMap::new();
        for (at, data) in machines.iter().enumerate() {
            let claims = out.claims(data, places[at]);
            for (key, mut sum) in claims.into_iter().chain(
                data.sums
                    .iter()
                    .map(|(key, sum)| (key.clone(), sum.clone())),
            ) {
                let deducted = sum.deducted.take().map(|deducted| (at, deducted));
                match sums.get_mut(&(places[at], key.clone())) {
                    Some(known) => {
                        known.sum = known.sum.clone().join(sum);
                        known.deducted.extend(deducted);
                    }
                    None => drop(sums.insert(
                        (places[at], key),
                        Versions {
                            sum,
                            deducted: deducted.into_iter().collect(),
                        },
                    )),
                }
            }
        }
        let start = |at: usize| {
            machines[at]
                .page()
                .map_or(Timestamp::EPOCH, |page| page.machine.created_at)
        };
        let latest = latest_statistics(sums.keys());
        let mut known: HashMap<_, usize> = HashMap::new();
        for ((place, key), Versions { sum, deducted }) in sums {
            if key.source == Source::StatsCache && latest.get(&(place, key.day)) != Some(&key.mark)
            {
                continue;
            }
            let new = Compared {
                rank: (start(place), place),
                holders: (0..machines.len())
                    .filter(|at| places[*at] == place)
                    .collect(),
                settled: deducted.iter().map(|(at, _)| *at).collect(),
                deducted: deducted.into_iter().map(|(_, totals)| totals).sum(),
                matched: Totals::default(),
                witnesses: BTreeMap::new(),
                touched: false,
                key,
                sum,
            };
            if let Some(same) = new
                .identity()
                .and_then(|identity| known.get(&identity).copied())
            {
                let same: &mut Compared = &mut out.all[same];
                same.rank = same.rank.min(new.rank);
                same.holders.extend(new.holders);
                same.settled.extend(new.settled);
                same.deducted = same.deducted.plus(new.deducted);
            } else {
                known.extend(new.identity().map(|identity| (identity, out.all.len())));
                out.all.push(new);
            }
        }
        // From most to least trusted; a session's claim before the claim about all of its machine.
        out.all.sort_by(|a, b| {
            let order = |c: &Compared| (c.key.source, c.key.session.as_str().is_empty());
            order(a)
                .cmp(&order(b))
                .then_with(|| (&a.key, a.rank.1).cmp(&(&b.key, b.rank.1)))
        });
        out.index();
        out
    }

    fn claims(&mut self, data: &MachineData, place: usize) -> BTreeMap<SumKey, Sum> {
        let mut out = BTreeMap::new();
        let mut claim = |session: SessionId, sum: Sum, how: Claimed| {
            let slot = self.claimed.entry((place, session.clone())).or_default();
            let first = slot.first.into_iter().chain(how.first).min();
            *slot = Claimed {
                model: how.model.max(std::mem::take(&mut slot.model)),
                first,
                booked: slot.booked.max(how.booked),
            };
            absorb(&mut out, SumKey::claim(session), sum);
        };
        let none = || SessionId::new(Name::default());
        let sum = |window, totals, project: &str| Sum {
            window,
            totals,
            project: project.to_owned(),
            deducted: None,
            extra: crate::base::json::Extra::new(),
        };
        if let Some(page) = data.page() {
            for (id, session) in &page.sessions {
                let Some(totals) = session.claimed else {
                    continue;
                };
                let model = if session.models.len() == 1 {
                    session.models.first().cloned().unwrap_or_default()
                } else {
                    String::new()
                };
                let booked = session
                    .last_updated
                    .or(page.last_usage)
                    .or(Some(page.machine.updated_at));
                claim(
                    id.clone(),
                    sum(session.claim_window(), totals, &session.project),
                    Claimed {
                        model,
                        first: session.first_seen,
                        booked,
                    },
                );
            }
            if let Some(all) = &page.claimed {
                let booked = all
                    .last
                    .or(page.last_usage)
                    .or(Some(page.machine.updated_at));
                claim(
                    none(),
                    sum(page.claim_window(), all.totals, ""),
                    Claimed {
                        booked,
                        ..Claimed::default()
                    },
                );
            }
        }
        if let Some(entry) = &data.adopted {
            let totals = Totals {
                requests: entry.requests,
                cost: crate::base::money::Cost::known(entry.cost),
                ..Totals::default()
            };
            let booked = entry.last_usage.or(entry.last_sync).or(entry.first_seen);
            claim(
                none(),
                sum(entry.first_seen.zip(entry.last_usage), totals, ""),
                Claimed {
                    booked,
                    ..Claimed::default()
                },
            );
        }
        out
    }

    fn index(&mut self) {
        for (at, one) in self.all.iter().enumerate() {
            if let Some(session) = non_empty(&one.key.session) {
                self.by_session.entry(session.clone()).or_default().push(at);
                self.of_sessions.push(at);
                continue;
            }
            let any = one.key.source == Source::StatsCache;
            let model = if any {
                Name::default()
            } else {
                one.key.model.clone()
            };
            self.by_model
                .entry(model)
                .or_default()
                .all
                .push((one.sum.reach(&one.key), at));
        }
        for bucket in self.by_model.values_mut() {
            bucket.all.sort_unstable();
            bucket.longest = bucket
                .all
                .iter()
                .map(|(reach, _)| reach.1.saturating_sub(reach.0))
                .max()
                .unwrap_or(0);
        }
    }

    /// Takes note of a request that counts, and of the machines that have copies of it, with their levels.
    pub fn add(&mut self, entry: &Entry, copies: &[(usize, Level)]) {
        // What other tools added up are requests.
        if self.all.is_empty() || entry.ledger {
            return;
        }
        let span = entry.span();
        let of_session: &[usize] = match entry.level {
            Level::Bare => &self.of_sessions,
            _ => self
                .by_session
                .get(entry.session)
                .map_or(&[], Vec::as_slice),
        };
        let none = Name::default();
        let buckets = [
            self.by_model.get(&none),
            self.by_model
                .get(entry.model)
                .filter(|_| !entry.model.is_empty()),
        ];
        let found: Vec<usize> = of_session
            .iter()
            .copied()
            .chain(
                buckets
                    .into_iter()
                    .flatten()
                    .flat_map(|bucket| bucket.meeting(span)),
            )
            .collect();
        for at in found {
            let one = &mut self.all[at];
            if !meet(one.sum.reach(&one.key), span)
                || !one.key.has_model(entry.model)
                || !one.key.has_session(entry.session)
            {
                continue;
            }
            let mut held = copies
                .iter()
                .filter(|(machine, _)| one.holders.contains(machine))
                .peekable();
            if held.peek().is_some() {
                one.touched = true;
                if !held
                    .any(|(machine, level)| *level < Level::Full && one.settled.contains(machine))
                {
                    one.matched = one.matched.plus(entry.totals());
                }
            } else if one.key.source == Source::Ccusage && meet(one.sum.exact(), span) {
                let others: BTreeSet<usize> = copies
                    .iter()
                    .map(|(machine, _)| self.places[*machine])
                    .collect();
                for other in others {
                    let shown = one.witnesses.entry(other).or_default();
                    *shown = shown.plus(entry.totals());
                }
            }
        }
    }

    /// Counts what sums say beyond all that.
    pub fn count(mut self, fleet: &mut Fleet, rows: Rows) {
        let mut counted: HashMap<usize, Counted> = HashMap::new();
        for at in 0..self.all.len() {
            let (one, place) = (&self.all[at], self.all[at].rank.1);
            let mut shown = one.shown();
            for (earlier, totals) in counted
                .get(&place)
                .into_iter()
                .flat_map(|counted| counted.beside(&one.key.session))
            {
                if self.matches(*earlier, at) {
                    shown = shown.plus(*totals);
                }
            }
            let claimed = self
                .claimed
                .remove(&(place, one.key.session.clone()))
                .filter(|_| one.key.source == Source::Claim);
            let claimed = claimed.unwrap_or_default();
            let model = if one.key.model.is_empty() {
                claimed.model.as_str()
            } else {
                &one.key.model
            };
            let totals = match one.key.source {
                Source::StatsCache if one.touched || self.is_beside_others(at, &counted) => {
                    Totals::default()
                }
                Source::StatsCache => one.sum.totals,
                _ => Excess { shown }.of(&one.sum.totals, model, one.sum.begin(&one.key)),
            };
            if let Some(session) = non_empty(&one.key.session) {
                let view = fleet.session(session);
                view.machines.insert(place);
                if let Some(first) = claimed.first {
                    view.begins(first, &one.sum.project);
                }
            }
            if totals.is_zero() {
                continue;
            }
            let row = Row {
                id: None,
                machine: place,
                session: non_empty(&one.key.session),
                project: &one.sum.project,
                model,
                at: claimed.booked.unwrap_or_else(|| one.sum.middle(&one.key)),
                totals,
                recorded: None,
                source: RowSource::Sum(one.key.source),
                provisional: false,
                sidechain: false,
                client: None,
            };
            fleet.push(row, rows);
            counted
                .entry(place)
                .or_default()
                .add(&self.all[at].key.session, (at, totals));
        }
    }

    /// Whether a sum that counted is part of what another one is about.
    fn matches(&self, earlier: usize, at: usize) -> bool {
        let (a, b) = (&self.all[earlier], &self.all[at]);
        let models = a.key.model.is_empty() || b.key.has_model(&a.key.model);
        models && a.key.has_session(&b.key.session) && meet(a.sum.exact(), b.sum.exact())
    }

    /// Whether something counts of another source's sum of the same machine, within reach.
    fn is_beside_others(&self, at: usize, counted: &HashMap<usize, Counted>) -> bool {
        let one = &self.all[at];
        let is_near = |other: &Compared| {
            meet(other.sum.exact(), one.sum.reach(&one.key))
                && !other.holders.is_disjoint(&one.holders)
        };
        let others = counted
            .values()
            .flat_map(|counted| &counted.all)
            .map(|(other, _)| &self.all[*other]);
        others
            .into_iter()
            .any(|other| other.key.source < one.key.source && is_near(other))
    }
}

/// Of statistics that were computed on several days the latest holds: it has all that the others have.
fn latest_statistics<'k>(
    keys: impl Iterator<Item = &'k (usize, SumKey)>,
) -> HashMap<(usize, crate::base::time::Day), Name> {
    let mut out: HashMap<_, Name> = HashMap::new();
    for (place, key) in keys.filter(|(_, key)| key.source == Source::StatsCache) {
        let slot = out
            .entry((*place, key.day))
            .or_insert_with(|| key.mark.clone());
        if *slot < key.mark {
            slot.clone_from(&key.mark);
        }
    }
    out
}
