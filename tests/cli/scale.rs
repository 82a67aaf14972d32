//! How much is tried: little on a developer's machine, all of it where `CLAUDE_SYNC_LONG` is set, as in CI.

/// `few`, or `many` in the long suite.
pub fn tries(few: u32, many: u32) -> u32 {
    if long() { many } else { few }
}

/// Whether this is the long suite.
pub fn long() -> bool {
    std::env::var_os("CLAUDE_SYNC_LONG").is_some()
}
