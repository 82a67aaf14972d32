//! What people do: working days, sessions with pauses, laptops that are closed, and what starts
//! syncs meanwhile.

use crate::engine::{Costs, Counts, Engine, Event, Seconds};

const MINUTE: Seconds = 60.0;
const HOUR: Seconds = 3600.0;
const DAY: Seconds = 24.0 * HOUR;

/// Requests between two answers that a person waits for.
const REQUESTS: u64 = 4;

/// How far automatic syncs stay apart, as `auto_sync` in the settings.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub least: Seconds,
    pub most: Seconds,
    pub per_machine: Seconds,
    /// The end of a session waits for the least interval only.
    pub ends: bool,
}

impl Rate {
    /// The same in fleets of all sizes.
    pub const CONSTANT: Self = Self {
        least: 300.0,
        most: 3600.0,
        per_machine: 0.0,
        ends: true,
    };
    /// The settings' defaults.
    pub const BY_SIZE: Self = Self {
        per_machine: 12.0,
        ..Self::CONSTANT
    };

    pub fn interval(self, machines: usize) -> Seconds {
        (self.per_machine * machines as f64).clamp(self.least, self.most)
    }
}

#[derive(Debug, Clone, Default)]
struct Person {
    /// Three of five work on a laptop, which sleeps when they do not work.
    has_laptop: bool,
    is_awake: bool,
    /// The minute of the hour at which the timer comes.
    minute: Seconds,
    /// When they stop for today.
    until: Seconds,
    /// When the session at hand ends.
    session: Seconds,
    last_sync: Option<Seconds>,
}

/// A fleet at work.
pub struct Fleet {
    engine: Engine,
    people: Vec<Person>,
    interval: Seconds,
    at_end: Seconds,
    days: u32,
}

impl Fleet {
    pub fn new(machines: usize, days: u32, rate: Rate, costs: Costs, seed: u64) -> Self {
        let mut engine = Engine::new(machines, costs, seed);
        let people = (0..machines)
            .map(|at| Person {
                has_laptop: at % 5 < 3,
                is_awake: at % 5 >= 3,
                minute: engine.random(HOUR),
                ..Person::default()
            })
            .collect();
        Self {
            engine,
            people,
            interval: rate.interval(machines),
            at_end: if rate.ends {
                rate.least
            } else {
                rate.interval(machines)
            },
            days,
        }
    }

    /// Lets all days pass.
    pub fn run(mut self) -> Counts {
        for at in 0..self.people.len() {
            self.engine.at(0.0, at, Event::Day);
            if self.people[at].is_awake {
                self.engine.at(self.people[at].minute, at, Event::Timer);
            }
        }
        while let Some((at, event)) = self.engine.next() {
            self.step(at, event);
        }
        self.engine.counts
    }

    fn is_over(&self) -> bool {
        self.engine.now >= DAY * f64::from(self.days)
    }

    fn step(&mut self, at: usize, event: Event) {
        match event {
            Event::Day => self.day(at),
            Event::Wake => self.wake(at),
            Event::Sleep => self.people[at].is_awake = !self.people[at].has_laptop,
            Event::Answer => self.answer(at),
            Event::SessionEnd => self.pause(at),
            Event::Timer => self.timer(at),
            _ => self.engine.go_on(at, event),
        }
    }

    /// Five days a week. Most begin between half past eight and half past nine.
    fn day(&mut self, at: usize) {
        if self.is_over() {
            return;
        }
        let begin = self.engine.now;
        self.engine.at(begin + DAY, at, Event::Day);
        if (begin / DAY) % 7.0 >= 5.0 {
            return;
        }
        let spread: Seconds = (0..4).map(|_| self.engine.random(HOUR / 4.0)).sum();
        self.engine.at(begin + 8.5 * HOUR + spread, at, Event::Wake);
        let spread = self.engine.random(1.5 * HOUR);
        self.people[at].until = begin + 17.0 * HOUR + spread;
    }

    fn wake(&mut self, at: usize) {
        let was_awake = std::mem::replace(&mut self.people[at].is_awake, true);
        let now = self.engine.now;
        if !was_awake {
            // A timer that was missed comes at once, and then every hour.
            let soon = self.engine.random(30.0);
            self.engine.at(now + soon, at, Event::Timer);
        }
        self.engine.at(self.people[at].until, at, Event::Sleep);
        let soon = self.engine.random(5.0 * MINUTE);
        self.begin_session(at, now + soon);
    }

    /// Has a session of a quarter of an hour to an hour begin.
    fn begin_session(&mut self, at: usize, when: Seconds) {
        let length = 15.0 * MINUTE + self.engine.random(50.0 * MINUTE);
        self.people[at].session = when + length;
        self.engine.at(when, at, Event::Answer);
    }

    fn answer(&mut self, at: usize) {
        let now = self.engine.now;
        let person = &self.people[at];
        if now >= person.until || now >= person.session {
            return self.engine.at(now, at, Event::SessionEnd);
        }
        self.engine.use_it(at, REQUESTS);
        self.hook(at, self.interval);
        let next = now + MINUTE + self.engine.random(3.0 * MINUTE);
        self.engine.at(next, at, Event::Answer);
    }

    fn pause(&mut self, at: usize) {
        self.hook(at, self.at_end);
        let now = self.engine.now;
        let pause = 10.0 * MINUTE + self.engine.random(40.0 * MINUTE);
        if now + pause < self.people[at].until {
            self.begin_session(at, now + pause);
        }
    }

    fn hook(&mut self, at: usize, interval: Seconds) {
        let now = self.engine.now;
        let is_due = |last| now - last >= interval;
        if self.people[at].last_sync.is_none_or(is_due) {
            self.begin(at);
        }
    }

    fn timer(&mut self, at: usize) {
        if self.is_over() || !self.people[at].is_awake {
            return;
        }
        self.begin(at);
        self.engine.at(self.engine.now + HOUR, at, Event::Timer);
    }

    fn begin(&mut self, at: usize) {
        if !self.engine.machines[at].is_running() {
            self.people[at].last_sync = Some(self.engine.now);
            self.engine.sync(at);
        }
    }
}
