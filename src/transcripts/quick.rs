//! The fields of a line by [`Scan`], as `serde_json` reads them by their types.
//!
//! It answers only where both certainly agree. A member that stands twice, a number where an object
//! belongs and all else that is rare is left to `serde_json`.

use super::fields::{CacheCreation, Data, Forked, Inner, Line, Message, ServerToolUse, Usage};
use super::lenient::{Dollars, Flag};
use super::scan::Scan;
use crate::base::money::Money;

/// The fields of a line; none where `serde_json` must look at it.
pub(super) fn line(bytes: &[u8]) -> Option<Line<'_>> {
    let scan = &mut Scan::new(bytes);
    let mut out = Line::default();
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"type" => out.kind = seen.once(0, scan.text())?,
            b"timestamp" => out.timestamp = seen.once(1, scan.text())?,
            b"sessionId" => out.session = seen.once(2, scan.text())?,
            b"requestId" => out.request = seen.once(3, scan.text())?,
            b"uuid" => out.uuid = seen.once(4, scan.text())?,
            b"cwd" => out.cwd = seen.once(5, scan.text())?,
            b"forkedFrom" => seen.once(6, maybe(scan, &mut out.forked.0, forked))?,
            b"entrypoint" => out.entrypoint = seen.once(7, scan.text())?,
            b"version" => out.version = seen.once(8, scan.text())?,
            b"attributionAgent" => out.agent = seen.once(9, scan.text())?,
            b"isSidechain" => out.sidechain = Flag(seen.once(10, scan.flag())?),
            b"costUSD" => out.cost = seen.once(11, dollars(scan))?,
            b"message" => seen.once(12, maybe(scan, &mut out.message.0, message))?,
            b"data" => seen.once(13, maybe(scan, &mut out.data.0, data))?,
            _ => scan.skip()?,
        }
        Some(())
    })?;
    scan.end()?;
    Some(out)
}

/// Which members of an object were seen.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    /// A member's value, if the member was not seen before.
    #[inline]
    fn once<T>(&mut self, member: u32, value: Option<T>) -> Option<T> {
        let bit = 1 << member;
        let first = self.0 & bit == 0;
        self.0 |= bit;
        value.filter(|_| first)
    }
}

fn dollars(scan: &mut Scan) -> Option<Dollars> {
    let digits = scan.digits()?;
    let digits = Some(digits).filter(|digits| !digits.is_empty());
    Some(Dollars(digits.and_then(Money::parse)))
}

/// Reads an object's fields where they are to stand, or null. What is large is never moved.
fn maybe<'l, T: Default>(
    scan: &mut Scan<'l>,
    into: &mut Option<T>,
    read: impl FnOnce(&mut Scan<'l>, &mut T) -> Option<()>,
) -> Option<()> {
    if scan.is_object()? {
        read(scan, into.insert(T::default()))?;
    }
    Some(())
}

fn forked<'l>(scan: &mut Scan<'l>, out: &mut Forked<'l>) -> Option<()> {
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"sessionId" => out.session = seen.once(0, scan.text())?,
            _ => scan.skip()?,
        }
        Some(())
    })
}

fn data<'l>(scan: &mut Scan<'l>, out: &mut Box<Data<'l>>) -> Option<()> {
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"type" => out.kind = seen.once(0, scan.text())?,
            b"message" => seen.once(1, maybe(scan, &mut out.message.0, inner))?,
            _ => scan.skip()?,
        }
        Some(())
    })
}

fn inner<'l>(scan: &mut Scan<'l>, out: &mut Inner<'l>) -> Option<()> {
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"type" => out.kind = seen.once(0, scan.text())?,
            b"timestamp" => out.timestamp = seen.once(1, scan.text())?,
            b"requestId" => out.request = seen.once(2, scan.text())?,
            b"uuid" => out.uuid = seen.once(3, scan.text())?,
            b"costUSD" => out.cost = seen.once(4, dollars(scan))?,
            b"message" => seen.once(5, maybe(scan, &mut out.message.0, message))?,
            _ => scan.skip()?,
        }
        Some(())
    })
}

fn message<'l>(scan: &mut Scan<'l>, out: &mut Message<'l>) -> Option<()> {
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"id" => out.id = seen.once(0, scan.text())?,
            b"model" => out.model = seen.once(1, scan.text())?,
            b"stop_reason" => out.stop_reason = seen.once(2, scan.text())?,
            b"usage" => seen.once(3, maybe(scan, &mut out.usage.0, whole))?,
            _ => scan.skip()?,
        }
        Some(())
    })
}

/// The usage of a row.
fn whole<'l>(scan: &mut Scan<'l>, out: &mut Usage<'l>) -> Option<()> {
    usage(scan, out, false)
}

/// The usage of an iteration. It has no iterations itself.
fn part<'l>(scan: &mut Scan<'l>, out: &mut Usage<'l>) -> Option<()> {
    usage(scan, out, true)
}

fn usage<'l>(scan: &mut Scan<'l>, out: &mut Usage<'l>, is_part: bool) -> Option<()> {
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"type" => out.kind = seen.once(0, scan.text())?,
            b"model" => out.model = seen.once(1, scan.text())?,
            b"input_tokens" => out.input_tokens = seen.once(2, scan.count())?,
            b"output_tokens" => out.output_tokens = seen.once(3, scan.count())?,
            b"cache_creation_input_tokens" => {
                out.cache_creation_input_tokens = seen.once(4, scan.count())?;
            }
            b"cache_read_input_tokens" => {
                out.cache_read_input_tokens = seen.once(5, scan.count())?;
            }
            b"cache_creation" => {
                seen.once(6, maybe(scan, &mut out.cache_creation.0, creation))?;
            }
            b"server_tool_use" => seen.once(7, maybe(scan, &mut out.server_tool_use.0, tools))?,
            b"service_tier" => out.service_tier = seen.once(8, scan.text())?,
            b"speed" => out.speed = seen.once(9, scan.text())?,
            b"inference_geo" => out.inference_geo = seen.once(10, scan.text())?,
            b"iterations" if is_part => return None,
            b"iterations" => out.iterations.0 = seen.once(11, parts(scan))?,
            _ => scan.skip()?,
        }
        Some(())
    })
}

fn parts<'l>(scan: &mut Scan<'l>) -> Option<Vec<Usage<'l>>> {
    let mut out = Vec::new();
    if scan.is_array()? {
        scan.array(|scan| {
            let mut usage = None;
            maybe(scan, &mut usage, part)?;
            out.extend(usage);
            Some(())
        })?;
    }
    Some(out)
}

fn creation(scan: &mut Scan, out: &mut CacheCreation) -> Option<()> {
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"ephemeral_5m_input_tokens" => {
                out.ephemeral_5m_input_tokens = seen.once(0, scan.count())?;
            }
            b"ephemeral_1h_input_tokens" => {
                out.ephemeral_1h_input_tokens = seen.once(1, scan.count())?;
            }
            _ => scan.skip()?,
        }
        Some(())
    })
}

fn tools(scan: &mut Scan, out: &mut ServerToolUse) -> Option<()> {
    let mut seen = Seen::default();
    scan.object(|scan, key| {
        match key {
            b"web_search_requests" => out.web_search_requests = seen.once(0, scan.count())?,
            _ => scan.skip()?,
        }
        Some(())
    })
}
