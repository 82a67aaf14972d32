#!/usr/bin/env bash
# Installs the tools that benchmarks compare with, and what they are timed with.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target/peers
npm install --prefix target/peers --no-audit --no-fund ccusage@20.0.24 @ccusage/ccusage-linux-x64@20.0.24
cargo install ccost --version 0.6.1 --root target/peers
command -v /usr/bin/time >/dev/null || apt-get install -y -qq time
command -v valgrind >/dev/null || apt-get install -y -qq valgrind
