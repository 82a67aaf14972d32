#!/bin/sh
# Fills in the templates of packages that point to a release: fill.sh VERSION OWNER ARCHIVES OUT.
# VERSION is 1.2.3; OWNER is whose repository on GitHub has the release; ARCHIVES is the folder with its archives. Writes
# OUT/claude-usage-sync.rb, the Homebrew formula, and OUT/npm/*, npm packages that are ready to be published: all folders but
# claude-usage-sync first, then that one.
set -eu
version=$1 owner=$2 archives=$3 out=$4
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out/npm"

archive() { printf '%s/claude-usage-sync-%s-%s' "$archives" "$version" "$1"; }
digest() {
    file=$(archive "$1").tar.gz
    [ -f "$file" ] || { echo "there is no $file" >&2; exit 1; }
    if command -v sha256sum >/dev/null; then sha256sum "$file"; else shasum -a 256 "$file"; fi | cut -d ' ' -f 1
}

linux_x64=$(digest x86_64-unknown-linux-musl)
linux_arm64=$(digest aarch64-unknown-linux-musl)
macos_x64=$(digest x86_64-apple-darwin)
macos_arm64=$(digest aarch64-apple-darwin)
sed -e '/^#!/d' \
    -e "s/@VERSION@/$version/g" -e "s/@OWNER@/$owner/g" \
    -e "s/@SHA256_LINUX_X64@/$linux_x64/" -e "s/@SHA256_LINUX_ARM64@/$linux_arm64/" \
    -e "s/@SHA256_MACOS_X64@/$macos_x64/" -e "s/@SHA256_MACOS_ARM64@/$macos_arm64/" \
    "$here/homebrew/claude-usage-sync.rb.in" >"$out/claude-usage-sync.rb"

# npm's name of the platform, its system, its processor, the target, and the suffix of programs.
while read -r platform os cpu target suffix; do
    folder=$out/npm/claude-usage-sync-$platform
    mkdir -p "$folder"
    sed -e '/^  "\/\/"/d' \
        -e "s/@VERSION@/$version/g" -e "s/@OWNER@/$owner/g" -e "s/@PLATFORM@/$platform/g" -e "s/@OS@/$os/" -e "s/@CPU@/$cpu/" \
        "$here/npm/platform.json.in" >"$folder/package.json"
    work=$(mktemp -d)
    case $target in
        *windows*) unzip -q "$(archive "$target").zip" -d "$work" ;;
        *) tar -xzf "$(archive "$target").tar.gz" -C "$work" ;;
    esac
    for program in claude-sync claude-usage-tracker; do
        cp "$work/claude-usage-sync-$version-$target/$program${suffix:-}" "$folder/"
    done
    cp "$work/claude-usage-sync-$version-$target/LICENSE" "$folder/"
    rm -rf "$work"
done <<'END'
linux-x64 linux x64 x86_64-unknown-linux-musl
linux-arm64 linux arm64 aarch64-unknown-linux-musl
darwin-x64 darwin x64 x86_64-apple-darwin
darwin-arm64 darwin arm64 aarch64-apple-darwin
win32-x64 win32 x64 x86_64-pc-windows-msvc .exe
END

folder=$out/npm/claude-usage-sync
mkdir -p "$folder/bin"
sed -e '/^  "\/\/"/d' -e "s/@VERSION@/$version/g" -e "s/@OWNER@/$owner/g" "$here/npm/package.json.in" >"$folder/package.json"
cp "$here/npm/launch.js" "$folder/"
cp "$here/npm/bin/claude-sync.js" "$here/npm/bin/claude-usage-tracker.js" "$folder/bin/"
cp "$here/../README.md" "$here/../LICENSE" "$folder/"
