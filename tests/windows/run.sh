#!/bin/bash
# Builds the Windows programs, runs the smoke suite under wine, and compiles the tests for Windows, in at most $1 seconds together.
# What cannot be installed or built in that time is said and skipped; a step of the suite that fails ends with 1.
#   tests/windows/run.sh SECONDS LINUX_FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
end=$((SECONDS + $1)) linux=$2
target=x86_64-pc-windows-gnu
skip() {
    echo "skipped: $*"
    exit 0
}
# Runs a step within the time that is left. Ends with 124 where that is over.
within() {
    local began=$SECONDS code=0
    timeout --kill-after=60 $((end > SECONDS ? end - SECONDS : 1)) "$@" || code=$?
    echo "$((SECONDS - began)) s: ${*##*/}"
    return $code
}
# What does not compile or hold is a fault; what takes too long is not.
must() {
    local code=0 what=$1
    shift
    within "$@" || code=$?
    case $code in
        0) ;;
        124 | 137) skip "$what took too long" ;;
        *) exit 1 ;;
    esac
}

if command -v apt-get >/dev/null && ! { command -v wine && command -v x86_64-w64-mingw32-gcc; } >/dev/null; then
    within apt-get install -y -qq --no-install-recommends wine wine64 gcc-mingw-w64-x86-64 libz-mingw-w64-dev make >/dev/null ||
        skip 'wine and mingw cannot be installed'
fi
for tool in wine x86_64-w64-mingw32-gcc make rustup; do command -v $tool >/dev/null || skip "there is no $tool"; done
within rustup target add $target || skip "the library of $target cannot be had"
within tests/windows/git.sh "$PWD/target/windows-git" || skip 'no git for Windows could be built'
must 'the build for Windows' cargo build --locked --target $target --bins
suite=(tests/windows/smoke.py "target/$target/debug" target/windows-git "$linux")
# A fault fails twice; wine itself, which makes a Windows anew each time, fails now and then.
within "${suite[@]}" || must 'the smoke suite' "${suite[@]}"
must 'compiling the tests for Windows' cargo check --locked --tests --target $target
