#!/bin/sh
# Measures the queue store on PostgreSQL, in process, against a server of its own that is removed afterwards.
#   bench/queues/postgres.sh [submit|cycles|shared|million]...
# The folder is on the disk to be measured: TMPDIR, or /tmp.
set -eu
cd "$(dirname "$0")/../.."

port=${PORT:-45433}
folder=$(mktemp -d "${TMPDIR:-/tmp}/queues-bench.XXXXXX")
chmod 755 "$folder"
trap 'scripts/postgres.sh stop "$folder/server" immediate 2>/dev/null; rm -rf "$folder"' EXIT

dotnet build bench/queues -c Release -v quiet --nologo
connection=$(scripts/postgres.sh start "$folder/server" "$port" shared_buffers=256MB min_wal_size=1GB max_wal_size=1GB)
dotnet bench/queues/bin/Release/net10.0/queues-bench.dll postgres "$connection" "$@"
