//! What two versions of a path or a tree make together; the driver that git calls; push checks.

pub(crate) mod algebra;
mod breach;
pub(crate) mod driver;
mod loss;
pub(crate) mod old_roots;
pub(crate) mod push_check;
pub(crate) mod trees;
