//! How blocks are shown.

use crate::report::{Bounds, Zone};

/// How blocks are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlocksLook {
    /// The time zone of their times.
    pub(crate) zone: Zone,
    /// Their days.
    pub(crate) bounds: Bounds,
    /// Whether costs are left out.
    pub(crate) without_cost: bool,
    /// A limit of tokens that each block is compared with.
    pub(crate) limit: Option<u64>,
}
