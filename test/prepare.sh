#!/bin/sh
# Installs, by apt, what the tests of the container runtimes need. Harmless when all is there.
set -eu

missing=
command -v docker-registry >/dev/null || missing="$missing docker-registry"
command -v htpasswd >/dev/null || missing="$missing apache2-utils"
test -x /bin/busybox && ! ldd /bin/busybox >/dev/null 2>&1 || missing="$missing busybox-static"
command -v ip >/dev/null || missing="$missing iproute2"
command -v dockerd >/dev/null || missing="$missing docker.io"

if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "the tests need$missing: run as root: apt-get install -y$missing" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    # shellcheck disable=SC2086 # a list of package names
    apt-get install -y -q --no-install-recommends $missing
fi
