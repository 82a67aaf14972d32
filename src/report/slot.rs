//! The keys of groups, and of the parts of a group.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::choice::{Breakdown, Choice, ReportKind};
use crate::base::ids::SessionId;
use crate::fleet::{Fleet, Row, Tag};

/// The name of an unknown model or origin.
pub(super) const UNKNOWN: &str = "unknown";

/// The key of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    Day(NaiveDate),
    Week(NaiveDate),
    Month(NaiveDate),
    Session(Option<SessionId>),
    Machine(usize),
    Project(String),
    Model(String),
    /// A group or a user. Which one a machine has is known after all rows are added: until then its
    /// rows are in a slot of the machine.
    Tag(String),
}

impl Slot {
    /// The slot of a row.
    pub(super) fn of(row: &Row, date: NaiveDate, kind: ReportKind, choice: &Choice) -> Self {
        match kind {
            ReportKind::Daily => Self::Day(date),
            ReportKind::Weekly => Self::Week(choice.week_of(date)),
            ReportKind::Monthly => Self::Month(choice.month_of(date)),
            ReportKind::Session => Self::Session(row.session.cloned()),
            ReportKind::Machines | ReportKind::Groups | ReportKind::Users => {
                Self::Machine(row.machine)
            }
            ReportKind::Projects => Self::Project(row.project.to_owned()),
            ReportKind::Models => Self::Model(model(row).into_owned()),
        }
    }

    /// Whether it is the slot of a row.
    pub(super) fn holds(&self, row: &Row, date: NaiveDate, choice: &Choice) -> bool {
        match self {
            Self::Day(day) => *day == date,
            Self::Week(first) => (0..7).contains(&(date - *first).num_days()),
            Self::Month(first) => *first == choice.month_of(date),
            Self::Session(session) => session.as_ref() == row.session,
            Self::Machine(at) => *at == row.machine,
            Self::Project(project) => project == row.project,
            Self::Model(name) => *name == model(row),
            Self::Tag(_) => false,
        }
    }

    /// The slot in a report by a tag of machines.
    pub(super) fn by_tag(self, tag: Tag, fleet: &Fleet) -> Self {
        match self {
            Self::Machine(at) => Self::Tag(fleet.machines[at].tag(tag).to_owned()),
            other => other,
        }
    }
}

/// The end of the name of a model in fast mode, which has other prices. Some names end so by
/// themselves.
const FAST: &str = "-fast";

/// A row's model, or [`UNKNOWN`]. Fast mode is a model of its own.
pub(super) fn model<'a>(row: &Row<'a>) -> Cow<'a, str> {
    in_mode(base_model(row), row.fast)
}

/// A row's model in any mode, or [`UNKNOWN`].
pub(super) fn base_model<'a>(row: &Row<'a>) -> &'a str {
    if row.model.is_empty() {
        UNKNOWN
    } else {
        row.model
    }
}

/// The name of a model in a mode.
pub(super) fn in_mode(model: &str, fast: bool) -> Cow<'_, str> {
    if fast && !model.ends_with(FAST) {
        Cow::Owned(format!("{model}{FAST}"))
    } else {
        Cow::Borrowed(model)
    }
}

/// How Claude Code was started for a request.
fn origin<'a>(row: &Row<'a>) -> &'a str {
    let word = row.client.map(|client| &*client.entrypoint);
    word.filter(|word| !word.is_empty()).unwrap_or(UNKNOWN)
}

/// The kind of subagent that made a request, or the main thread.
pub(super) fn agent<'a>(row: &Row<'a>) -> &'a str {
    match row.client {
        Some(client) if !client.agent.is_empty() => &client.agent,
        // Retention removes the kind of a subagent, but not that it is one.
        _ if row.sidechain => "subagent",
        Some(_) => "main",
        None => UNKNOWN,
    }
}

/// The key of a part of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PartKey {
    Machine(usize),
    Project(String),
    /// A word of Claude Code, or the name of an unknown one.
    Word(String),
}

impl PartKey {
    /// The part of a row.
    pub(super) fn of(row: &Row, split: Breakdown) -> Self {
        match split {
            Breakdown::Project => Self::Project(row.project.to_owned()),
            Breakdown::Origin => Self::Word(origin(row).to_owned()),
            Breakdown::Agent => Self::Word(agent(row).to_owned()),
            // Which group and user a machine has is known after all rows are added.
            Breakdown::Machine | Breakdown::Model | Breakdown::Group | Breakdown::User => {
                Self::Machine(row.machine)
            }
        }
    }

    /// Its name in a report. `machines`: the names of machines, or of their groups or users.
    pub(super) fn name(self, machines: &[String]) -> String {
        match self {
            Self::Machine(at) => machines[at].clone(),
            Self::Project(name) | Self::Word(name) => name,
        }
    }

    /// Whether it is the part of a row.
    pub(super) fn holds(&self, row: &Row, split: Breakdown) -> bool {
        match self {
            Self::Machine(at) => *at == row.machine,
            Self::Project(project) => project == row.project,
            Self::Word(word) if split == Breakdown::Agent => word == agent(row),
            Self::Word(word) => word == origin(row),
        }
    }
}
