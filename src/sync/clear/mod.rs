//! May what a run makes leave in clear? What the clone remembers, and the decision.

mod decide;
mod marks;
mod prepare;

pub(super) use decide::{Facts, Leave, decide};
pub(super) use marks::{
    REPLACED, is_unscreened, mark, needs_other_key, note_screened, replaced_in, rival_in, text,
};
pub(crate) use marks::{remember_key, replaced_by};
pub(crate) use prepare::{Purpose, likely_purpose};
pub(super) use prepare::{prepare, release};
