#!/usr/bin/env bash
# Measures the gateway beside nginx, HAProxy and no proxy at all, in rounds in which they take turns.
# Usage: bench/gateway/run.sh [quick|full] [RESULT.md]
#   GATEWAY_HOST  command to start in place of the built host; gets PORT UPSTREAM_PORT MAX_CONCURRENCY MAX_QUEUE_LENGTH
#                 and must serve the endpoint /bench there
#   BEFORE_HOST   an earlier build of the host, for the case "before" that compares the two in short rounds
#   CASES         what to measure, of 100 10k 1m queue split before; all by default
# The built host prints metrics, allocations and thread pool items when it ends if GATEWAY_HOST_STATS is set.
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=${1:-quick}
case $mode in
  quick) rounds=3 seconds=3 warmup=3 ;;
  full) rounds=7 seconds=5 warmup=5 ;;
  *) echo "usage: $0 [quick|full] [RESULT.md]" >&2; exit 2 ;;
esac
result=${2:-artifacts/bench-gateway.md}
cases=" ${CASES:-100 10k 1m queue split before} "

if [[ ${CASES:-} == *before* && -z ${BEFORE_HOST:-} ]]; then
  echo 'the case "before" needs BEFORE_HOST, the host of the earlier build' >&2
  exit 2
fi

missing=()
for pair in nginx:nginx-light haproxy:haproxy wrk:wrk python3:python3; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if ((${#missing[@]})); then
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
fi

if [[ -z ${GATEWAY_HOST:-} ]]; then
  dotnet build -c Release -v quiet -nologo bench/gateway/Host
  GATEWAY_HOST=bench/gateway/Host/bin/Release/net10.0/gateway-host
fi

dir=$(mktemp -d)
chmod 755 "$dir"   # nginx serves from it as another user
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT

# Free ports: upstream, nginx, HAProxy, HAProxy with a limit of 16, ours, ours with a limit of 16, an earlier build of ours.
read -r up ngx hap hap16 our our16 old < <(python3 - <<'P'
import socket
sockets = [socket.socket() for _ in range(7)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
P
)

mkdir -p "$dir/www"
head -c 100 /dev/zero | tr '\0' a >"$dir/www/100"
head -c 10240 /dev/zero | tr '\0' b >"$dir/www/10k"
head -c 1048576 /dev/zero | tr '\0' c >"$dir/www/1m"

cat >"$dir/upstream.conf" <<C
worker_processes 1; pid $dir/upstream.pid; error_log $dir/upstream.log; daemon off;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; open_file_cache max=16;
  server { listen 127.0.0.1:$up backlog=4096; root $dir/www; default_type application/octet-stream;
    location = /100 { return 200 "$(cat "$dir/www/100")"; }
    location = / { return 200 "$(cat "$dir/www/100")"; } }
}
C
cat >"$dir/proxy.conf" <<C
worker_processes 1; pid $dir/proxy.pid; error_log $dir/proxy.log; daemon off;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000;
  upstream replicas { server 127.0.0.1:$up; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:$ngx backlog=4096;
    location /bench/ { proxy_pass http://replicas/; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host \$http_host; proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for; } }
}
C
haproxy_conf() { # PORT MAXCONN
  cat <<C
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  option http-keep-alive
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue 60s
frontend f
  bind 127.0.0.1:$1
  default_backend b
backend b
  http-request replace-path /bench(/.*) \1
  server s 127.0.0.1:$up maxconn $2
C
}
haproxy_conf "$hap" 1024 >"$dir/haproxy.cfg"
haproxy_conf "$hap16" 16 >"$dir/haproxy16.cfg"

start() { "$@" >>"$dir/out.log" 2>&1 & pids+=($!); }
start nginx -c "$dir/upstream.conf"
start nginx -c "$dir/proxy.conf"
start haproxy -db -f "$dir/haproxy.cfg"
start haproxy -db -f "$dir/haproxy16.cfg"
start $GATEWAY_HOST "$our" "$up" 1024 1024
our_pid=$!
start $GATEWAY_HOST "$our16" "$up" 16 1024
if [[ -n ${BEFORE_HOST:-} ]]; then
  start $BEFORE_HOST "$old" "$up" 1024 1024
  old_pid=$!
fi

for port in "$up" "$ngx" "$hap" "$hap16" "$our" "$our16" ${BEFORE_HOST:+"$old"}; do
  for _ in $(seq 200); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue 2; sleep 0.1; done
  echo "nothing listens on port $port; output so far:" >&2; cat "$dir/out.log" >&2; exit 1
done
for path in 100 10k 1m; do
  for port in "$ngx" "$hap" "$hap16" "$our" "$our16"; do
    curl -sSf "http://127.0.0.1:$port/bench/$path" | cmp - "$dir/www/$path"
  done
done
for path in bench single split sticky shadow; do
  curl -sSf -H 'X-User: somebody' "http://127.0.0.1:$our/$path" | cmp - "$dir/www/100"
done

cat >"$dir/report.lua" <<'L'
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %.1f %.3f %.3f %d %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, e.connect + e.read + e.write + e.status + e.timeout, summary.requests))
end
L
headers=()
ticks() { awk '{ print $14 + $15 }' "/proc/$([[ $1 == before ]] && echo "$old_pid" || echo "$our_pid")/stat"; }   # hundredths of a second of processor time, ours
measure() { # CASE NAME CONNECTIONS SECONDS URL
  local line before
  before=$(ticks "$2")
  line=$(wrk -t1 -c"$3" -d"$4"s --timeout 30s "${headers[@]}" -s "$dir/report.lua" "$5" | grep '^RESULT')
  [[ $1 == warmup ]] || echo "$1 $2 ${line#RESULT } $(($(ticks "$2") - before))" >>"$dir/results"
}
run_case() { # CASE CONNECTIONS NAME=URL...
  local case=$1 connections=$2 round target
  [[ $cases == *" $case "* ]] || return 0
  shift 2
  for target in "$@"; do measure warmup - "$connections" "$warmup" "${target#*=}"; done
  for ((round = 1; round <= rounds; round++)); do
    echo "$case: round $round of $rounds" >&2
    for target in "$@"; do measure "$case" "${target%%=*}" "$connections" "$seconds" "${target#*=}"; done
    set -- "${@:2}" "$1"   # everybody is first once in a while
  done
}
for path in 100 10k 1m; do
  run_case "$path" 64 "direct=http://127.0.0.1:$up/$path" "nginx=http://127.0.0.1:$ngx/bench/$path" \
    "haproxy=http://127.0.0.1:$hap/bench/$path" "cortex=http://127.0.0.1:$our/bench/$path"
done
run_case queue 256 "haproxy=http://127.0.0.1:$hap16/bench/100" "cortex=http://127.0.0.1:$our16/bench/100"
# The same API by its own address and through splitters, in short runs that take turns more often: a small difference is looked for.
rounds=$((rounds * 3)) headers=(-H 'X-User: somebody')
run_case split 64 "cortex=http://127.0.0.1:$our/bench" "single=http://127.0.0.1:$our/single" "splitter=http://127.0.0.1:$our/split" \
  "sticky=http://127.0.0.1:$our/sticky" "shadow=http://127.0.0.1:$our/shadow"
if [[ -n ${BEFORE_HOST:-} ]]; then
  run_case before 64 "before=http://127.0.0.1:$old/bench/100" "cortex=http://127.0.0.1:$our/bench/100"
fi
memory=$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$our_pid/status")

mkdir -p "$(dirname "$result")"
python3 bench/gateway/report.py "$dir/results" "$mode" "$rounds" "$seconds" "$memory" | tee "$result"
