//! The operations, drawn at random.

use claude_sync::base::ids::MachineId;

use crate::foreign;
use crate::play::{MACHINES, Play};
use crate::rows::{DAY, HOUR, Row, START, day, machine, project};
use crate::site::{How, Import, Plain, Run};
use crate::slots::{Kind, Slot};
use crate::truth::Forgotten;

/// All operations, as they are counted.
pub const ALL: [&str; 64] = [
    "new requests",
    "row grew",
    "late row with an earlier time",
    "session resumed or forked",
    "transcript copied",
    "transcripts cleaned up",
    "sync",
    "full sync",
    "offline sync",
    "killed before push",
    "git pull",
    "git pull --rebase",
    "git push without hooks",
    "git revert",
    "git reset",
    "forced push of an older state",
    "merge of unrelated histories",
    "branch of a machine deleted",
    "index lost",
    "summary-only on",
    "summary-only off",
    "retention on",
    "retention off",
    "gap without usage",
    "clock a year ahead",
    "forget session",
    "forget project",
    "forget machine",
    "forget before",
    "forget a claimed session",
    "machine merge",
    "machine id copied",
    "import of a backup",
    "import of ccusage",
    "import of ccusage elsewhere",
    "import of statistics",
    "1.0 machine file",
    "1.0 manifest",
    "newer version's lines",
    "encryption switched on",
    "history compacted",
    "price decision",
    "session with an account",
    "end of a session with an account",
    "kill of a session with an account",
    "session with an account on two machines",
    "fork of a session with an account",
    "forget undone",
    "plain day file pushed",
    "plain machine file pushed",
    "sealed file damaged",
    "sealed file moved",
    "markers in a sealed file",
    "file of another key",
    "file of a later sealing",
    "newer manifest pushed",
    "files deleted",
    "remote rewound",
    "remote emptied",
    "remote begun anew",
    "name that git refuses",
    "encrypted from the start",
    "sync under attack",
    "limits stated",
];

