//! Applies the rules to one file: a day file, a machine file, or a manifest that one of these
//! keeps.

use serde_json::{Map, Value};

use super::decisions::ADOPTED;
use super::judge::{Applied, Judge};
use super::rules::Rules;
use crate::base::ids::{MachineId, SessionId};
use crate::base::json::Extra;
use crate::base::time::{Day, Timestamp};
use crate::format::dayfile::DayFile;
use crate::format::syncfile::{Session, SyncFile};
use crate::record::{Level, PlanLimits, Record, Totals};

impl Rules {
    /// Applies the rules to a day file.
    pub(crate) fn apply_day(&self, file: &mut DayFile) -> Applied {
        let before = file.clone();
        let mut out = Applied::default();
        if self.forget_something() {
            self.forget_in_day(file, &mut out);
        }
        self.shorten_day(file);
        if self.forget_something() || self.pruned.contains_key(&file.machine) {
            file.drop_empty_sessions();
        }
        // Compared as it is written: a version may name sessions of which it holds nothing.
        out.changed = file.records != before.records
            || (&file.sums, &file.unknown) != (&before.sums, &before.unknown)
            || file.marked() != before.marked();
        out
    }

    /// Takes what is forgotten out of a day file.
    fn forget_in_day(&self, file: &mut DayFile, out: &mut Applied) {
        let machine = file.machine.clone();
        let mut judge = Judge::new(self);
        // Most files have nothing that is forgotten, and copying a set of records takes time.
        let mut is_kept =
            |record: Record| judge.keeps_record(&machine, &record, &mut Applied::default());
        if !file.records.iter().all(&mut is_kept) {
            file.records = file
                .records
                .iter()
                .filter(|record| judge.keeps_record(&machine, record, out))
                .collect();
        }
        file.sums
            .retain(|key, sum| judge.keeps_sum(&machine, key, sum));
        let all = self.machines.contains(&machine);
        file.unknown.retain(|(session, _)| {
            !all && session
                .as_ref()
                .is_none_or(|session| judge.keeps(session, ""))
        });
    }

    /// Prunes the records of a day file as retention wants it.
    fn shorten_day(&self, file: &mut DayFile) {
        let machine = file.machine.clone();
        let Some(bound) = self.pruned_before(&machine) else {
            return;
        };
        let has_details = |file: &DayFile| {
            let mut entries = file.records.entries();
            entries.any(|entry| entry.level > Level::Bare && entry.at.day() < bound)
        };
        if has_details(file) {
            file.records = file
                .records
                .iter()
                .map(|record| self.pruned(&machine, record))
                .collect();
        }
    }

    /// Applies the rules to a machine file, and returns whether that changed it. Totals of the
    /// machine are refreshed by the machine.
    pub(crate) fn apply_machine_file(&self, file: &mut SyncFile) -> bool {
        let before = file.clone();
        let mut judge = Judge::new(self);
        for ((kind, ..), decision) in &mut file.decisions {
            if kind == ADOPTED && self.forget_something() {
                self.apply_adopted(&mut decision.0, &mut judge);
            }
        }
        if self.machines.contains(&file.machine.uuid) {
            empty(file);
            return *file != before;
        }
        self.forget_sessions(file, &mut judge);
        self.shorten_sessions(file, &mut judge);
        let bound = self.pruned_before(&file.machine.uuid).max(self.bound());
        self.apply_limits(&file.machine.uuid, &mut file.limits);
        file.first_usage = file.first_usage.filter(|at| !is_before(Some(*at), bound));
        file.last_usage = file.last_usage.filter(|at| !is_before(Some(*at), bound));
        *file != before
    }

    /// Takes windows of plan limits out that ended before the days that are kept, or all of them if
    /// the machine is forgotten: they state times of day.
    pub(crate) fn apply_limits(&self, machine: &MachineId, limits: &mut PlanLimits) {
        if self.machines.contains(machine) {
            *limits = PlanLimits::default();
        }
        if let Some(day) = self.pruned_before(machine).max(self.bound()) {
            limits.forget_before(day);
        }
    }

