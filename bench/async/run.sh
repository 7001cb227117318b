#!/usr/bin/env bash
# Async APIs under load, on clusters of their own, beside Celery with Redis and beanstalkd in the same run. Prints a table,
# writes bench/results/async.md, and ends with 1 when a mark is missed. About 12 minutes; `quick` takes about 4 and leaves
# the file alone.
#   bench/async/run.sh [quick] [PART...]      parts: submit lone cycles peers postgres million; some alone leave the file alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

apt_install curl wrk nginx-light python3 python3-celery python3-redis redis-server beanstalkd postgresql
scripts/ensure-docker.sh
[ -n "${CORTEX_BIN:-}" ] || ./build.sh
export CORTEX_BIN=${CORTEX_BIN:-$PWD/artifacts/cortex} MACHINE
MACHINE=$(machine)

work_folder
noop_image cortex-bench/nginx "{\"result\":\"$(head -c 1000 /dev/zero | tr '\0' r)\"}"

/usr/bin/python3 bench/async/run.py "$work" "$@"
