//! What two versions of one file of a machine's make together.

use std::mem::take;

use super::dayfile::DayFile;
use super::syncfile::{Claim, Decision, Session, SyncFile};
use crate::base::join::{Join, greater};
use crate::base::json::{Object, join_extra};
use crate::base::time::Timestamp;
use crate::record::PlanLimits;

/// Two versions of what a 1.0 machine file claims in all.
impl Join for Claim {
    fn join(self, other: Self) -> Self {
        Self {
            totals: self.totals.join(other.totals),
            first: earliest(self.first, other.first),
            last: greater(self.last, other.last),
        }
    }
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// A day file is a set of lines.
impl Join for DayFile {
    fn join(mut self, mut other: Self) -> Self {
        for (session, extra) in other.sessions {
            let slot = self.sessions.entry(session).or_default();
            *slot = join_extra(slot, &extra);
        }
        Self {
            machine: self.machine,
            day: self.day,
            extra: join_extra(&self.extra, &other.extra),
            sessions: self.sessions,
            records: self.records.join(take(&mut other.records)),
            sums: self.sums.join(take(&mut other.sums)),
            forgotten: self.forgotten.join(take(&mut other.forgotten)),
            unknown: self.unknown.join(take(&mut other.unknown)),
        }
    }
}

/// Of two decisions with one key the one with the greater text stays.
impl Join for Decision {
    fn join(self, other: Self) -> Self {
        let text = |decision: &Self| Object::new().extra(&decision.0).line();
        if text(&other) > text(&self) {
            other
        } else {
            self
        }
    }
}

/// A machine file. The view of the last sync, which its machine refreshes, comes whole from the
/// version with the greater (revision, `updated_at`, bytes); decisions, claims and the sessions
/// that carry claims are joined, plan limits too, and `created_at` is the smaller.
impl Join for SyncFile {
    fn join(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        let rank = |file: &Self| (file.machine.revision, file.machine.updated_at);
        let order = rank(&self)
            .cmp(&rank(&other))
            .then_with(|| view_text(&self).cmp(&view_text(&other)));
        let (mut head, mut tail) = if order.is_ge() {
            (self, other)
        } else {
            (other, self)
        };
        if order.is_eq() {
            join_views(&mut head, &tail);
        }
        head.machine.created_at = head.machine.created_at.min(tail.machine.created_at);
        head.claimed = head.claimed.join(tail.claimed);
        head.pruned_before = greater(head.pruned_before, tail.pruned_before);
        head.limits = take(&mut head.limits).join(take(&mut tail.limits));
        head.extra = join_extra(&head.extra, &tail.extra);
        head.decisions = take(&mut head.decisions).join(take(&mut tail.decisions));
        for (id, session) in take(&mut tail.sessions) {
            if session.claimed.is_none() {
                continue;
            }
            let joined = match head.sessions.remove(&id) {
                Some(mine) if mine.claimed.is_some() => join_held(mine, session),
                _ => session,
            };
            head.sessions.insert(id, joined);
        }
        head
    }
}

/// Keeps the sessions that either of two views lists. One revision with two views can only be a
/// copy that went its own way.
fn join_views(head: &mut SyncFile, tail: &SyncFile) {
    for (id, session) in &tail.sessions {
        if session.claimed.is_some() {
            continue;
        }
        let mine = head
            .sessions
            .entry(id.clone())
            .or_insert_with(|| session.clone());
        if mine.claimed.is_none() && session.text() > mine.text() {
            *mine = session.clone();
        }
    }
}

/// The text by which a tie between two machine files of equal rank is broken: the view of the last
/// sync, without sessions.
fn view_text(file: &SyncFile) -> String {
    let mut view = file.clone();
    view.machine.created_at = Timestamp::EPOCH;
    view.claimed = None;
    view.pruned_before = None;
    view.limits = PlanLimits::default();
    view.decisions.clear();
    view.extra.clear();
    view.sessions.clear();
    view.write()
}

/// Two versions of a session that carries a claim. It is no view: nobody can refresh it.
fn join_held(a: Session, b: Session) -> Session {
    let state = |s: &Session| (s.last_synced, s.last_index, s.checksum.clone());
    let (last_synced, last_index, checksum) = greater(state(&a), state(&b));
    Session {
        project: greater(a.project, b.project),
        first_seen: earliest(a.first_seen, b.first_seen),
        last_updated: greater(a.last_updated, b.last_updated),
        usage_count: greater(a.usage_count, b.usage_count),
        last_synced,
        last_index,
        checksum,
        state_extra: join_extra(&a.state_extra, &b.state_extra),
        records: a.records.join(b.records),
        totals: a.totals.join(b.totals),
        models: a.models.join(b.models),
        summary_extra: join_extra(&a.summary_extra, &b.summary_extra),
        claimed: a.claimed.join(b.claimed),
        extra: join_extra(&a.extra, &b.extra),
    }
}
