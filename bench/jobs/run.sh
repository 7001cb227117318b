#!/usr/bin/env bash
# Task jobs beside bare `docker run`: from the submission to the process, and a hundred at once. Prints a table, writes
# bench/results/jobs.md, and ends with 1 when a mark is missed. About three minutes. CORTEX_BIN names an executable that is
# measured instead of a fresh build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/lib.sh
. scripts/lib.sh
# shellcheck source=../lib.sh
. bench/lib.sh

ROUNDS=${ROUNDS:-15} JOBS=${JOBS:-100} PARALLEL=8 BURSTS=${BURSTS:-3}

cortex=${CORTEX_BIN:-$PWD/artifacts/cortex}
image=cortex-bench/job
work=$(mktemp -d)
name=bench-jobs-$$ operator=27888

clean() {
  [ ! -d "$work/$name/clusters" ] || in_cluster "$name" cluster down --yes >/dev/null 2>&1 || say "could not remove cluster $name" >&2
  rm -rf "$work"
}
trap clean EXIT

apt_install curl jq busybox-static
scripts/ensure-docker.sh
[ -n "${CORTEX_BIN:-}" ] || ./build.sh

mkdir "$work/image"
cp /bin/busybox "$work/image/"
printf 'FROM scratch\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox", "true"]\n' >"$work/image/Dockerfile"
docker build --quiet --tag "$image" "$work/image" >/dev/null 2>&1

cluster_files "$name" "$operator" 27889
printf 'jobs: {parallel_starts: %s, history: 1000}\n' "$PARALLEL" >>"$work/$name/cluster.yaml"
cat >"$work/job.yaml" <<YAML
- name: bench
  kind: TaskAPI
  pod:
    containers:
      - {name: main, image: $image, command: [/bin/busybox, "true"], compute: {cpu: 20m}}
YAML
in_cluster "$name" cluster up "$work/$name/cluster.yaml" --yes >/dev/null
in_cluster "$name" deploy "$work/job.yaml" >/dev/null
url=http://127.0.0.1:$operator/tasks/bench

submit() { curl --silent --fail --data '{}' "$url" | jq -r .job_id; }
ended() { curl --silent --fail "$url?jobID=$1&wait=60s" | jq -r '.job_status | select(.status == "succeeded") | .'"$2"; }
since() { echo $((($(date -d "$2" +%s%N) - $1) / 1000000)); }

step "one at a time, $ROUNDS rounds each, by turns"
bare=() ours=()
for ((i = 0; i < ROUNDS; i++)); do
  began=$(date +%s%N)
  id=$(docker run --detach "$image")
  bare+=("$(since "$began" "$(docker inspect --format '{{.State.StartedAt}}' "$id")")")
  docker wait "$id" >/dev/null
  docker rm "$id" >/dev/null
  began=$(date +%s%N)
  id=$(submit)
  ours+=("$(since "$began" "$(ended "$id" process_start_time)")")
  sleep 0.5   # its containers are being removed
done

step "$JOBS at once, $PARALLEL at a time, $BURSTS rounds each, by turns"
bare_all=() ours_all=()
for ((i = 0; i < BURSTS; i++)); do
  began=$(now_ms)
  seq "$JOBS" | xargs -P "$PARALLEL" -I{} docker run --rm "$image" >/dev/null
  bare_all+=("$(($(now_ms) - began))")
  began=$(now_ms)
  seq "$JOBS" | xargs -P 16 -I% curl --silent --fail --write-out '\n' --data '{}' "$url" | jq -r .job_id >"$work/ids"
  while read -r id; do
    [ -n "$(ended "$id" end_time)" ] || fail "job $id did not succeed"
  done <"$work/ids"
  ours_all+=("$(($(now_ms) - began))")
  [ "$(wc -l <"$work/ids")" = "$JOBS" ] || fail "fewer than $JOBS jobs were accepted"
  until [ "$(docker ps --all --quiet --filter "label=dev.cortex.cluster=$name" | wc -l)" = 0 ]; do sleep 0.2; done
done

rows=()
report() {
  below "$(ratio "$3" "$2")" 1.3
  rows+=("| $1 | $2 ms | $3 ms | $(ratio "$3" "$2") | 1.3 | $verdict |")
}
report "from \`docker run\` or the submission to the process" "$(median "${bare[@]}")" "$(median "${ours[@]}")"
report "$JOBS at once, $PARALLEL at a time, until the last has ended" "$(median "${bare_all[@]}")" "$(median "${ours_all[@]}")"

{
  printf '# Task jobs\n\n%s. Medians of %s and %s rounds, by turns; `bench/jobs/run.sh`.\n\n' "$(machine)" "$ROUNDS" "$BURSTS"
  printf '| | docker run | a job | ratio | mark | within |\n|---|---|---|---|---|---|\n'
  printf '%s\n' "${rows[@]}"
} | tee bench/results/jobs.md
exit $((missed > 0))
