//! The operations, drawn at random.

mod decisions;
mod imports;

use crate::model::foreign;
use crate::model::play::{MACHINES, Play};
use crate::model::rows::{DAY, HOUR, day, machine};
use crate::model::site::{How, Plain, Run};
use crate::model::slots::{Kind, Slot};

/// All operations, as they are counted.
pub const ALL: [&str; 68] = [
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
    "clone made anew",
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
    "machine put into a group",
    "user of a machine stated",
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
    LATER_PRICES,
];

/// One machine runs a version with later prices than the others.
pub const LATER_PRICES: &str = "machine with later prices";

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
            732..740 if !self.is_attacked => self.lose_clone(at),
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
            830..845 => self.merge(at),
            845..848 => self.group(at),
            848..850 => self.name_user(at),
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

    /// What only the clone has would be lost with it, so that it is pushed before.
    fn lose_clone(&mut self, at: usize) {
        let run = self.run(How::Online);
        if self.sync(at, &run) {
            self.site.lose_clone(at, &self.homes[at], self.now);
            self.homes[at].read = 0;
            self.lose_limits(at);
            self.did("clone made anew");
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
}
