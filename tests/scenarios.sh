#!/usr/bin/env bash
# Plays scenes on real processes and prints their table: tests/scenarios.sh [--list] [--short] [--light] [--slack FACTOR] [--logs FOLDER] [NAME…].
# Without names it plays all; 'kill-*' names all that begin so. --short plays only those for every day, with fewer clients; --light all with so
# few clients that none waits for the processor, which shows what a fault costs by itself. Allowed times are those of a quiet machine; --slack 3
# allows three times as much. --logs keeps what the processes logged. --list tells what there is. Exits with 1 when a scene fails.
set -uo pipefail
cd "$(dirname "$0")/.."
command -v redis-server >/dev/null || { echo "redis-server is missing: tests/run.sh installs it." >&2; exit 1; }

project=tests/LlavaCluster.Cluster.Tests
dotnet build -c Release -v quiet --nologo "$project" >/dev/null || { dotnet build -c Release --nologo "$project"; exit 1; }
exec dotnet "$project/bin/Release/net10.0/linux-x64/LlavaCluster.Cluster.Tests.dll" "$@"
