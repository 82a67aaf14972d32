//! How much detail the page has room for.

use super::cells::{Cells, FIRST, LEFT_OUT, NO_HOUR, number};

/// What is kept of the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detail {
    /// Hours of so many of the last days.
    pub(super) hours: i32,
    /// So many sessions: those used last.
    pub(super) sessions: usize,
    /// So many projects: those that cost most. The others are one.
    pub(super) projects: usize,
    /// Whether agents are listed separately.
    pub(super) agents: bool,
    /// So many of the last days.
    pub(super) days: i32,
}

const ALL: Detail = Detail {
    hours: i32::MAX,
    sessions: usize::MAX,
    projects: usize::MAX,
    agents: true,
    days: i32::MAX,
};
/// A hundred days with hours, and no more than some sessions.
const SESSIONS: Detail = Detail { hours: 100, ..ALL };
/// No sessions and hours.
const DAYS: Detail = Detail {
    hours: 0,
    sessions: 0,
    agents: false,
    ..ALL
};

/// What is tried, in this order, until it fits. What is left out first is missed least.
pub(super) const STEPS: [Detail; 11] = [
    ALL,
    Detail { hours: 400, ..ALL },
    SESSIONS,
    Detail {
        sessions: 15_000,
        ..SESSIONS
    },
    Detail {
        sessions: 8000,
        ..SESSIONS
    },
    Detail {
        sessions: 3000,
        ..SESSIONS
    },
    Detail {
        sessions: 1000,
        agents: false,
        ..SESSIONS
    },
    DAYS,
    Detail {
        projects: 20,
        ..DAYS
    },
    Detail {
        projects: 5,
        ..DAYS
    },
    Detail {
        projects: 1,
        days: 1100,
        ..DAYS
    },
];

/// What was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LeftOut {
    /// Hours are known from this day on, if not of all.
    pub(super) hours_since: Option<i32>,
    /// Sessions that are not listed.
    pub(super) sessions: usize,
    /// Projects that are not listed separately.
    pub(super) projects: usize,
    /// Agents are not listed separately.
    pub(super) agents: bool,
    /// Days before this one are left out.
    pub(super) days_before: Option<i32>,
}

impl LeftOut {
    /// Lines for the reader, each with the command that shows what is not here.
    pub(super) fn notes(&self) -> Vec<String> {
        let more = "are left out, so that the page opens at once";
        let sessions = (self.sessions > 0).then(|| {
            let sessions = crate::base::text::count(self.sessions as u64, "older session");
            format!("{sessions} {more}: claude-usage-tracker session lists all.")
        });
        let projects = (self.projects > 0).then(|| {
            let projects = crate::base::text::count(self.projects as u64, "project");
            format!("{projects} that cost least stand together: claude-usage-tracker projects lists all.")
        });
        let agents = self.agents.then(|| {
            "Agents are not listed separately on a page of so much data: see claude-usage-tracker --by agent."
                .to_owned()
        });
        let days = self
            .days_before
            .map(|_| format!("Older days {more}: claude-usage-tracker monthly shows all."));
        [sessions, projects, agents, days]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Cells {
    /// The cells with no more than this detail.
    pub(super) fn reduced(&self, detail: Detail) -> (Self, LeftOut) {
        let mut out = self.clone();
        let mut left = LeftOut::default();
        let last = self.used.iter().map(|(key, _)| key.day).max().unwrap_or(0);
        let first = last.saturating_sub(detail.days).saturating_add(1);
        if out.used.iter().any(|(key, _)| key.day < first) {
            left.days_before = Some(first);
            out.used.retain(|(key, _)| key.day >= first);
        }
        let since = last.saturating_sub(detail.hours).saturating_add(1);
        for (key, _) in out.used.iter_mut().filter(|(key, _)| key.day < since) {
            key.hour = NO_HOUR;
            left.hours_since = Some(since);
        }
        out.keep_sessions(detail.sessions, &mut left);
        out.keep_projects(detail.projects, &mut left);
        if !detail.agents && out.agents.len() > 1 {
            left.agents = true;
            out.agents = vec!["all agents".to_owned()];
            out.used.iter_mut().for_each(|(key, _)| key.agent = 0);
        }
        out.join();
        (out, left)
    }

    fn keep_sessions(&mut self, most: usize, left: &mut LeftOut) {
        left.sessions = self.sessions.len().saturating_sub(most);
        if left.sessions == 0 {
            return;
        }
        self.sessions.drain(..left.sessions);
        let gone = number(left.sessions);
        for (key, _) in &mut self.used {
            key.session = match key.session.checked_sub(FIRST) {
                Some(at) if at < gone => LEFT_OUT,
                Some(at) => (at - gone).saturating_add(FIRST),
                None => key.session,
            };
        }
    }

    fn keep_projects(&mut self, most: usize, left: &mut LeftOut) {
        if self.projects.len() <= most.saturating_add(1) {
            return;
        }
        left.projects = self.projects.len() - most;
        self.projects.truncate(most);
        self.projects.push(format!("{} others", left.projects));
        let others = number(most);
        for (key, _) in &mut self.used {
            key.project = key.project.min(others);
        }
    }
}
