#!/usr/bin/env bash
# Waking APIs, on a cluster of its own: from zero replicas to the first answer beside `docker run` of the same image to its
# first answer, and from a frozen replica. The program takes 50 ms to boot. Prints a table, writes bench/results/zero.md, and
# ends with 1 when a mark is missed. About three minutes; `quick` takes about one and leaves the file alone.
#   bench/zero/run.sh [quick] [PART...]      parts: zero frozen; some alone leave the file alone
# CORTEX_BIN names an executable that is measured instead of a fresh build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

apt_install python3 busybox-static
scripts/ensure-docker.sh
[ -n "${CORTEX_BIN:-}" ] || ./build.sh
export CORTEX_BIN=${CORTEX_BIN:-$PWD/artifacts/cortex} MACHINE
MACHINE=$(machine)

work_folder

mkdir "$work/image"
cp /bin/busybox "$work/image/"
printf 'ok\n' >"$work/image/index.html"
cat >"$work/image/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY busybox /bin/busybox
COPY index.html /www/index.html
CMD ["/bin/busybox", "sh", "-c", "trap 'exit 0' TERM; /bin/busybox sleep 0.05; /bin/busybox httpd -f -p 8080 -h /www & wait"]
DOCKERFILE
docker build --quiet --tag cortex-bench/boots "$work/image" >/dev/null 2>&1

python3 bench/zero/run.py "$work" "$@"
