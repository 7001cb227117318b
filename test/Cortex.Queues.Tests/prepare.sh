#!/bin/sh
# Installs what the tests of the queue stores need: PostgreSQL by apt (no cluster is left running), and s3rver, an S3
# server, by npm into artifacts/. Harmless when all is there.
set -eu
cd "$(dirname "$0")/../.."

S3RVER=3.7.1

install() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "the tests of the queue stores need $*: run as root: apt-get install -y $*" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -y -q --no-install-recommends "$@"
}

if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    install postgresql-common
    # The tests start servers of their own; the package would make one that runs from then on.
    echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf
    install postgresql
fi

if [ ! -f "artifacts/s3rver-$S3RVER/node_modules/s3rver/bin/s3rver.js" ]; then
    command -v npm >/dev/null || install nodejs npm
    rm -rf "artifacts/s3rver-$S3RVER"
    mkdir -p artifacts
    folder=$(mktemp -d artifacts/s3rver.XXXXXX)
    npm install --prefix "$folder" --no-audit --no-fund --no-save "s3rver@$S3RVER"
    mv "$folder" "artifacts/s3rver-$S3RVER"
fi
