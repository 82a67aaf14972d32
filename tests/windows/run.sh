#!/bin/bash
# Builds the Windows programs, compiles the tests for Windows, and runs the smoke suite under wine, in at most $1 seconds together.
# What cannot be installed or built in that time is said and skipped; a step of the suite that fails ends with 1.
#   tests/windows/run.sh SECONDS LINUX_FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
end=$((SECONDS + $1)) linux=$2
target=x86_64-pc-windows-gnu
left() { echo $((end > SECONDS ? end - SECONDS : 1)); }
skip() {
    echo "skipped: $*"
    exit 0
}

if command -v apt-get >/dev/null && ! { command -v wine && command -v x86_64-w64-mingw32-gcc; } >/dev/null; then
    timeout "$(left)" apt-get install -y -qq --no-install-recommends wine wine64 gcc-mingw-w64-x86-64 libz-mingw-w64-dev make >/dev/null ||
        skip 'wine and mingw cannot be installed'
fi
for tool in wine x86_64-w64-mingw32-gcc make; do command -v $tool >/dev/null || skip "there is no $tool"; done
timeout "$(left)" rustup target add $target || skip "the library of $target cannot be had"
timeout "$(left)" tests/windows/git.sh "$PWD/target/windows-git" || skip 'no git for Windows could be built'
# What does not compile is a fault; what takes too long is not.
code=0
timeout "$(left)" cargo build --locked --target $target --bins || code=$?
[ $code != 124 ] || skip 'the build for Windows took too long'
[ $code = 0 ] || exit 1
timeout "$(left)" tests/windows/smoke.py "target/$target/debug" target/windows-git "$linux" || code=$?
[ $code != 124 ] || skip 'the smoke suite took too long'
[ $code = 0 ] || exit 1
timeout "$(left)" cargo check --locked --tests --target $target || code=$?
[ $code != 124 ] || skip 'compiling the tests for Windows took too long'
exit $code
