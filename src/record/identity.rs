//! What makes two rows the same request, on any machine and in any file.

use crate::base::ids::RecordId;
use crate::base::time::Timestamp;
use crate::prices::Counters;

/// The identifying fields of a row; the first rule that applies decides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Identity<'a> {
    /// `message.id`.
    pub(crate) message: Option<&'a str>,
    /// `requestId`.
    pub(crate) request: Option<&'a str>,
    /// `sessionId`.
    pub(crate) session: &'a str,
    /// `uuid` of the line.
    pub(crate) uuid: Option<&'a str>,
    /// The whole line, for rows without any of these.
    pub(crate) line: &'a [u8],
}

impl<'a> Identity<'a> {
    /// The record's id. `part` distinguishes records of one row: none for the request itself,
    /// `advisor:<n>` for an adviser's.
    ///
    /// Endpoints other than Anthropic's send no request id, and some rows of one message carry one
    /// and some do not: a message id that looks like no counter stands alone. Any other is only as
    /// unique as the members beside it: mocks give `msg_1` to every first message.
    pub(crate) fn id(&self, part: Option<&str>) -> RecordId {
        // Gateways write an empty text where they have no id.
        let given = |id: Option<&'a str>| id.filter(|id| !id.trim().is_empty());
        let (kind, mut parts): (&str, Vec<&[u8]>) =
            match (given(self.message), given(self.request), given(self.uuid)) {
                (Some(message), _, _) if is_global(message) => {
                    ("message", vec![message.as_bytes()])
                }
                (Some(message), Some(request), _) => {
                    ("request", vec![message.as_bytes(), request.as_bytes()])
                }
                (Some(message), None, _) => {
                    ("logged", vec![message.as_bytes(), self.session.as_bytes()])
                }
                (None, _, Some(uuid)) => ("uuid", vec![uuid.as_bytes()]),
                (None, _, None) => ("line", vec![self.line]),
            };
        parts.extend(part.map(str::as_bytes));
        RecordId::of(kind, &parts)
    }
}

/// The id of all rows with a message id that stands alone; none where it needs company.
pub(crate) fn global_id(message: &str) -> Option<RecordId> {
    let given = !message.trim().is_empty() && is_global(message);
    given.then(|| RecordId::of("message", &[message.as_bytes()]))
}

/// Whether a message id has at least 16 letters and digits, of at least 6 different ones.
fn is_global(id: &str) -> bool {
    let letters = id.bytes().filter(u8::is_ascii_alphanumeric);
    let (count, different) = letters.fold((0, 0_u128), |(count, different), letter| {
        (count + 1, different | 1 << letter)
    });
    count >= 16 && different.count_ones() >= 6
}

/// The id of a record that has none, as in files of version 1.0: the spec's rule for duplicates.
pub(crate) fn derived_id(timestamp: Timestamp, model: &str, counters: &Counters) -> RecordId {
    let number = u64::to_be_bytes;
    RecordId::of(
        "derived",
        &[
            &timestamp.millis().to_be_bytes(),
            model.as_bytes(),
            &number(counters.input),
            &number(counters.output),
            &number(counters.cache_creation),
            &number(counters.cache_read),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(
        message: Option<&'a str>,
        request: Option<&'a str>,
        session: &'a str,
    ) -> Identity<'a> {
        Identity {
            message,
            request,
            session,
            uuid: Some("u"),
            line: b"l",
        }
    }

    #[test]
    fn a_global_message_id_stands_alone() {
        let id = Some("msg_01TqDZoU6FcpxB4u2AmpgWfZ");
        assert_eq!(
            row(id, Some("req_1"), "s1").id(None),
            row(id, None, "s2").id(None)
        );
        assert_ne!(
            row(id, None, "s").id(None),
            row(id, None, "s").id(Some("advisor:1"))
        );
    }

    #[test]
    fn other_message_ids_need_company() {
        let id = Some("msg_1");
        assert_ne!(
            row(id, Some("req_1"), "s").id(None),
            row(id, Some("req_2"), "s").id(None)
        );
        assert_eq!(
            row(id, Some("req_1"), "s1").id(None),
            row(id, Some("req_1"), "s2").id(None)
        );
        assert_ne!(row(id, None, "s1").id(None), row(id, None, "s2").id(None));
        for global in [
            "msg_bdrk_01TqDZoU6FcpxB4u2AmpgWfZ",
            "chatcmpl-9f8e7d6c5b4a3210ab",
            "gen-1762000000-Zx9Yw8Vu7Ts6",
            "msg_202611271234567890123456789012",
        ] {
            assert!(is_global(global), "{global}");
        }
        for local in ["msg_1", "msg_0000000000000000", "chatcmpl-1", ""] {
            assert!(!is_global(local), "{local}");
        }
    }
}
