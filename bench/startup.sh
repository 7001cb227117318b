#!/usr/bin/env bash
# Start-up times and memory, on clusters of its own. Prints a table, writes bench/results/startup.md, and ends with 1 when a
# mark is missed. About three minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=lib.sh
. bench/lib.sh

UP_ROUNDS=5 GETS=20 DEPLOY_ROUNDS=9 APIS=500 LATENCY_ROUNDS=5

cortex=$PWD/artifacts/cortex
image=cortex-bench/httpd
work=$(mktemp -d)
few=bench-few-$$ many=bench-many-$$ network=cortex-bench-$$ address=172.31.251.9

clean() {
  docker rm -f "$network" >/dev/null 2>&1 || true
  docker network rm "$network" >/dev/null 2>&1 || true
  for name in "$few" "$many"; do
    [ ! -d "$work/$name/clusters" ] || in_cluster "$name" cluster down --yes >/dev/null 2>&1 || say "could not remove cluster $name" >&2
  done
  rm -rf "$work"
}
trap clean EXIT

apt_install curl wrk busybox-static
scripts/ensure-docker.sh
./build.sh

# A server that starts within milliseconds, so that what is measured is what surrounds it.
mkdir "$work/image"
cp /bin/busybox "$work/image/"
printf 'ok\n' >"$work/image/index.html"
cat >"$work/image/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY busybox /bin/busybox
COPY index.html /www/index.html
CMD ["/bin/busybox", "sh", "-c", "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h /www & wait"]
DOCKERFILE
docker build --quiet --tag "$image" "$work/image" >/dev/null 2>&1
docker network create --subnet 172.31.251.0/24 "$network" >/dev/null

cluster_files "$few" 28888 28889
cluster_files "$many" 29888 29889
rows=()
row() { rows+=("| $1 | $2 | $3 | $4 |"); printf '%-62s %-22s %-12s %s\n' "$1" "$2" "$3" "$4"; }

step "cluster up, $UP_ROUNDS times"
ups=()
for ((i = 0; i < UP_ROUNDS; i++)); do
  [ "$i" = 0 ] || in_cluster "$few" cluster down --yes >/dev/null
  ms_of in_cluster "$few" cluster up "$work/$few/cluster.yaml" --yes
  ups+=("$elapsed")
  in_cluster "$few" get >/dev/null   # it does answer
done
below "$(median "${ups[@]}")" 2000
row "\`cluster up\` until it answers" "$(median "${ups[@]}") ms" "2000 ms" "$verdict"

step "cortex get, $GETS times"
cat >"$work/one.yaml" <<YAML
- name: one
  kind: RealtimeAPI
  pod:
    max_concurrency: 64
    containers:
      - name: api
        image: $image
        compute: {cpu: 100m, mem: 32Mi}
  autoscaling: {max_replicas: 1}
YAML
in_cluster "$few" deploy "$work/one.yaml" --wait >/dev/null 2>&1
gets=()
for ((i = 0; i < GETS; i++)); do
  ms_of in_cluster "$few" get
  gets+=("$elapsed")
done
below "$(median "${gets[@]}")" 150
row "\`cortex get\`, median" "$(median "${gets[@]}") ms" "150 ms" "$verdict"

step "Memory of a server with one API"
sleep 5
idle=$(rss_mb "$(server_pid "$few")")
below "$idle" 120
row "server, idle, resident" "$idle MB" "120 MB" "$verdict"

step "deploy to the first 200, beside docker run, $DEPLOY_ROUNDS rounds"
sed 's/name: one/name: fresh/' "$work/one.yaml" >"$work/fresh.yaml"
runs=() deploys=() ratios=()
gone() { [ -z "$(docker ps --all --quiet --filter "name=^cortex-$few-fresh")" ]; }
for ((i = 0; i < DEPLOY_ROUNDS; i++)); do
  began=$(now_ms)
  docker run --detach --name "$network" --network "$network" --ip "$address" --memory 32m "$image" >/dev/null
  until_200 "http://$address:8080/"
  run=$(($(now_ms) - began))
  docker rm --force "$network" >/dev/null

  began=$(now_ms)
  in_cluster "$few" deploy "$work/fresh.yaml" >/dev/null
  until_200 http://127.0.0.1:28889/fresh/
  deploy=$(($(now_ms) - began))
  in_cluster "$few" delete --force fresh >/dev/null
  wait_for 90 gone || fail "the replica of 'fresh' did not go"

  runs+=("$run") deploys+=("$deploy") ratios+=("$(ratio "$deploy" "$run")")
done
between=$(median "${ratios[@]}")
below "$between" 1.3
row "deploy to first 200 / docker run to first 200, median of ratios" "$(median "${deploys[@]}") / $(median "${runs[@]}") ms = $between" "1.3" "$verdict"

step "$APIS APIs without replicas"
in_cluster "$many" cluster up "$work/$many/cluster.yaml" --yes >/dev/null
in_cluster "$many" deploy "$work/one.yaml" --wait >/dev/null 2>&1
for ((i = 0; i < APIS; i++)); do
  printf -- '- name: idle-%d\n  kind: RealtimeAPI\n  pod:\n    containers:\n      - {name: api, image: %s}\n  autoscaling: {min_replicas: 0}\n' "$i" "$image"
done >"$work/idle.yaml"
ms_of in_cluster "$many" deploy "$work/idle.yaml"
row "deploying $APIS APIs" "$elapsed ms" "-" "-"
sleep 5
full=$(rss_mb "$(server_pid "$many")")
below "$full" 200
row "server with $APIS APIs, resident" "$full MB" "200 MB" "$verdict"

# p50 PORT, in microseconds
p50() { wrk --latency -t1 -c1 -d3s "http://127.0.0.1:$1/one/" | awk '$1 == "50%" { v = $2; f = v ~ /us$/ ? 1 : v ~ /ms$/ ? 1000 : 1e6; sub(/[a-z]+$/, "", v); print v * f }'; }
few_times=() many_times=() ratios=()
for ((i = 0; i < LATENCY_ROUNDS; i++)); do
  a=$(p50 28889) b=$(p50 29889)
  few_times+=("$a") many_times+=("$b") ratios+=("$(ratio "$b" "$a")")
done
between=$(median "${ratios[@]}")
below "$between" 1.1
row "median latency with $((APIS + 1)) APIs / with one, median of ratios" "$(median "${many_times[@]}") / $(median "${few_times[@]}") us = $between" "1.1 (noise)" "$verdict"

mkdir -p bench/results
{
  printf '# Start-up and memory\n\n%s\n\n`bench/startup.sh`\n\n' "$(machine)"
  printf '| | measured | mark | reached |\n|---|---|---|---|\n'
  printf '%s\n' "${rows[@]}"
} >bench/results/startup.md
say
say "written to bench/results/startup.md"
[ "$missed" = 0 ] || fail "$missed marks missed"
