#!/usr/bin/env bash
# The Python client: what its import takes, what a deploy takes beside the command line, and how many requests one event loop
# submits, beside httpx and aiohttp on the same cluster in the same run. Prints a table, writes bench/results/python.md, and ends with 1 when a
# mark is missed. About two minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

apt_install curl nginx-light python3 python3-httpx python3-aiohttp
scripts/ensure-docker.sh
[ -n "${CORTEX_BIN:-}" ] || ./build.sh
scripts/python-wheel.sh
export CORTEX_BIN=${CORTEX_BIN:-$PWD/artifacts/cortex} MACHINE
MACHINE=$(machine)

work_folder
noop_image cortex-bench/nginx-python '{"result":1}'

/usr/bin/python3 bench/python/run.py "$work"
