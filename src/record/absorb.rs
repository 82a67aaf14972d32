//! Adding rows to a set of records without making a record of each.

use super::draft::Draft;
use super::packed::{BARE, DAILY, DERIVED, FAST, PROVISIONAL, Packed, SIDECHAIN, WHOLE};
use super::set::RecordSet;

const DAY: i64 = 86_400_000;

/// The flags that describe the row itself.
const OF_ROW: u8 = PROVISIONAL | SIDECHAIN;

impl RecordSet {
    /// Adds a row of a request, as [`RecordSet::add`] adds its record.
    ///
    /// # Panics
    /// With more than 2³² records.
    pub(crate) fn add_row(&mut self, row: &Draft) {
        let Some(new) = self.pack_row(row) else {
            return self.add(row.record());
        };
        let Some(at) = self.find(new.id) else {
            let at = self.place(new.id);
            *self.slot(at) = new;
            return;
        };
        match join(*self.slot(at), new) {
            Some(joined) => *self.slot(at) = joined,
            None => self.add(row.record()),
        }
    }

    /// The row, packed; none where it has more than fits.
    fn pack_row(&mut self, row: &Draft) -> Option<Packed> {
        let c = &row.counters;
        let small = |number: u64| u32::try_from(number).ok();
        if row.recorded_cost.is_some() {
            return None;
        }
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        Some(Packed {
            id: row.id,
            at: row.at,
            input: small(c.input)?,
            output: small(c.output)?,
            cache_creation: small(c.cache_creation)?,
            cache_read: small(c.cache_read)?,
            cache_1h: small(c.cache_1h)?,
            index: 0,
            web_search: u16::try_from(c.web_search).ok()?,
            session: self.sessions.number(row.session)?,
            project: self.projects.number(row.project)?,
            client: u16::try_from(self.clients.number(row.client)?).ok()?,
            model: self.words.number(row.model)?,
            tier: self.words.optional(row.service_tier)?,
            geo: self.words.optional(row.inference_geo)?,
            flags: flag(row.fast, FAST)
                | flag(row.provisional, PROVISIONAL)
                | flag(row.sidechain, SIDECHAIN),
        })
    }
}

/// The join of two packed rows of one set; none where the records themselves must be asked, as
/// where names decide, or where the price of the row that counts is not that of the joined record's
/// time.
fn join(known: Packed, new: Packed) -> Option<Packed> {
    let odd = (known.flags | new.flags) & (WHOLE | DERIVED | DAILY | BARE) != 0;
    let day = |packed: &Packed| packed.at.millis().div_euclid(DAY);
    if odd || known.is(FAST) != new.is(FAST) || day(&known) != day(&new) {
        return None;
    }
    let mut out = known;
    let names = |p: &Packed| (p.session, p.project, p.client);
    if new.at < known.at {
        (out.at, out.session) = (new.at, new.session);
        (out.project, out.client) = (new.project, new.client);
    } else if new.at == known.at && names(&new) != names(&known) {
        return None;
    }
    let rank = |p: &Packed| {
        (
            p.output,
            !p.is(PROVISIONAL),
            !p.is(SIDECHAIN),
            p.counters().total(),
        )
    };
    let row = |p: &Packed| (p.counters(), p.model, p.tier, p.geo, p.flags & OF_ROW);
    match rank(&new).cmp(&rank(&known)) {
        std::cmp::Ordering::Less => {}
        std::cmp::Ordering::Equal if row(&new) == row(&known) => {}
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Greater => {
            out = Packed {
                id: out.id,
                at: out.at,
                session: out.session,
                project: out.project,
                client: out.client,
                index: out.index,
                ..new
            };
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{Name, RecordId, SessionId};
    use crate::base::money::Money;
    use crate::base::time::Timestamp;
    use crate::prices::Counters;
    use crate::record::client::Client;

    #[test]
    fn a_row_is_joined_as_its_record_is() {
        let name = |text: &str| Name::from(text);
        let sessions = ["s1", "s2"].map(|text| SessionId::new(name(text)));
        let projects = ["", "shop"].map(name);
        let models = ["claude-opus-4-6", "claude-haiku-4-5", "unheard-of"].map(name);
        let (tier, geo, client) = (name("batch"), name("us"), Client::default());
        // The last day before a price changed, and the first one after.
        let times = [
            "2026-03-12T23:59:59Z",
            "2026-03-12T23:59:59.500Z",
            "2026-03-13T00:00:00Z",
        ]
        .map(|text| Timestamp::parse(text).expect("a time"));
        let mut state = 7_u64;
        let mut dice = |sides: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or(0) % sides
        };
        for _ in 0..3000 {
            let (mut rows, mut records) = (RecordSet::default(), RecordSet::default());
            for _ in 0..=dice(6) {
                let figures = [0, 7, 250_000, 1 << 40];
                let row = Draft {
                    id: RecordId::from_number(dice(2) as u64),
                    at: times[dice(3)],
                    session: &sessions[dice(2)],
                    project: &projects[dice(2)],
                    client: &client,
                    model: &models[dice(3)],
                    counters: Counters {
                        input: figures[dice(3)],
                        output: figures[[0, 1, 0, 1, 0, 1, 3][dice(7)]],
                        cache_read: figures[dice(2)],
                        ..Counters::default()
                    },
                    service_tier: Some(&tier).filter(|_| dice(4) == 0),
                    inference_geo: Some(&geo).filter(|_| dice(4) == 0),
                    fast: dice(5) == 0,
                    provisional: dice(2) == 0,
                    sidechain: dice(3) == 0,
                    recorded_cost: Some(Money::from_pico(5)).filter(|_| dice(12) == 0),
                };
                rows.add_row(&row);
                records.add(row.record());
            }
            assert_eq!(rows, records);
        }
    }
}
