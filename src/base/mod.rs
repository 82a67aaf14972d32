//! Primitives of the format: ids, times, money, canonical JSON, and text that is safe on a
//! terminal.

pub(crate) mod encode;
pub(crate) mod id_set;
pub(crate) mod ids;
pub(crate) mod join;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod money;
pub(crate) mod progress;
pub(crate) mod shell;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod window;
