//! Imports of backups and totals, and claims of format 1.0.

use crate::model::foreign;
use crate::model::play::{MACHINES, Play};
use crate::model::rows::{HOUR, Row, START, machine};
use crate::model::site::{How, Import, Run};
use crate::model::slots::{Kind, Slot};

impl Play<'_> {
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

    pub(super) fn import(&mut self, at: usize) {
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
    pub(super) fn import_backup(&mut self, at: usize) {
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
                model: crate::model::rows::MODELS[0],
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
    pub(super) fn claim(&mut self, at: usize) {
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
