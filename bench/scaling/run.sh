#!/usr/bin/env bash
# Scaling under load, with real containers on a cluster of its own: a step from nothing to 200 requests/s, and 100,000 requests through
# scale-ups, scale-downs, updates and killed replicas. Prints a table, writes bench/results/scaling.md, and ends with 1 when a mark is
# missed. About ten minutes; `quick` takes about three and leaves the file alone.
#   bench/scaling/run.sh [quick] [PART...]      parts: step steady; some alone leave the file alone
# CORTEX_BIN names an executable that is measured instead of a fresh build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

apt_install curl python3
scripts/ensure-docker.sh
scripts/base-image.sh
[ -n "${CORTEX_BIN:-}" ] || ./build.sh
export CORTEX_BIN=${CORTEX_BIN:-$PWD/artifacts/cortex} MACHINE
MACHINE=$(machine)

work_folder

mkdir "$work/image"
cp bench/scaling/app.py "$work/image/"
printf 'FROM cortex-python:bookworm\nCOPY app.py /app.py\nENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1\nCMD ["python3", "-S", "/app.py"]\n' >"$work/image/Dockerfile"
docker build --quiet --tag cortex-bench/scaling "$work/image" >/dev/null 2>&1

/usr/bin/python3 bench/scaling/run.py "$work" "$@"
