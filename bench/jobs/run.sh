#!/usr/bin/env bash
# Jobs, on clusters of their own: Task jobs beside bare `docker run`, a Batch job's rate beside GNU parallel and a Celery
# group, and the enqueuing of a large file. Prints a table, writes bench/results/jobs.md, and ends with 1 when a mark is
# missed. About seven minutes; `quick` takes about two and leaves the file alone.
#   bench/jobs/run.sh [quick] [PART...]      parts: task batch enqueue peers; some alone leave the file alone
# CORTEX_BIN names an executable that is measured instead of a fresh build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

apt_install curl busybox-static nginx-light parallel python3 python3-celery python3-redis redis-server
scripts/ensure-docker.sh
[ -n "${CORTEX_BIN:-}" ] || ./build.sh
export CORTEX_BIN=${CORTEX_BIN:-$PWD/artifacts/cortex} MACHINE
MACHINE=$(machine)

work_folder

# A process that ends at once.
mkdir "$work/job"
cp /bin/busybox "$work/job/"
printf 'FROM scratch\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox", "true"]\n' >"$work/job/Dockerfile"
docker build --quiet --tag cortex-bench/job "$work/job" >/dev/null 2>&1

# A worker that does nothing as fast as can be; with the second configuration it writes when it answered.
nginx_root "$work/noop/root"
conf() {
  printf '%s\n' 'worker_processes 1; daemon off; pid /tmp/pid; error_log stderr warn; user nobody nogroup;' \
    'events { worker_connections 4096; }' \
    "http { $1 keepalive_requests 1000000000; default_type application/json;" \
    "  server { listen 8080 backlog=4096; location / { return 200 '{}'; } } }"
}
conf 'access_log off;' >"$work/noop/root/nginx.conf"
conf "log_format when '\$msec \$uri'; access_log /dev/stdout when;" >"$work/noop/root/logging.conf"
printf 'FROM scratch\nCOPY root /\nCMD ["%s", "-c", "/nginx.conf"]\n' "$nginx" >"$work/noop/Dockerfile"
docker build --quiet --tag cortex-bench/noop "$work/noop" >/dev/null 2>&1

NGINX=$nginx /usr/bin/python3 bench/jobs/run.py "$work" "$@"
