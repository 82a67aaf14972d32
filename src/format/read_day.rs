//! Reading day files, damaged ones too.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::dayfile::{Damage, DayFile, Forgotten, hex};
use super::error::{FormatError, check_version};
use super::limits::{MAX_DAY_FILE, MAX_FILE_SESSIONS};
use super::line::{Line, read_line};
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::json::{Fields, join_extra};
use crate::base::time::Day;
use crate::record::{Level, Record, Sum, SumKey};

impl DayFile {
    /// Reads the file of a machine's day.
    ///
    /// Damaged lines are counted and passed over, and so are the markers that a text merge leaves:
    /// what stands between them are lines like any other, and a set takes both sides.
    pub(crate) fn read(
        machine: &MachineId,
        day: Day,
        bytes: &[u8],
        names: &mut Interner,
    ) -> Result<(Self, Damage), FormatError> {
        if bytes.len() > MAX_DAY_FILE {
            return Err(FormatError::TooLarge {
                size: bytes.len(),
                most: MAX_DAY_FILE,
            });
        }
        let mut reading = Reading::new(Self::new(machine.clone(), day));
        let mut header = false;
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let Ok(text) = std::str::from_utf8(line) else {
                reading.damage.lines += 1;
                continue;
            };
            // Two equal headers become one in a text merge; those that differ in unknown members
            // stand twice.
            let is_first = !header && text.starts_with('{');
            let is_header = is_first || header && is_header(text);
            if is_header {
                reading.file.read_header(text)?;
                header = true;
            } else {
                reading.line(text, names);
                if reading.hashes.len() > MAX_FILE_SESSIONS {
                    return Err(FormatError::TooManySessions);
                }
            }
        }
        if !header {
            return Err(no_header());
        }
        Ok(reading.finish(names))
    }

    fn read_header(&mut self, text: &str) -> Result<(), FormatError> {
        let value: Value = serde_json::from_str(text).map_err(|_| no_header())?;
        let mut fields = Fields::of(value).ok_or_else(no_header)?;
        check_version(&fields.text("version")?)?;
        let (machine, day) = (fields.text("machine")?, fields.text("day")?);
        if machine != self.machine.as_str() || day != self.day.to_string() {
            return Err(FormatError::Misplaced(crate::base::text::printable(
                &format!("{machine}, {day}"),
                60,
            )));
        }
        self.extra = join_extra(&self.extra, &fields.rest());
        Ok(())
    }
}

fn no_header() -> FormatError {
    FormatError::Malformed("its first line is no header".to_owned())
}

/// A file while its lines are read.
struct Reading {
    file: DayFile,
    damage: Damage,
    /// Project and checksum of each session line.
    sessions: BTreeMap<SessionId, (String, String)>,
    /// Records and sums with the project of their session line, which may follow them.
    records: Vec<Record>,
    sums: Vec<(SumKey, Sum)>,
    /// What stands below each session line.
    hashes: BTreeMap<SessionId, Sha256>,
}

impl Reading {
    fn new(file: DayFile) -> Self {
        Self {
            file,
            damage: Damage::default(),
            sessions: BTreeMap::new(),
            records: Vec::new(),
            sums: Vec::new(),
            hashes: BTreeMap::new(),
        }
    }

    fn line(&mut self, text: &str, names: &mut Interner) {
        let Some(line) = read_line(text, self.file.day, names) else {
            self.damage.lines += 1;
            return;
        };
        let session = match &line {
            Line::Record(record, _) => Some(&record.origin.session),
            Line::Sum(key, ..) => Some(&key.session),
            Line::Unknown(session, _) => session.as_ref(),
            Line::Session { .. } | Line::Forgotten(..) => None,
        };
        if let Some(session) = session {
            let hash = self.hashes.entry(session.clone()).or_default();
            hash.update(text);
            hash.update(b"\n");
        }
        self.put(line);
    }

    fn put(&mut self, line: Line) {
        match line {
            Line::Session {
                session,
                project,
                checksum,
                extra,
            } => {
                let slot = self.file.sessions.entry(session.clone()).or_default();
                *slot = join_extra(slot, &extra);
                self.sessions.insert(session, (project, checksum));
            }
            Line::Record(record, None) if record.origin.level > Level::Bare => {
                self.records.push(record);
            }
            Line::Record(record, _) => self.file.records.add(record),
            Line::Sum(key, sum, true) => self.file.add_sum(key, sum),
            Line::Sum(key, sum, false) => self.sums.push((key, sum)),
            Line::Forgotten(id, by) => {
                self.file.forgotten.insert(Forgotten { id, by });
            }
            Line::Unknown(session, text) => {
                self.file.unknown.insert((session, text));
            }
        }
    }

    fn finish(mut self, names: &mut Interner) -> (DayFile, Damage) {
        let sessions = &self.sessions;
        let project = |session: &SessionId| sessions.get(session).map(|(project, _)| project);
        for mut record in self.records {
            let project = project(&record.origin.session);
            record.origin.project = names.name(project.map_or("", String::as_str));
            self.file.records.add(record);
        }
        for (key, mut sum) in self.sums {
            sum.project = project(&key.session).cloned().unwrap_or_default();
            self.file.add_sum(key, sum);
        }
        for (session, (_, checksum)) in self.sessions {
            let actual = self.hashes.remove(&session).unwrap_or_default();
            if hex(actual) != checksum {
                self.damage.checksums.insert(session);
            }
        }
        self.damage.checksums.extend(self.hashes.into_keys());
        (self.file, self.damage)
    }
}

/// Whether a line behind the first is a header too, as a text merge leaves it.
fn is_header(text: &str) -> bool {
    let members = || {
        serde_json::from_str::<Value>(text)
            .ok()
            .and_then(Fields::of)
    };
    text.starts_with("{\"version\":")
        && members().is_some_and(|mut members| {
            ["version", "machine", "day"]
                .iter()
                .all(|key| members.take(key).is_some())
        })
}
