//! The accounting fields of a line, borrowed from it: all that is read of a transcript.

use super::lenient::{Count, Dollars, Flag, List, Maybe, Text};

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Line<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) timestamp: Text<'a>,
    #[serde(borrow, rename = "sessionId")]
    pub(super) session: Text<'a>,
    #[serde(borrow, rename = "requestId")]
    pub(super) request: Text<'a>,
    #[serde(borrow)]
    pub(super) uuid: Text<'a>,
    #[serde(borrow)]
    pub(super) cwd: Text<'a>,
    /// Where a row was copied from, by `/branch`.
    #[serde(borrow, rename = "forkedFrom")]
    pub(super) forked: Maybe<Forked<'a>>,
    #[serde(borrow)]
    pub(super) entrypoint: Text<'a>,
    #[serde(borrow)]
    pub(super) version: Text<'a>,
    /// The kind of subagent.
    #[serde(borrow, rename = "attributionAgent")]
    pub(super) agent: Text<'a>,
    #[serde(rename = "isSidechain")]
    pub(super) sidechain: Flag,
    #[serde(rename = "costUSD")]
    pub(super) cost: Dollars,
    #[serde(borrow)]
    pub(super) message: Maybe<Message<'a>>,
    #[serde(borrow)]
    pub(super) data: Maybe<Box<Data<'a>>>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Data<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Maybe<Inner<'a>>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Forked<'a> {
    #[serde(borrow, rename = "sessionId")]
    pub(super) session: Text<'a>,
}

/// The line inside an `agent_progress` line.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Inner<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) timestamp: Text<'a>,
    #[serde(borrow, rename = "requestId")]
    pub(super) request: Text<'a>,
    #[serde(borrow)]
    pub(super) uuid: Text<'a>,
    #[serde(rename = "costUSD")]
    pub(super) cost: Dollars,
    #[serde(borrow)]
    pub(super) message: Maybe<Message<'a>>,
}

/// The answer to a request, or a part of it.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    #[serde(borrow)]
    pub(super) usage: Maybe<Usage<'a>>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Usage<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    pub(super) input_tokens: Count,
    pub(super) output_tokens: Count,
    pub(super) cache_creation_input_tokens: Count,
    pub(super) cache_read_input_tokens: Count,
    pub(super) cache_creation: Maybe<CacheCreation>,
    pub(super) server_tool_use: Maybe<ServerToolUse>,
    #[serde(borrow)]
    pub(super) service_tier: Text<'a>,
    #[serde(borrow)]
    pub(super) speed: Text<'a>,
    #[serde(borrow)]
    pub(super) inference_geo: Text<'a>,
    #[serde(borrow)]
    pub(super) iterations: List<Usage<'a>>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct CacheCreation {
    pub(super) ephemeral_5m_input_tokens: Count,
    pub(super) ephemeral_1h_input_tokens: Count,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct ServerToolUse {
    pub(super) web_search_requests: Count,
}
