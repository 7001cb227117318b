#!/usr/bin/env bash
# Kills the server at random moments under load, and replicas with it, and checks that no acknowledged request is lost,
# done twice or mixed up with another. About ten minutes.
#   scripts/chaos.sh [KILLS]      default 200
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CORTEX_CHAOS_KILLS=${1:-200}
scripts/ensure-docker.sh
./build.sh
bash test/prepare.sh
dotnet test test/Cortex.EndToEnd.Tests --nologo --filter FullyQualifiedName~ChaosTests --logger 'console;verbosity=detailed'
