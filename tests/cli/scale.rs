//! How much is tried: little on a developer's machine, all of it where `CLAUDE_SYNC_LONG` is set, as in CI.

/// `few`, or `many` in the long suite.
pub fn tries(few: u32, many: u32) -> u32 {
    if long() { many } else { few }
}

/// Whether this is the long suite.
pub fn long() -> bool {
    std::env::var_os("CLAUDE_SYNC_LONG").is_some()
}

/// The seeds to run: `CLAUDE_SYNC_SEED` replays one.
pub fn seeds(few: u32, many: u32) -> Vec<u64> {
    match std::env::var("CLAUDE_SYNC_SEED").ok().and_then(|text| text.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..u64::from(tries(few, many))).collect(),
    }
}
