#!/usr/bin/env bash
# Draws docs/guide/scaling.svg from a real run: a cluster of its own, an API whose replica takes 2 requests/s, five and a half minutes of
# changing load. What was measured is kept beside it in scaling.csv. About seven minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

work_folder

apt_install python3 busybox-static
scripts/ensure-docker.sh
[ -n "${CORTEX_BIN:-}" ] || { ./build.sh && CORTEX_BIN=$PWD/artifacts/cortex; }
export CORTEX_BIN

# A server that starts within milliseconds and takes half a second per request.
mkdir -p "$work/image/www/cgi-bin"
cp "$(command -v busybox)" "$work/image/"
cat >"$work/image/www/cgi-bin/work" <<'SH'
#!/bin/busybox sh
/bin/busybox sleep 0.5
/bin/busybox printf 'Content-Type: text/plain\r\n\r\nok\n'
SH
chmod +x "$work/image/www/cgi-bin/work"
cat >"$work/image/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY busybox /bin/busybox
COPY www /www
CMD ["/bin/busybox", "sh", "-c", "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h /www & wait"]
DOCKERFILE
docker build --quiet --tag cortex-bench/half "$work/image" >/dev/null 2>&1

python3 bench/picture/scaling.py "$work" docs/guide/scaling.csv docs/guide/scaling.svg
