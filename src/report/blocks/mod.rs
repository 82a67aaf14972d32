//! Five-hour blocks, by which Claude's limits are counted. A block begins with the hour of its
//! first request.

mod block;
mod json;
mod look;
mod table;

pub(crate) use block::{Block, Blocks, Pace};
pub(crate) use json::to_json;
pub(crate) use look::BlocksLook;
pub(crate) use table::to_table;
