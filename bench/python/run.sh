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

# A worker that does nothing as fast as can be.
work_folder
nginx_root "$work/image/root"
cat >"$work/image/root/nginx.conf" <<CONF
worker_processes 1; daemon off; pid /tmp/pid; error_log stderr warn; user nobody nogroup;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k; default_type application/json;
  server { listen 8080 backlog=4096; location / { return 200 '{"result":1}'; } }
}
CONF
printf 'FROM scratch\nCOPY root /\nCMD ["%s", "-c", "/nginx.conf"]\n' "$nginx" >"$work/image/Dockerfile"
docker build --quiet --tag cortex-bench/nginx-python "$work/image" >/dev/null 2>&1

/usr/bin/python3 bench/python/run.py "$work"
