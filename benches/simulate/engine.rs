//! Syncs as events under a virtual clock: what a sync does, one remote, and the CPUs that machines
//! share where all of them run on one computer.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::dice::Dice;

/// Seconds.
pub type Seconds = f64;

/// What the steps of a sync take.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    /// CPU from the start to the fetch: reading transcripts, opening the clone.
    pub begin: Seconds,
    /// CPU of a fetch that brings nothing.
    pub fetch: Seconds,
    /// CPU of fetching and joining what others pushed, and of each commit of that.
    pub news: [Seconds; 2],
    /// CPU of making the commit.
    pub assemble: Seconds,
    /// CPU of a push.
    pub push: Seconds,
    /// Waiting for the network, for each connection of git.
    pub connection: Seconds,
    /// Bytes that a commit adds, packed.
    pub commit: f64,
    /// CPUs that all machines share; infinite where each has its own.
    pub cores: f64,
}

/// What happens to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// People: see `people.rs`.
    Day,
    Wake,
    Sleep,
    Answer,
    SessionEnd,
    Timer,
    /// A sync: the transcripts are read, and git connects.
    Dial,
    Dialed,
    /// The fetch knows what the remote has.
    Seen,
    Fetched,
    Assembled,
    /// The push is connected.
    Offered,
    /// The push knows what the remote has.
    Compared,
    /// The remote has all that is pushed, and moves its branch.
    Taken,
}

/// A time that can be sorted, with what comes then.
#[derive(Debug, Clone, Copy)]
struct Due(Seconds, u64, usize, Event);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

/// A machine's part of the simulation.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Requests that the remote lacks, and when the first of them was made.
    pub news: u64,
    pub since: Seconds,
    /// The sync that runs: when it began, what the remote had, and how often it was rejected.
    running: Option<Sync>,
    /// Commits that were fetched.
    have: u64,
}

#[derive(Debug, Clone, Copy)]
struct Sync {
    began: Seconds,
    seen: u64,
    tries: u32,
}

impl Machine {
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

/// What is counted.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub pushes: u64,
    pub rejections: u64,
    /// Syncs that gave up.
    pub failed: u64,
    /// Commits that machines fetched.
    pub fetched: u64,
    /// How long each push took, from the start of its sync.
    pub took: Vec<Seconds>,
    /// How long the oldest request waited that a push brought.
    pub waited: Vec<Seconds>,
    /// When the last push was taken.
    pub last: Seconds,
}

/// So often a rejected push is tried again.
const TRIES: u32 = 100;

/// The simulation.
pub struct Engine {
    pub now: Seconds,
    pub costs: Costs,
    pub dice: Dice,
    pub machines: Vec<Machine>,
    pub counts: Counts,
    /// Commits of the remote's branch.
    version: u64,
    /// What all CPUs have done for each job since the start, so that jobs end in order.
    service: Seconds,
    number: u64,
    timers: BinaryHeap<Reverse<Due>>,
    jobs: BinaryHeap<Reverse<Due>>,
}

impl Engine {
    pub fn new(machines: usize, costs: Costs, seed: u64) -> Self {
        Self {
            now: 0.0,
            costs,
            dice: Dice::new(seed),
            machines: vec![Machine::default(); machines],
            counts: Counts::default(),
            version: 0,
            service: 0.0,
            number: 0,
            timers: BinaryHeap::new(),
            jobs: BinaryHeap::new(),
        }
    }

    /// A random time below `most`.
    pub fn random(&mut self, most: Seconds) -> Seconds {
        self.dice.number(1 << 20) as f64 / f64::from(1 << 20) * most
    }

    /// Has an event come at a time.
    pub fn at(&mut self, when: Seconds, machine: usize, event: Event) {
        self.number += 1;
        let due = Due(when.max(self.now), self.number, machine, event);
        self.timers.push(Reverse(due));
    }

    /// Has an event come after so much work of a CPU.
    fn after_work(&mut self, work: Seconds, machine: usize, event: Event) {
        self.number += 1;
        let due = Due(self.service + work, self.number, machine, event);
        self.jobs.push(Reverse(due));
    }

