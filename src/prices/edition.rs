//! Names the built-in price table: a manifest states which table its costs were computed by.

use crate::base::encode::unhex;

/// A price table, by its edition and its bytes. Of two the greater one is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PriceTable {
    /// Goes up with each change of a price or of a rule for names.
    pub(crate) edition: u64,
    /// SHA-256 of `claude.tsv` and the unpacked text of `others.z`, one after the other.
    pub(crate) sha256: [u8; 32],
}

/// The built-in table.
pub(crate) const TABLE: PriceTable = PriceTable {
    edition: 1,
    sha256: match unhex(b"8963cb18c4108de70f47f286a055a7df56b40951c3f7105a681b30fcbf11ab14") {
        Some(digest) => digest,
        None => panic!("64 digits"),
    },
};
