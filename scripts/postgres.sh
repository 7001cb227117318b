#!/bin/sh
# A PostgreSQL server of one's own in a folder, for tests and measurements; needs Debian's package postgresql.
#   scripts/postgres.sh start FOLDER PORT [SETTING=VALUE...]   makes it when there is none, starts it on 127.0.0.1, prints the connection string
#   scripts/postgres.sh stop FOLDER [smart|fast|immediate]     stops it
# As root it runs as user postgres, otherwise as the caller. FOLDER and PORT are the caller's to choose.
set -eu

usage() {
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
verb=$1
folder=$2
shift 2

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/initdb" ] || { echo "PostgreSQL is missing: run test/Cortex.Queues.Tests/prepare.sh" >&2; exit 1; }

as_owner() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

case $verb in
    start)
        [ $# -ge 1 ] || usage
        port=$1
        shift
        if [ ! -f "$folder/data/PG_VERSION" ]; then
            mkdir -p "$folder"
            [ "$(id -u)" -ne 0 ] || chown postgres: "$folder"
            as_owner "$bin/initdb" -D "$folder/data" -U cortex --auth=trust -E UTF8 --locale=C >"$folder.initdb" 2>&1 ||
                { cat "$folder.initdb" >&2; exit 1; }
            rm -f "$folder.initdb"
        fi
        options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories="
        for setting; do options="$options -c $setting"; done
        cd / # a folder that the server's user may enter
        as_owner "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -o "$options" -w -t 60 start >/dev/null ||
            { as_owner tail -n 20 "$folder/log" >&2; exit 1; }
        echo "Host=127.0.0.1;Port=$port;Username=cortex;Database=postgres"
        ;;
    stop)
        cd /
        as_owner "$bin/pg_ctl" -D "$folder/data" -m "${1:-fast}" -w -t 60 stop >/dev/null
        ;;
    *) usage ;;
esac
