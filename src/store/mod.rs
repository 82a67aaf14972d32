//! Where things lie, in the repository and outside it, and how files are written.

pub(crate) mod accounts;
pub(crate) mod auto_sync;
pub(crate) mod config;
pub(crate) mod durable;
pub(crate) mod failures;
pub(crate) mod flush;
pub(crate) mod key;
pub(crate) mod layout;
pub(crate) mod lock;
pub(crate) mod machine_id;
mod places;
pub(crate) mod plan;
pub(crate) mod private;
pub(crate) mod profiles;
pub(crate) mod settings;
pub(crate) mod space;
mod tracker;

pub(crate) use places::Places;
