//! Where a figure comes from: the requests behind it, the lines and commits that hold them, and how
//! their prices came about.

mod commits;
mod copies;
mod evidence;

pub(crate) use evidence::{Copy, Evidence, ExplainedFigure, Explanation};
