#!/bin/sh
# Packs what a release has for one target: archive.sh VERSION TARGET FOLDER-OF-THE-PROGRAMS EXTRAS OUT.
# On Windows a .zip, elsewhere a .tar.gz; in it one folder of the same name.
set -eu
version=$1 target=$2 programs=$3 extras=$4 out=$5
name=claude-usage-sync-$version-$target
work=$(mktemp -d)
mkdir -p "$work/$name" "$out"
out=$(cd "$out" && pwd)
suffix=
case $target in *windows*) suffix=.exe ;; esac
for program in claude-sync claude-usage-tracker; do
    cp "$programs/$program$suffix" "$work/$name/"
done
cp README.md SECURITY.md LICENSE "$work/$name/"
cp -R "$extras/man" "$extras/completions" "$work/$name/"
case $target in
    *windows*)
        if command -v 7z >/dev/null; then
            (cd "$work" && 7z a -bd "$out/$name.zip" "$name" >/dev/null)
        else
            (cd "$work" && python3 -m zipfile -c "$out/$name.zip" "$name")
        fi
        ;;
    *) tar -C "$work" -czf "$out/$name.tar.gz" "$name" ;;
esac
rm -rf "$work"
