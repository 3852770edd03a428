#!/usr/bin/env bash
# Runs all tests: tests/run.sh [flags of 'dotnet test']. Besides .NET 10 they need gcc for the small C libraries of the NCCL and CUDA tests,
# redis-server for those of clusters, and six families of fonts to draw words with; what of these three is missing is installed by Debian's
# apt-get. The natives (libtorch, Skia) come as packages and are made to load on Debian 12 by the build.
set -uo pipefail
cd "$(dirname "$0")/.."

command -v dotnet >/dev/null || { echo "dotnet is not on the PATH: install the .NET SDK 10 first." >&2; exit 1; }

# What is missing, Debian's packages, what needs it.
install() {
    echo "Installing $2 for $3." >&2
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $2; } >/dev/null ||
        { echo "$1: missing, and could not be installed: $3 needs it. As root: apt-get install $2" >&2; exit 1; }
}

command -v gcc >/dev/null || install gcc "gcc libc6-dev" tests/fakes
command -v redis-server >/dev/null || install redis-server redis-server "the tests of clusters over Redis"
# A trainer asks for six families; those of formulas are none.
families=$(find /usr/share/fonts /usr/local/share/fonts "$HOME/.fonts" \( -name '*.ttf' -o -name '*.otf' \) -printf '%f\n' 2>/dev/null |
    grep -v Math | sed -E 's/(Condensed|Narrow)?[-.].*//' | sort -u | wc -l)
[ "$families" -ge 6 ] || install "Fonts" "fonts-dejavu-core fonts-liberation" "training on drawn words"

# A run of which nothing is heard for so long is ended, and the test that hangs is named.
exec dotnet test -c Release --blame-hang-timeout 6m --blame-hang-dump-type none "$@"
