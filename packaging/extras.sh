#!/bin/sh
# Writes manual pages and completions: extras.sh FOLDER-OF-THE-PROGRAMS FOLDER. The programs must run on this machine.
set -eu
programs=$1
out=$2
mkdir -p "$out/man/man1" "$out/completions"
"$programs/claude-sync" man "$out/man/man1" >/dev/null
for program in claude-sync claude-usage-tracker; do
    "$programs/$program" completions bash >"$out/completions/$program.bash"
    "$programs/$program" completions zsh >"$out/completions/_$program"
    "$programs/$program" completions fish >"$out/completions/$program.fish"
    "$programs/$program" completions powershell >"$out/completions/_$program.ps1"
    "$programs/$program" completions elvish >"$out/completions/$program.elv"
done