    /// Takes sessions out of a machine file that are forgotten, or of which only days are listed
    /// that are pruned.
    fn forget_sessions(&self, file: &mut SyncFile, judge: &mut Judge) {
        let pruned = self.pruned_before(&file.machine.uuid);
        let mut is_gone = |id: &SessionId, session: &Session| {
            // A view with an old beginning is refreshed by its machine.
            let by_days = if session.claimed.is_some() {
                is_before(session.last_updated, self.bound())
            } else {
                is_before(session.first_seen, pruned.max(self.bound()))
            };
            !judge.keeps(id, &session.project) || by_days
        };
        let gone: Vec<SessionId> = file
            .sessions
            .iter()
            .filter(|(id, session)| is_gone(id, session))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            // What the machine file claims in all has the session in it.
            let session = file.sessions.remove(&id);
            let claimed = session.and_then(|session| session.claimed);
            if let (Some(all), Some(claimed)) = (&mut file.claimed, claimed) {
                all.totals = all.totals.minus(claimed);
            }
        }
        let until = file.claim_window().map(|window| window.last);
        if is_before(until, self.bound()) {
            file.claimed = None;
        }
    }

    /// Takes records out of a machine file's sessions that are forgotten or pruned, and the
    /// projects of old ones.
    fn shorten_sessions(&self, file: &mut SyncFile, judge: &mut Judge) {
        let machine = file.machine.uuid.clone();
        let pruned = self.pruned_before(&machine);
        for session in file.sessions.values_mut() {
            let mut keeps = |record: &Record| {
                judge.keeps_record(&machine, record, &mut Applied::default())
                    && !is_before(Some(record.origin.timestamp), pruned)
            };
            if session.records.iter().any(|record| !keeps(&record)) {
                let all = session.records.iter();
                session.records = all.filter(|record| keeps(record)).collect();
            }
            // Its id is needed to compare the claim with records; its project is not.
            if session.claimed.is_some() && is_before(session.last_updated, pruned) {
                session.project.clear();
            }
        }
    }

    /// Takes what is forgotten out of an adopted manifest: machines, with the sessions of which no
    /// other machine holds anything, and all that ended before the day that is kept.
    fn apply_adopted(&self, decision: &mut Extra, judge: &mut Judge) {
        let Some(manifest) = decision.get_mut("manifest").and_then(Value::as_object_mut) else {
            return;
        };
        let is_old = |last: &str| is_before(Timestamp::parse(last), self.bound());
        if let Some(machines) = object(manifest, "machines") {
            machines.retain(|id, machine| {
                !self.forgets_id(id) && !is_old(text(&machine["usage_summary"], "last_usage"))
            });
        }
        if let Some(sessions) = object(manifest, "sessions_index") {
            sessions.retain(|id, session| {
                let id = SessionId::new(id.as_str().into());
                judge.keeps(&id, text(session, "project_name"))
                    && !is_old(text(session, "last_updated"))
                    && self.keeps_machines(session)
            });
        }
    }

    /// Takes forgotten machines out of a session's list. Returns whether others are left, or none
    /// was listed.
    fn keeps_machines(&self, session: &mut Value) -> bool {
        let Some(list) = session.get_mut("machines").and_then(Value::as_array_mut) else {
            return true;
        };
        let had = !list.is_empty();
        list.retain(|id| !id.as_str().is_some_and(|id| self.forgets_id(id)));
        !had || !list.is_empty()
    }

    /// Whether all of the machine with this id as text was forgotten.
    fn forgets_id(&self, id: &str) -> bool {
        MachineId::canonical(id).is_some_and(|id| self.machines.contains(&id))
    }
}

/// Empties the file of a forgotten machine. Its decisions stay: they are the fleet's.
fn empty(file: &mut SyncFile) {
    file.sessions.clear();
    file.claimed = None;
    file.limits = PlanLimits::default();
    file.machine.hostname.clear();
    file.machine.extra.clear();
    file.totals = Totals::default();
    (file.first_usage, file.last_usage) = (None, None);
    file.metadata.total_sessions = 0;
    file.metadata.total_usage_records = 0;
}

/// Whether a time lies before a day, where both are known.
fn is_before(at: Option<Timestamp>, day: Option<Day>) -> bool {
    at.zip(day).is_some_and(|(at, day)| at.day() < day)
}

fn object<'v>(value: &'v mut Map<String, Value>, key: &str) -> Option<&'v mut Map<String, Value>> {
    value.get_mut(key).and_then(Value::as_object_mut)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
