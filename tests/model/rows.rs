//! What transcripts state: rows, and the records that are read from them.

use std::collections::BTreeSet;

use claude_sync::base::ids::{MachineId, RecordId, SessionId};
use claude_sync::base::json::Extra;
use claude_sync::base::money::Cost;
use claude_sync::base::time::{Day, Timestamp};
use claude_sync::record::{
    Body, Client, Counters, Level, Origin, PlanLimits, Record, RecordSet, State,
};

/// A day in milliseconds.
pub const DAY: i64 = 86_400_000;

/// An hour in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// 2026-01-01: slots of days for totals without records begin here.
pub const SLOTS: i64 = 1_767_225_600_000;

/// 2026-03-01: ordinary requests begin here.
pub const START: i64 = 1_772_323_200_000;

/// The models of ordinary requests.
pub const MODELS: [&str; 3] = ["claude-opus-4-8", "claude-sonnet-4-5", "claude-haiku-4-5"];

/// A row of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub request: u32,
    /// Milliseconds since 1970.
    pub at: i64,
    pub session: String,
    pub output: u64,
    pub done: bool,
    pub model: &'static str,
}

/// A machine of the model: what its user has, apart from the repository.
#[derive(Debug, Clone)]
pub struct Home {
    pub id: MachineId,
    pub rows: Vec<Row>,
    /// States of accounts: behind how many rows they are written, when their account began, and what they say.
    pub states: Vec<(usize, i64, State)>,
    /// Rows before this one were read, as the cursors of the local index state.
    pub read: usize,
    pub summary_only: bool,
    pub retention: Option<u32>,
    /// It pushes to a branch of its own.
    pub per_machine: bool,
    /// What Claude Code stated of plan limits.
    pub limits: PlanLimits,
}

/// The id of the machine with this number.
pub fn machine(number: usize) -> MachineId {
    MachineId::canonical(&format!("{number:08x}-0000-4000-8000-000000000000")).expect("an id")
}

pub fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).expect("a time")
}

pub fn day(millis: i64) -> Day {
    time(millis).day()
}

/// What made the request of a time.
pub fn client(at: i64) -> Client {
    let third = at.rem_euclid(3) == 0;
    Client {
        entrypoint: if third { "sdk-py" } else { "cli" }.into(),
        version: format!("2.1.{}", at.rem_euclid(7)).as_str().into(),
        ..Client::default()
    }
}

/// The project of a session.
pub fn project(session: &str) -> &'static str {
    if session.starts_with("old") {
        return "attic";
    }
    let number: usize = session.bytes().map(usize::from).sum();
    ["shop", "blog", "game"][number % 3]
}

/// The message id of a request in transcripts.
pub fn message(request: u32) -> String {
    format!("msg_01AbCdEf{request:016}")
}

/// The id of a request's record.
pub fn record_id(request: u32) -> RecordId {
    RecordId::of("message", &[message(request).as_bytes()])
}

impl Home {
    /// The states that were not read yet. Those at the end of what was read may come again.
    pub fn new_states(&self) -> impl Iterator<Item = &State> {
        self.states
            .iter()
            .filter(|(behind, ..)| *behind >= self.read)
            .map(|(.., state)| state)
    }
}

impl Row {
    pub fn counters(&self) -> Counters {
        Counters {
            input: 10,
            output: self.output,
            cache_creation: 200,
            cache_read: 3000,
            ..Counters::default()
        }
    }

    /// The record that the reader of transcripts makes of it.
    pub fn record(&self) -> Record {
        let body = Body {
            model: self.model.into(),
            counters: self.counters(),
            service_tier: None,
            inference_geo: None,
            provisional: !self.done,
            sidechain: false,
            cost: Cost::default(),
            recorded_cost: None,
        };
        let mut record = Record {
            id: record_id(self.request),
            derived: false,
            origin: Origin {
                level: Level::Full,
                timestamp: time(self.at),
                session: SessionId::new(self.session.as_str().into()),
                project: project(&self.session).into(),
                client: client(self.at),
            },
            index: 0,
            fast: false,
            body,
            twins: BTreeSet::new(),
            ledger: None,
            extra: Extra::new(),
        };
        record.body.cost = record.cost();
        record
    }
}

pub fn records<'r>(rows: impl IntoIterator<Item = &'r Row>) -> RecordSet {
    rows.into_iter().map(Row::record).collect()
}
