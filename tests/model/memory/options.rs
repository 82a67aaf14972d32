//! The options of a run, and what it brings.

use std::path::PathBuf;

use claude_sync::fleet::authority::UNDONE;
use claude_sync::fleet::book;
use claude_sync::fleet::decisions::{GROUP, Intent, MERGED, PRICE, USER};
use claude_sync::fleet::rules::{FORGOTTEN, Subject};
use claude_sync::format::manifest::{BASIS, Basis};
use claude_sync::format::syncfile::Mode;
use claude_sync::prices::{Change, PriceTable, Rule};
use claude_sync::record::PlanLimits;
use claude_sync::report::Zone;
use claude_sync::sync::import::{Import as Opened, What};
use claude_sync::sync::{Brought, Host, Options};

use super::Memory;
use crate::model::rows::{Home, records, time};
use crate::model::site::{How, Import, Run};
use crate::model::truth::Forgotten;

impl Memory {
    /// The first machine runs a version with later prices than the others.
    pub fn play_later_prices(&mut self) {
        self.later_prices = true;
    }

    /// What a machine computes manifests by.
    pub(super) fn basis(&self, at: usize) -> Basis {
        let later = self.later_prices && at == 0;
        Basis {
            prices: BASIS.prices.map(|table| PriceTable {
                edition: table.edition + u64::from(later),
                ..table
            }),
            ..BASIS
        }
    }

    pub(super) fn options(&self, at: usize, home: &Home, run: &Run) -> Options {
        let subject = |what: &Forgotten| {
            let subject = match what {
                Forgotten::Session(id) => Subject::Session(id.clone()),
                Forgotten::Project(name) => Subject::Project((*name).to_owned()),
                Forgotten::Machine(id) => Subject::Machine(id.clone()),
                Forgotten::Before(at) => Subject::Before(crate::model::rows::day(*at)),
            };
            subject.tombstone("salt", None)
        };
        let undo = run.undo.as_ref().map(|what| Intent {
            kind: FORGOTTEN,
            subject: subject(what).0,
            key: UNDONE,
            value: true.into(),
        });
        let forget = run.forget.as_ref().map(|what| {
            let (subject, says) = subject(what);
            let value = says
                .get("salt")
                .cloned()
                .unwrap_or(serde_json::Value::Bool(true));
            Intent {
                kind: FORGOTTEN,
                subject,
                key: if says.is_empty() { "all" } else { "salt" },
                value,
            }
        });
        let merge = run.merge.as_ref().map(|(from, into)| Intent {
            kind: MERGED,
            subject: from.to_string(),
            key: "into",
            value: into.as_str().into(),
        });
        let group = run.group.as_ref().map(|(machine, name)| Intent {
            kind: GROUP,
            subject: machine.to_string(),
            key: GROUP,
            value: (*name).into(),
        });
        let user = run.user.map(|name| Intent {
            kind: USER,
            subject: home.id.to_string(),
            key: USER,
            value: name.into(),
        });
        Options {
            mode: if run.full {
                Mode::Full
            } else {
                Mode::Incremental
            },
            intents: forget
                .into_iter()
                .chain(undo)
                .chain(merge)
                .chain(group)
                .chain(user)
                .chain(run.price.map(price))
                .collect(),
            summary_only: home.summary_only,
            offline: run.how == How::Offline,
            retention_days: home.retention,
            front_page: (self.front_page && self.nodes.iter().all(|node| node.head.is_none()))
                .then_some(true),
            host: Host {
                hostname: format!("host-{}", home.id.short()),
                platform: "linux".into(),
                os_version: "1".into(),
                fingerprint: String::new(),
            },
            program: PathBuf::from("/nowhere/claude-sync"),
            basis: self.basis(at),
            ..Options::new(time(run.now))
        }
    }

    pub(super) fn brought(&self, home: &Home, run: &Run) -> Brought {
        let mut out = Brought {
            records: records(&home.rows[home.read..]),
            states: home.new_states().cloned().collect(),
            limits: if home.summary_only {
                PlanLimits::default()
            } else {
                home.limits.clone()
            },
            ..Brought::default()
        };
        let mut sums = |text: &str, zone: &str| {
            let path = self.folder.path().join("import.json");
            std::fs::write(&path, text).expect("written");
            let zone = Zone::parse(zone).expect("a zone");
            let opened = Opened::open(&path, None, &|date| zone.range(date), time(run.now))
                .expect("it can be imported");
            if let What::Sums(sums) = opened.what {
                out.sums = sums;
            }
        };
        match &run.import {
            None => {}
            Some(Import::Backup(rows)) => out.imported = records(rows),
            Some(Import::Ccusage(text, zone)) => sums(text, zone),
            Some(Import::Statistics(text)) => sums(text, "UTC"),
        }
        out
    }
}

/// The decision about a factor on prices.
pub(super) fn price((pattern, permille): (&str, u64)) -> Intent {
    let rule = Rule {
        pattern: pattern.to_owned(),
        from: None,
        to: None,
        change: Change::Multiply(permille.max(1)),
    };
    let value = if permille == 0 {
        serde_json::Value::Null
    } else {
        book::write(&rule)
    };
    Intent {
        kind: PRICE,
        subject: book::subject(&rule),
        key: "price",
        value,
    }
}
