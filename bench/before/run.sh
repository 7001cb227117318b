#!/usr/bin/env bash
# This build beside an earlier one, taking turns in one run, so that the machine's moods hit both: durable submits, whole async cycles,
# `cluster up`, `get`, deploying. Prints ratios, and ends with 1 when one is worse by more than 3 percent beyond its spread. About five minutes;
# `quick` takes about two. The gateway has its own: BEFORE_HOST=... CASES=before bench/gateway/run.sh.
#   BEFORE_BIN=EXECUTABLE bench/before/run.sh [quick] [PART...]      parts: submit cycles up get deploy
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

[ -x "${BEFORE_BIN:-}" ] || fail "set BEFORE_BIN to the executable of the earlier build"
apt_install curl wrk nginx-light python3
scripts/ensure-docker.sh
[ -n "${CORTEX_BIN:-}" ] || ./build.sh
export BEFORE_BIN CORTEX_BIN=${CORTEX_BIN:-$PWD/artifacts/cortex} MACHINE
MACHINE=$(machine)

work_folder
noop_image cortex-bench/nginx "{\"result\":\"$(head -c 1000 /dev/zero | tr '\0' r)\"}"

/usr/bin/python3 bench/before/run.py "$work" "$@"
