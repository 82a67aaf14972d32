//! Primitives of the format: ids, times, money, canonical JSON, and text that is safe on a
//! terminal.

pub(crate) mod encode;
pub(crate) mod id_set;
pub mod ids;
pub mod join;
pub mod json;
pub mod key;
pub mod money;
pub mod progress;
pub(crate) mod shell;
pub(crate) mod text;
pub mod time;
pub(crate) mod window;
