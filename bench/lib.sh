# Shared by the benchmarks: time, medians, a throw-away cluster. Source it after scripts/lib.sh.
# shellcheck shell=bash

now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }

# median NUMBER...
median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# below VALUE BOUND: "yes" or "NO", and remembers that a mark was missed.
missed=0
below() {
  if awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; then verdict=yes; else verdict=NO missed=$((missed + 1)); fi
}

# ms_of COMMAND...: how long it takes; ends the script when it fails.
ms_of() {
  local began
  began=$(now_ms)
  "$@" >/dev/null || fail "failed: $*"
  elapsed=$(($(now_ms) - began))
}

rss_mb() { awk '/^VmRSS/ { printf "%.0f", $2 / 1000 }' "/proc/$1/status"; }

# until_200 URL: tries without a pause, for at most 60 s.
until_200() {
  local end=$((SECONDS + 60))
  until curl --silent --fail --output /dev/null --connect-timeout 0.2 --max-time 2 "$1"; do
    [ "$SECONDS" -lt "$end" ] || fail "$1 did not answer within 60 s"
  done
}

machine() {
  printf '%s, %s processors, %s GB, Linux %s, Docker %s, %s' \
    "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" \
    "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1e6 }' /proc/meminfo)" "$(uname -r | cut -d- -f1)" \
    "$(docker version --format '{{.Server.Version}}')" "$(date -u +%Y-%m-%d)"
}

# nginx_root FOLDER: the root of an image that holds nginx, the libraries that it needs, and nothing else; sets nginx.
nginx_root() {
  local file
  nginx=$(command -v nginx || echo /usr/sbin/nginx)
  while read -r file; do
    install -D "$file" "$1$file"
  done < <(ldd "$nginx" | grep -oE '/[^ ]+'; echo "$nginx")
  mkdir -p "$1/tmp" "$1/etc" "$1/var/log/nginx" "$1/var/lib/nginx"
  printf 'root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n' >"$1/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
}

# noop_image NAME ANSWER: an image with a server that does nothing as fast as can be: it answers everything with this JSON.
noop_image() {
  nginx_root "$work/image/root"
  cat >"$work/image/root/nginx.conf" <<CONF
worker_processes 1; daemon off; pid /tmp/pid; error_log stderr warn; user nobody nogroup;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k; default_type application/json;
  server { listen 8080 backlog=4096; location / { return 200 '$2'; } }
}
CONF
  printf 'FROM scratch\nCOPY root /\nCMD ["%s", "-c", "/nginx.conf"]\n' "$nginx" >"$work/image/Dockerfile"
  docker build --quiet --tag "$1" "$work/image" >/dev/null 2>&1
}

# work_folder: a folder that goes when the script ends; sets work. Told to end, the script waits for the program that it
# runs, which is told as well and ends its cluster first: that lies in this folder.
work_folder() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 143' TERM
}

# cluster_files NAME OPERATOR-PORT API-PORT: a folder with a configuration of its own; sets dir.
cluster_files() {
  dir=$work/$1
  mkdir -p "$dir"
  printf 'cluster_name: %s\noperator: {port: %s}\napis: {port: %s}\n' "$1" "$2" "$3" >"$dir/cluster.yaml"
}

# in_cluster NAME COMMAND...: the command line with that cluster's environment.
in_cluster() { CORTEX_CLI_CONFIG_DIR=$work/$1 "$cortex" "${@:2}"; }

server_pid() { cat "$work/$1/clusters/$1/server.pid"; }
