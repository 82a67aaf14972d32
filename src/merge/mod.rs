//! What two versions of a path or a tree make together; the driver that git calls; push checks.

pub mod algebra;
mod breach;
pub(crate) mod driver;
mod loss;
pub mod old_roots;
pub mod push_check;
pub mod trees;
