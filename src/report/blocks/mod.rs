//! Five-hour blocks, by which Claude's limits are counted. A block begins with the hour of its first request.

mod block;
mod json;
mod table;

pub use block::{Block, Blocks, Pace, Used};
pub use json::to_json;
pub use table::to_table;
