//! What counts of sums: what they exceed the requests that match them, and sums that are trusted
//! more.
//!
//! One mechanism for all sources; what differs between them is in [`crate::record::Source`]. Sums
//! have no ids of requests, so that they are compared by time, model and session. A machine that
//! pruned records has noted what of them was taken away (`deducted`): its pruned records are
//! not looked at again.

use std::collections::{BTreeMap, HashMap};

use super::claims::{Claim, Claimed, claims};
use super::compared::{Bucket, Compared, Counted, HeldCopy, History, Rank, SumIndex};
use super::read::MachineData;
use super::view::{Fleet, MachineIndex, Rows, non_empty};
use crate::base::ids::{Name, SessionId};
use crate::base::join::{Join as _, absorb};
use crate::base::time::{Day, Timestamp};
use crate::record::{Entry, Excess, Level, Source, Sum, SumKey, Totals};

/// The versions of one sum on one machine and its aliases.
struct Versions {
    sum: Sum,
    /// What each of them deducted.
    deducted: Vec<(MachineIndex, Totals)>,
}

/// All sums of a fleet, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(crate) all: Vec<Compared>,
    claimed: HashMap<(MachineIndex, SessionId), Claimed>,
    /// By model, and those that match any.
    by_model: HashMap<Name, Bucket>,
    /// Claims of sessions.
    by_session: HashMap<SessionId, Vec<SumIndex>>,
    /// The same, for records of which no session is known.
    of_sessions: Vec<SumIndex>,
    /// For each machine the one that it counts for.
    places: Vec<MachineIndex>,
}

