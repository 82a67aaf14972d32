#!/bin/sh
# Makes a git for Windows in the folder $1, for tests under wine where Git for Windows cannot be had: Debian's source package of git,
# built by mingw without curl, and the shell of tests/windows/sh.rs. Needs apt-get's sources, gcc-mingw-w64-x86-64, libz-mingw-w64-dev.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
[ ! -x "$out/bin/git.exe" ] || [ ! -x "$out/bin/sh.exe" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/bin" "$out/libexec/git-core" "$out/etc" "$work/lists"
if [ ! -d "${CLAUDE_SYNC_GIT_SOURCE:-}" ]; then
    sed -n 's/^VERSION_CODENAME=/deb-src http:\/\/deb.debian.org\/debian /p' /etc/os-release | sed 's/$/ main/' >"$work/sources.list"
    cd "$work"
    set -- -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists"
    apt-get "$@" update -qq
    apt-get "$@" source -qq --download-only git
    tar xf git_*.orig.tar.xz
    CLAUDE_SYNC_GIT_SOURCE=$(echo "$work"/git-*/)
fi
cd "$CLAUDE_SYNC_GIT_SOURCE"
# Windows does not care for the case of a header's name.
for name in NTSecAPI Psapi tlHelp32; do
    lower=$(echo "$name" | tr '[:upper:]' '[:lower:]')
    ln -sf "/usr/x86_64-w64-mingw32/include/$lower.h" "compat/win32/$name.h"
done
make -s uname_S=MINGW uname_R=1.0 uname_M=x86_64 HOST_CPU=x86_64 CC=x86_64-w64-mingw32-gcc AR=x86_64-w64-mingw32-ar \
    RC='x86_64-w64-mingw32-windres -O coff' CFLAGS='-O0 -w' SHELL_PATH=/bin/sh prefix= NEEDS_LIBICONV= NO_ICONV=1 NO_OPENSSL=1 \
    NO_EXPAT=1 NO_GETTEXT=1 NO_TCLTK=1 NO_PERL=1 NO_PYTHON=1 NO_CURL=1 "-j$(nproc)" git.exe
for name in git git-upload-pack git-receive-pack git-upload-archive; do cp git.exe "$out/libexec/git-core/$name.exe"; done
cp git.exe "$out/bin/"
rustc --edition 2024 -O --target x86_64-pc-windows-gnu -o "$out/bin/sh.exe" "$here/sh.rs"
x86_64-w64-mingw32-gcc -shared -o "$out/bin/bcryptprimitives.dll" "$here/prng.c" -ladvapi32
