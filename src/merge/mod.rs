//! What two versions of a path or a tree make together; the driver that git calls; push checks.

pub mod algebra;
pub mod driver;
pub mod guard;
pub mod trees;
