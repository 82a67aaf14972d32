//! What machine files and manifests of version 1.0 claim beyond their records, as sums.

use super::read::MachineData;
use crate::base::ids::{Name, SessionId};
use crate::base::json::Extra;
use crate::base::money::Cost;
use crate::base::time::Timestamp;
use crate::base::window::Window;
use crate::format::manifest::ManifestMachine;
use crate::format::syncfile::SyncFile;
use crate::record::{Sum, Totals};

/// A machine's claim about one of its sessions, or about all that it used.
pub(super) struct Claim {
    /// Empty where it is about all that the machine used.
    pub(crate) session: SessionId,
    pub(crate) sum: Sum,
    pub(crate) how: Claimed,
}

/// How a claim is shown, beside its figures.
#[derive(Debug, Clone, Default)]
pub(super) struct Claimed {
    /// Empty where it is about several models, or not known.
    pub(crate) model: String,
    /// The first request that it names.
    pub(crate) first: Option<Timestamp>,
    /// When it is booked.
    pub(crate) booked: Option<Timestamp>,
}

impl Claimed {
    /// Joins another claim of the same machine about the same session.
    pub(crate) fn join(&mut self, other: Self) {
        self.model = std::mem::take(&mut self.model).max(other.model);
        self.first = self.first.into_iter().chain(other.first).min();
        self.booked = self.booked.max(other.booked);
    }
}

/// All claims of a machine.
pub(super) fn claims(data: &MachineData) -> Vec<Claim> {
    let mut out = Vec::new();
    if let Some(file) = data.machine_file() {
        out.extend(of_sessions(file));
        out.extend(of_file(file));
    }
    out.extend(data.adopted.as_ref().map(of_entry));
    out
}

/// What a machine file claims of its sessions.
fn of_sessions(file: &SyncFile) -> impl Iterator<Item = Claim> {
    file.sessions.iter().filter_map(|(id, session)| {
        let only_model = session.models.first().filter(|_| session.models.len() == 1);
        let booked = session
            .last_updated
            .or(file.last_usage)
            .or(Some(file.machine.updated_at));
        Some(Claim {
            session: id.clone(),
            sum: sum(session.claim_window(), session.claimed?, &session.project),
            how: Claimed {
                model: only_model.cloned().unwrap_or_default(),
                first: session.first_seen,
                booked,
            },
        })
    })
}

/// What a machine file claims of all that its machine used.
fn of_file(file: &SyncFile) -> Option<Claim> {
    let all = file.claimed?;
    let booked = all
        .last
        .or(file.last_usage)
        .or(Some(file.machine.updated_at));
    Some(about_all(file.claim_window(), all.totals, booked))
}

/// What a manifest of version 1.0 claims of a machine.
fn of_entry(entry: &ManifestMachine) -> Claim {
    let totals = Totals {
        requests: entry.requests,
        cost: Cost::known(entry.cost),
        ..Totals::default()
    };
    let booked = entry.last_usage.or(entry.last_sync).or(entry.first_seen);
    let window = entry.first_seen.zip(entry.last_usage).map(Window::from);
    about_all(window, totals, booked)
}

fn about_all(window: Option<Window>, totals: Totals, booked: Option<Timestamp>) -> Claim {
    Claim {
        session: SessionId::new(Name::default()),
        sum: sum(window, totals, ""),
        how: Claimed {
            booked,
            ..Claimed::default()
        },
    }
}

fn sum(window: Option<Window>, totals: Totals, project: &str) -> Sum {
    Sum {
        window,
        totals,
        project: project.to_owned(),
        deducted: None,
        extra: Extra::new(),
    }
}
