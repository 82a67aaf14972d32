//! What versions of files, trees and machines make together. Everything here is a function of its inputs.

pub mod algebra;
pub mod data;
pub mod decisions;
pub mod digest;
pub mod driver;
mod entangled;
pub mod fleet;
pub mod forgotten;
pub mod front;
pub mod guard;
pub mod imports;
pub mod manifest;
pub mod marks;
pub mod overview;
mod rows;
pub mod trees;
pub mod units;
mod withheld;
