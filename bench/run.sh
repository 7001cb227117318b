#!/usr/bin/env bash
# Every benchmark, one after the other; prints ratios and writes bench/results/*.md. Leave the machine alone meanwhile.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
# shellcheck source=../scripts/lib.sh
. scripts/lib.sh

failed=0
for part in bench/gateway/run.sh bench/startup.sh bench/async/run.sh bench/jobs/run.sh bench/zero/run.sh bench/scaling/run.sh bench/python/run.sh; do
  step "$part"
  bash "$part" "$@" || failed=$((failed + 1))
done
say
[ "$failed" = 0 ] || fail "$failed of the benchmarks failed or missed a mark"
good "All marks reached; details in bench/results/."