impl Play<'_> {
    /// What there is before the model's machines come: a fleet of version 1.0, in half of the runs.
    pub fn begin(&mut self) {
        if self.is_attacked {
            // Everybody knows that the fleet is encrypted before the pusher comes.
            self.site.encrypt(0, self.now);
            for at in 0..MACHINES {
                self.simple(at, How::Online, "encrypted from the start");
            }
            return;
        }
        if self.dice.chance(50) {
            return;
        }
        let mut slots: Vec<Slot> = Vec::new();
        for _ in 0..=self.dice.below(2) {
            if let Some(slot) = self.slot(Kind::Claim, 0, true) {
                self.keep_rows(0, &slot);
                self.truth.slots.push(slot.clone());
                slots.push(slot);
            }
        }
        let listed: Vec<(&Slot, usize)> = slots
            .iter()
            .map(|slot| (slot, self.dice.below(slot.requests.len() + 1)))
            .collect();
        let id = self.homes[0].id.clone();
        let mut files = vec![(
            format!("sync/machines/{id}.json"),
            foreign::machine_file(&id, &listed),
        )];
        self.did("1.0 machine file");
        if self.dice.chance(60)
            && let Some(mut slot) = self.slot(Kind::Manifest, 0, false)
        {
            slot.holder = machine(90);
            files.push(("sync/manifest.json".to_owned(), foreign::manifest(&slot)));
            self.truth.slots.push(slot);
            self.did("1.0 manifest");
        }
        if !self.site.plant(&files) {
            self.truth.slots.clear();
        }
        // Somebody has what a forced push may take away.
        let run = self.run(How::Online);
        self.sync(0, &run);
    }

    /// One operation of one machine.
    pub fn step(&mut self, number: usize) {
        let at = self.dice.below(MACHINES);
        self.now += HOUR + i64::try_from(self.dice.number(3)).expect("small") * HOUR / 2;
        let dice = self.dice.below(1000);
        self.say(format!(
            "step {number}: machine {at}, dice {dice}, {}",
            day(self.now)
        ));
        self.perhaps_state_limits(at);
        if self.is_attacked && self.dice.chance(25) {
            self.attack();
            return self.simple(at, How::Online, "sync under attack");
        }
        match dice {
            0..260 => self.use_it(at),
            260..480 => self.simple(at, How::Online, "sync"),
            480..500 => {
                let run = Run {
                    full: true,
                    ..self.run(How::Online)
                };
                self.sync(at, &run);
                self.did("full sync");
            }
            500..550 => self.simple(at, How::Offline, "offline sync"),
            550..590 => {
                let how = How::Killed(self.dice.below(4));
                self.simple(at, how, "killed before push");
            }
            590..690 => self.git(at),
            690..720 => {
                self.homes[at].rows.clear();
                self.homes[at].states.clear();
                self.open.retain(|open| open.home != at);
                self.homes[at].read = 0;
                self.did("transcripts cleaned up");
            }
            720..740 => {
                self.site.lose_index(at);
                self.homes[at].read = 0;
                self.lose_limits(at);
                self.did("index lost");
            }
            740..762 => self.switch_detail(at),
            762..775 => self.compact(at),
            775..795 => {
                self.now += 40 * DAY;
                self.did("gap without usage");
            }
            795..805 => {
                let run = self.run(How::Online);
                self.sync(
                    at,
                    &Run {
                        now: run.now + 365 * DAY,
                        ..run
                    },
                );
                self.did("clock a year ahead");
            }
            805..830 => self.forget(at),
            830..850 => self.merge(at),
            850..860 => self.copy_id(at),
            860..910 => self.import(at),
            // What another tool pushes in clear is no part of an encrypted fleet.
            910..930 if !self.is_encrypted => self.claim(at),
            930..960 => self.newer(at),
            960..965 if self.encrypts => {
                if self.site.encrypt(at, self.now) {
                    self.is_encrypted = true;
                    self.did("encryption switched on");
                }
            }
            965..988 => self.account(at),
            988..998 if self.priced => {
                let models = ["claude-opus-*", "claude-sonnet-4-5", "*"];
                let price = Some((
                    models[self.dice.below(3)],
                    [0, 500, 850][self.dice.below(3)],
                ));
                let run = Run {
                    price,
                    ..self.run(How::Online)
                };
                if self.sync(at, &run) {
                    self.did("price decision");
                }
            }
            998..1000 => self.undo(at),
            _ => self.flush(false),
        }
    }

    fn simple(&mut self, at: usize, how: How, what: &'static str) {
        let run = self.run(how);
        if self.sync(at, &run) {
            self.did(what);
        }
    }

    /// Old commits are folded: by one machine, and sometimes that run is killed.
    fn compact(&mut self, at: usize) {
        let how = if self.dice.chance(25) {
            How::Killed(self.dice.below(4))
        } else {
            How::Online
        };
        let run = Run {
            compact: Some([0, 0, 30][self.dice.below(3)]),
            ..self.run(how)
        };
        if self.sync(at, &run) {
            self.did("history compacted");
        }
    }

    fn git(&mut self, at: usize) {
        let own_branches = self.homes.iter().any(|home| home.per_machine);
        let (plain, what) = [
            (Plain::Pull, "git pull"),
            (Plain::PullRebase, "git pull --rebase"),
            (Plain::Push, "git push without hooks"),
            (Plain::Revert, "git revert"),
            (Plain::Reset, "git reset"),
            (Plain::ForcePush, "forced push of an older state"),
            (Plain::Unrelated, "merge of unrelated histories"),
            (Plain::DropBranch, "branch of a machine deleted"),
        ][self.dice.below(if own_branches { 8 } else { 7 })];
        let pick = self.dice.below(1000);
        if self.site.plain(at, plain, pick) {
            self.say(format!("  {what}"));
            self.did(what);
            self.site.check(at, false);
        }
    }

    fn switch_detail(&mut self, at: usize) {
        let days = [3, 10, 30][self.dice.below(3)];
        let by_retention = self.dice.chance(50);
        let home = &mut self.homes[at];
        let what = if by_retention {
            home.retention = if home.retention.is_none() {
                Some(days)
            } else {
                None
            };
            if home.retention.is_some() {
                "retention on"
            } else {
                "retention off"
            }
        } else {
            home.summary_only = !home.summary_only;
            // Another reader: everything is read again.
            home.read = 0;
            if home.summary_only {
                "summary-only on"
            } else {
                "summary-only off"
            }
        };
        self.say(format!("  {what}"));
        self.did(what);
    }

    fn forget(&mut self, at: usize) {
        if self.homes[at].per_machine || self.truth.forgotten.len() >= 3 {
            return;
        }
        // It is asked of what this machine knows of.
        let run = self.run(How::Online);
        self.sync(at, &run);
        let used: Vec<&Row> = self.homes[at]
            .rows
            .iter()
            .filter(|row| !row.session.starts_with("old"))
            .collect();
        let some = (!used.is_empty()).then(|| used[self.dice.below(used.len())].clone());
        let claims: Vec<String> = self
            .truth
            .slots
            .iter()
            .filter(|slot| slot.kind == Kind::Claim)
            .map(Slot::session)
            .collect();
        let (what, name) = match (self.dice.below(10), some) {
            (0..4, Some(row)) => (Forgotten::Session(row.session), "forget session"),
            (4, Some(row)) => (Forgotten::Project(project(&row.session)), "forget project"),
            (5 | 6, _) if self.dice.chance(50) && number_of(&self.truth.forgotten) == 0 => (
                Forgotten::Machine(self.homes[self.dice.below(MACHINES)].id.clone()),
                "forget machine",
            ),
            (7 | 8, _) => {
                let slot = crate::slots::start(self.dice.below(crate::slots::MOST)) - 2 * DAY;
                let recent = day((self.now - 20 * DAY).max(START)).start().millis();
                (
                    Forgotten::Before(if self.dice.chance(50) { slot } else { recent }),
                    "forget before",
                )
            }
            (9, _) if !claims.is_empty() => (
                Forgotten::Session(claims[self.dice.below(claims.len())].clone()),
                "forget a claimed session",
            ),
            _ => return,
        };
        self.say(format!("  {what:?}"));
        let doomed = match &what {
            Forgotten::Session(id) => self.counted_under(at, &|session, _| session == id),
            Forgotten::Project(name) => self.counted_under(at, &|_, project| project == *name),
            _ => Vec::new(),
        };
        let run = Run {
            forget: Some(what.clone()),
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.truth.doomed.push((what.clone(), doomed));
            self.truth.forgotten.push(what);
            self.did(name);
        }
    }

    /// Somebody takes back what was forgotten last.
    fn undo(&mut self, at: usize) {
        let is_plain = |what: &Forgotten| match what {
            Forgotten::Session(session) => !session.starts_with("old"),
            Forgotten::Project(_) => true,
            _ => false,
        };
        let Some(what) = self
            .truth
            .forgotten
            .last()
            .filter(|what| is_plain(what) && !self.homes[at].per_machine)
            .cloned()
        else {
            return;
        };
        // It is asked of what this machine knows of.
        let run = self.run(How::Online);
        self.sync(at, &run);
        self.say(format!("  undo {what:?}"));
        let run = Run {
            undo: Some(what.clone()),
            full: true,
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.truth.take_back(&what);
            self.did("forget undone");
        }
    }

    fn merge(&mut self, at: usize) {
        let mut ids: Vec<MachineId> = self.homes.iter().map(|home| home.id.clone()).collect();
        ids.extend(
            self.truth
                .slots
                .iter()
                .map(|slot| slot.holder.clone())
                .filter(|id| *id != machine(90)),
        );
        ids.sort();
        ids.dedup();
        let (from, into) = (
            ids[self.dice.below(ids.len())].clone(),
            ids[self.dice.below(ids.len())].clone(),
        );
        let known = |id: &MachineId| self.has(at, &format!("sync/machines/{id}.json"));
        if from == into
            || self.truth.merged.contains_key(&from)
            || self.truth.merged.len() >= 3
            || !known(&from)
            || !known(&into)
        {
            return;
        }
        self.merge_ids(at, from, into);
    }

    fn merge_ids(&mut self, at: usize, from: MachineId, into: MachineId) {
        self.say(format!("  {} is {} now", from.short(), into.short()));
        let run = Run {
            merge: Some((from.clone(), into.clone())),
            ..self.run(How::Online)
        };
        if self.sync(at, &run) {
            self.truth.merged.insert(from, into);
            self.did("machine merge");
        }
    }

    fn copy_id(&mut self, at: usize) {
        let other = self.dice.below(MACHINES);
        if self.homes[at].per_machine
            || self.homes[other].per_machine
            || self.homes[at].id == self.homes[other].id
        {
            return;
        }
        self.homes[at].id = self.homes[other].id.clone();
        self.homes[at].read = 0;
        self.say(format!("  it has the id of {other} now"));
        self.did("machine id copied");
    }

    /// The rows of a slot that stand in transcripts: now, or later.
    pub fn keep_rows(&mut self, at: usize, slot: &Slot) {
        let now = self.dice.chance(50);
        for row in slot.rows().cloned() {
            if now {
                self.homes[at].rows.push(row);
            } else {
                self.late.push((at, row));
            }
        }
    }

    fn import(&mut self, at: usize) {
        let (kind, name) = match self.dice.below(6) {
            0 | 1 => return self.import_backup(at),
            2 | 3 => (Kind::Ccusage, "import of ccusage"),
            4 => (Kind::Elsewhere, "import of ccusage elsewhere"),
            _ => (Kind::Statistics, "import of statistics"),
        };
        let kept = kind != Kind::Statistics || self.dice.chance(30);
        let Some(mut slot) = self.slot(kind, at, kept) else {
            return;
        };
        let keeper = if kind == Kind::Elsewhere {
            (at + 1 + self.dice.below(MACHINES - 1)) % MACHINES
        } else {
            at
        };
        if kind == Kind::Elsewhere {
            slot.kept = slot.requests.iter().map(|row| row.request).collect();
        }
        self.keep_rows(keeper, &slot);
        self.truth.slots.push(slot.clone());
        let zones = ["UTC", "Asia/Tokyo", "America/St_Johns"];
        for _ in 0..=self.dice.below(2) {
            let import = if kind == Kind::Statistics {
                Import::Statistics(foreign::statistics(&slot))
            } else {
                Import::Ccusage(foreign::ccusage(&slot), zones[self.dice.below(3)])
            };
            self.say(format!("  {name}: slot {}", slot.number));
            let run = Run {
                import: Some(import),
                ..self.run(How::Online)
            };
            self.sync(at, &run);
        }
        self.did(name);
    }

    /// A copy of somebody's transcripts, and sessions that nobody else has any more.
    fn import_backup(&mut self, at: usize) {
        let from = self.dice.below(MACHINES);
        let mut rows: Vec<Row> = self.homes[from]
            .rows
            .iter()
            .filter(|row| !row.session.starts_with("old"))
            .cloned()
            .collect();
        rows.truncate(self.dice.below(8));
        for _ in 0..self.dice.below(3) {
            let back = i64::try_from(self.dice.number(200)).expect("small") * HOUR;
            let session = format!("s{}", self.dice.below(9));
            let at = (self.now - back).max(START) + i64::from(self.next);
            rows.push(Row {
                request: self.next,
                at,
                session,
                output: 30,
                done: true,
                model: crate::rows::MODELS[0],
            });
            self.next += 1;
        }
        if !rows.is_empty() {
            let run = Run {
                import: Some(Import::Backup(rows)),
                ..self.run(How::Online)
            };
            self.sync(at, &run);
            self.did("import of a backup");
        }
    }

    /// Another tool of version 1.0 pushes the file of a machine that is gone; mostly it is this computer's own old id.
    fn claim(&mut self, at: usize) {
        if self.homes[at].per_machine {
            return;
        }
        let own = self.dice.chance(60);
        let Some(mut slot) = self.slot(Kind::Claim, at, own) else {
            return;
        };
        slot.holder = machine(100 + slot.number);
        let listed = self.dice.below(slot.requests.len() + 1);
        self.say(format!(
            "  1.0 file of slot {}, {listed} listed, own: {own}",
            slot.number
        ));
        let file = (
            format!("sync/machines/{}.json", slot.holder),
            foreign::machine_file(&slot.holder, &[(&slot, listed)]),
        );
        self.keep_rows(at, &slot);
        self.truth.slots.push(slot.clone());
        if !self.site.plant(&[file]) {
            self.truth.slots.pop();
            return;
        }
        self.did("1.0 machine file");
        let run = self.run(How::Online);
        self.sync(at, &run);
        if own {
            let into = self.homes[at].id.clone();
            self.merge_ids(at, slot.holder, into);
        }
    }
}

/// How many machines were forgotten.
fn number_of(forgotten: &[Forgotten]) -> usize {
    forgotten
        .iter()
        .filter(|one| matches!(one, Forgotten::Machine(_)))
        .count()
}
