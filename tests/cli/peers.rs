//! Other programs that some tests need.

/// Reports that a test is skipped for want of a program or a file system, such as `tmux`.
/// `CLAUDE_SYNC_PEERS` lists those that must be here: without one of them the test fails.
pub fn missing(peer: &str, why: &str) {
    let required = std::env::var("CLAUDE_SYNC_PEERS").unwrap_or_default();
    assert!(
        !required.split_whitespace().any(|one| one == peer),
        "CLAUDE_SYNC_PEERS lists {peer}, but {why}"
    );
    eprintln!("skipped: {why}");
}
