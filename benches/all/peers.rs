//! Where other tools lie: named by the environment, or where `benches/peers.sh` puts them.

use std::path::Path;

fn find(variable: &str, place: &str) -> Option<String> {
    let there = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/peers")
        .join(place);
    std::env::var(variable)
        .ok()
        .or_else(|| there.exists().then(|| there.display().to_string()))
}

/// ccusage's native program.
pub fn ccusage() -> Option<String> {
    find(
        "CCUSAGE",
        "node_modules/@ccusage/ccusage-linux-x64/bin/ccusage",
    )
}

/// ccost's program.
pub fn ccost() -> Option<String> {
    find("CCOST", "bin/ccost")
}