    /// The next event; none where nothing more happens.
    pub fn next(&mut self) -> Option<(usize, Event)> {
        let speed = (self.costs.cores / self.jobs.len() as f64).min(1.0);
        let job = self.jobs.peek();
        let job = job.map(|job| self.now + (job.0.0 - self.service).max(0.0) / speed);
        let timer = self.timers.peek().map(|timer| timer.0.0);
        let is_job = match (job, timer) {
            (None, None) => return None,
            (Some(job), Some(timer)) => job <= timer,
            (job, None) => job.is_some(),
            (None, Some(_)) => false,
        };
        let when = if is_job { job } else { timer }.unwrap_or(self.now);
        if !self.jobs.is_empty() {
            self.service += (when - self.now) * speed;
        }
        self.now = when;
        let next = if is_job {
            self.jobs.pop()
        } else {
            self.timers.pop()
        };
        next.map(|due| (due.0.2, due.0.3))
    }

    /// A machine makes requests.
    pub fn use_it(&mut self, machine: usize, requests: u64) {
        let (now, one) = (self.now, &mut self.machines[machine]);
        if one.news == 0 {
            one.since = now;
        }
        one.news += requests;
    }

    /// Starts a sync, unless one runs.
    pub fn sync(&mut self, machine: usize) {
        if self.machines[machine].is_running() {
            return;
        }
        self.machines[machine].running = Some(Sync {
            began: self.now,
            seen: 0,
            tries: 0,
        });
        self.after_work(self.costs.begin, machine, Event::Dial);
    }

    /// Goes on with the sync of a machine.
    pub fn go_on(&mut self, at: usize, event: Event) {
        let costs = self.costs;
        let Some(mut sync) = self.machines[at].running else {
            return;
        };
        match event {
            Event::Dial => self.at(self.now + costs.connection / 2.0, at, Event::Dialed),
            Event::Dialed => self.after_work(costs.fetch / 2.0, at, Event::Seen),
            Event::Seen => {
                sync.seen = self.version;
                let came = self.version - self.machines[at].have;
                self.counts.fetched += came;
                self.machines[at].have = self.version;
                self.machines[at].running = Some(sync);
                let [once, each] = costs.news;
                let news = if came > 0 {
                    once + each * came as f64
                } else {
                    0.0
                };
                self.after_work(costs.fetch / 2.0 + news, at, Event::Fetched);
            }
            Event::Fetched if self.machines[at].news == 0 => self.machines[at].running = None,
            Event::Fetched => self.after_work(costs.assemble, at, Event::Assembled),
            Event::Assembled => self.at(self.now + costs.connection / 2.0, at, Event::Offered),
            Event::Offered => self.after_work(costs.push / 2.0, at, Event::Compared),
            Event::Compared | Event::Taken if sync.seen != self.version => self.reject(at, sync),
            Event::Compared => self.after_work(costs.push / 2.0, at, Event::Taken),
            Event::Taken => self.take(at, sync),
            _ => {}
        }
    }

    fn reject(&mut self, at: usize, mut sync: Sync) {
        self.counts.rejections += 1;
        sync.tries += 1;
        if sync.tries >= TRIES {
            self.counts.failed += 1;
            self.machines[at].running = None;
            return;
        }
        self.machines[at].running = Some(sync);
        // As `sync::stages::push` waits.
        let most = (50_u64 << sync.tries.min(6)).min(3000);
        let pause = self.dice.number(most) as f64 / 1000.0;
        self.at(self.now + pause, at, Event::Dial);
    }

    fn take(&mut self, at: usize, sync: Sync) {
        self.version += 1;
        let (now, one) = (self.now, &mut self.machines[at]);
        one.have = self.version;
        one.running = None;
        one.news = 0;
        self.counts.pushes += 1;
        self.counts.took.push(now - sync.began);
        self.counts.waited.push(now - one.since);
        self.counts.last = now;
    }
}