impl Sums {
    /// Gathers the sums of all machines. `places`: for each the machine that it counts for.
    pub(crate) fn gather(machines: &[MachineData], places: &[MachineIndex]) -> Self {
        let mut out = Self {
            places: places.to_vec(),
            ..Self::default()
        };
        let sums = out.versions(machines);
        let latest = latest_statistics(sums.keys());
        let mut known: HashMap<History, SumIndex> = HashMap::new();
        for ((place, key), versions) in sums {
            if key.source == Source::StatsCache && latest.get(&(place, key.day)) != Some(&key.mark)
            {
                continue;
            }
            let start = machines[place]
                .machine_file()
                .map_or(Timestamp::EPOCH, |file| file.machine.created_at);
            let new = out.compared(key, versions, (start, place));
            let history = new.identity();
            let same = history
                .as_ref()
                .and_then(|history| known.get(history).copied());
            if let Some(same) = same {
                out.all[same].merge(new);
            } else {
                known.extend(history.map(|history| (history, SumIndex(out.all.len()))));
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

    /// The sums of all machines, claims too, each joined from its versions on a machine and its
    /// aliases.
    fn versions(&mut self, machines: &[MachineData]) -> BTreeMap<(MachineIndex, SumKey), Versions> {
        let mut out: BTreeMap<(MachineIndex, SumKey), Versions> = BTreeMap::new();
        for (machine, data) in machines.iter().enumerate() {
            let place = self.places[machine];
            let claims = self.claims(data, place);
            let others = data
                .sums
                .iter()
                .map(|(key, sum)| (key.clone(), sum.clone()));
            for (key, mut sum) in claims.into_iter().chain(others) {
                let deducted = sum.deducted.take().map(|deducted| (machine, deducted));
                if let Some(known) = out.get_mut(&(place, key.clone())) {
                    known.sum = known.sum.clone().join(sum);
                    known.deducted.extend(deducted);
                } else {
                    let deducted = deducted.into_iter().collect();
                    out.insert((place, key), Versions { sum, deducted });
                }
            }
        }
        out
    }

    /// A machine's claims as sums. How they are shown is noted.
    fn claims(&mut self, data: &MachineData, place: MachineIndex) -> BTreeMap<SumKey, Sum> {
        let mut out = BTreeMap::new();
        for Claim { session, sum, how } in claims(data) {
            let known = self.claimed.entry((place, session.clone())).or_default();
            known.join(how);
            absorb(&mut out, SumKey::claim(session), sum);
        }
        out
    }

    /// A sum that was not compared with anything yet.
    fn compared(&self, key: SumKey, versions: Versions, rank: Rank) -> Compared {
        let Versions { sum, deducted } = versions;
        Compared {
            rank,
            holders: (0..self.places.len())
                .filter(|at| self.places[*at] == rank.1)
                .collect(),
            settled: deducted.iter().map(|(at, _)| *at).collect(),
            deducted: deducted.into_iter().map(|(_, totals)| totals).sum(),
            matched: Totals::default(),
            witnesses: BTreeMap::new(),
            touched: false,
            key,
            sum,
        }
    }

    fn index(&mut self) {
        for (at, one) in self.all.iter().enumerate() {
            let at = SumIndex(at);
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
                .map(|(reach, _)| reach.length())
                .max()
                .unwrap_or(0);
        }
    }

    /// Takes note of a request that counts, and of the machines that have copies of it, with their
    /// levels.
    pub(crate) fn add(&mut self, entry: &Entry, copies: &[HeldCopy]) {
        // What other tools added up are requests.
        if self.all.is_empty() || entry.ledger {
            return;
        }
        for at in self.candidates(entry) {
            let one = &mut self.all[at];
            if one.sum.reach(&one.key).meets(entry.span())
                && one.key.has_model(entry.model)
                && one.key.has_session(entry.session)
            {
                one.add(entry, copies, &self.places);
            }
        }
    }

    /// The sums that a request may match, by its time, model and session.
    fn candidates(&self, entry: &Entry) -> Vec<SumIndex> {
        let of_session: &[SumIndex] = match entry.level {
            Level::Bare => &self.of_sessions,
            _ => self
                .by_session
                .get(entry.session)
                .map_or(&[], Vec::as_slice),
        };
        let of_any_model = self.by_model.get(&Name::default());
        let of_model = self
            .by_model
            .get(entry.model)
            .filter(|_| !entry.model.is_empty());
        let by_time = [of_any_model, of_model]
            .into_iter()
            .flatten()
            .flat_map(|bucket| bucket.meeting(entry.span()));
        of_session.iter().copied().chain(by_time).collect()
    }

    /// Counts what sums state beyond all that.
    pub(crate) fn count(mut self, fleet: &mut Fleet, rows: Rows) {
        let mut counted: HashMap<MachineIndex, Counted> = HashMap::new();
        for at in (0..self.all.len()).map(SumIndex) {
            let place = self.all[at].rank.1;
            let claimed = self.claimed_by(at);
            let one = &self.all[at];
            let model = if one.key.model.is_empty() {
                claimed.model.as_str()
            } else {
                &one.key.model
            };
            let totals = self.excess(at, model, &counted);
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
            let booked = claimed.booked.unwrap_or_else(|| one.sum.middle(&one.key));
            fleet.push(one.row(model, booked, totals), rows);
            counted
                .entry(place)
                .or_default()
                .add(&one.key.session, (at, totals));
        }
    }

    /// How a sum is shown that is a claim.
    fn claimed_by(&mut self, at: SumIndex) -> Claimed {
        let one = &self.all[at];
        self.claimed
            .remove(&(one.rank.1, one.key.session.clone()))
            .filter(|_| one.key.source == Source::Claim)
            .unwrap_or_default()
    }

    /// What a sum states beyond requests and beyond the sums that counted before it.
    fn excess(
        &self,
        at: SumIndex,
        model: &str,
        counted: &HashMap<MachineIndex, Counted>,
    ) -> Totals {
        let one = &self.all[at];
        if one.key.source == Source::StatsCache {
            // It states too few figures to be compared with others one by one.
            return if one.touched || self.is_beside_others(at, counted) {
                Totals::default()
            } else {
                one.sum.totals
            };
        }
        let mut shown = one.shown();
        let before = counted.get(&one.rank.1);
        for (earlier, totals) in before
            .into_iter()
            .flat_map(|counted| counted.beside(&one.key.session))
        {
            if self.matches(*earlier, at) {
                shown = shown.plus(*totals);
            }
        }
        Excess { shown }.of(&one.sum.totals, model, one.sum.begin(&one.key))
    }

    /// Whether a sum that counted is part of what another one is about.
    fn matches(&self, earlier: SumIndex, at: SumIndex) -> bool {
        let (a, b) = (&self.all[earlier], &self.all[at]);
        let models = a.key.model.is_empty() || b.key.has_model(&a.key.model);
        models && a.key.has_session(&b.key.session) && a.sum.exact().meets(b.sum.exact())
    }

    /// Whether something counts of another source's sum of the same machine, within reach.
    fn is_beside_others(&self, at: SumIndex, counted: &HashMap<MachineIndex, Counted>) -> bool {
        let one = &self.all[at];
        let is_near = |other: &Compared| {
            other.sum.exact().meets(one.sum.reach(&one.key))
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

/// Of statistics that were computed on several days the latest holds: it has all that the others
/// have.
fn latest_statistics<'k>(
    keys: impl Iterator<Item = &'k (MachineIndex, SumKey)>,
) -> HashMap<(MachineIndex, Day), Name> {
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
