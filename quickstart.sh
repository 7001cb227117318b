#!/usr/bin/env bash
# From a fresh clone to APIs that answer: starts a cluster on this machine and calls a first API as soon as the code is compiled, then
# makes the executable and the example images, deploys the examples, calls each of them, runs jobs, and leaves the cluster running.
# Run it again at any time; then it takes seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/ensure-dotnet.sh
. scripts/ensure-dotnet.sh

cortex=artifacts/cortex
quick=src/Cortex/bin/Release/net10.0/cortex   # what ./build.sh --quick makes
STORAGE_PORT=8887

# build_image FOLDER NAME: and notes whose image is another than before.
build_image() {
  local image=cortex-examples/$2 before
  before=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
  docker build --quiet --tag "$image" "examples/$1" >/dev/null 2>"$log" || { cat "$log" >&2; fail "could not build examples/$1"; }
  if [ "$before" != "$(docker image inspect --format '{{.Id}}' "$image")" ]; then
    say "built $image"
    [ -z "$before" ] || echo "$2" >>"$renewed"
  fi
}

# renew: has the deployed APIs take up new images.
renew() {
  local name
  while read -r name; do
    if "$cortex" describe "$name" >/dev/null 2>&1; then   # what has replicas; jobs take the image that is there
      "$cortex" refresh --force "$name"
    fi
  done <"$renewed"
}

# call NAME CURL-ARGUMENT...: shows the request and the answer; an answer that is not 2xx ends the script.
call() {
  local url shown=() argument
  url=$(endpoint "$1")
  shift
  for argument in "$@"; do
    case $argument in *[!a-zA-Z0-9@/._-]*) shown+=("'$argument'") ;; *) shown+=("$argument") ;; esac
  done
  printf '\n%s$ curl %s%s\n' "$BOLD" "$url${shown[*]:+ ${shown[*]}}" "$PLAIN"
  for argument in "$@"; do
    case $argument in @*) printf '%s' "$DIM"; sed 's/^/  > /' "${argument#@}"; printf '%s' "$PLAIN" ;; esac
  done
  curl --silent --show-error --no-buffer --fail-with-body --max-time 60 "$url" "$@" | grep --line-buffered . || fail "$url did not answer as it should"
}

# endpoint NAME: the URL of a deployed API.
endpoint() {
  local url
  url=$("$cortex" get "$1" -o json | grep -oE '"endpoint": ?"http[^"]*"' | head -n 1 | cut -d'"' -f4)
  [ -n "$url" ] || fail "'$cortex get $1' shows no endpoint"
  printf '%s' "$url"
}

# show ARGUMENT...: runs the command line, and shows what was typed.
show() {
  printf '\n%s$ cortex %s%s\n' "$BOLD" "$*" "$PLAIN"
  "$cortex" "$@"
}

# start_storage: examples/storage in a container, for this machine and the cluster's containers only; what it holds is in a
# volume. Does nothing when it runs as it should.
start_storage() {
  local gateway wanted
  gateway=$(docker network inspect --format '{{(index .IPAM.Config 0).Gateway}}' cortex-cortex)
  wanted="true $(docker image inspect --format '{{.Id}}' cortex-examples/storage) [server.py /data $STORAGE_PORT 127.0.0.1 $gateway]"
  [ "$(docker inspect --format '{{.State.Running}} {{.Image}} {{.Args}}' cortex-storage 2>/dev/null)" != "$wanted" ] || return 0
  docker rm --force cortex-storage >/dev/null 2>&1 || true
  docker run --detach --name cortex-storage --restart unless-stopped --network host --volume cortex-storage:/data \
    cortex-examples/storage "$STORAGE_PORT" 127.0.0.1 "$gateway" >/dev/null
  wait_for 30 curl --silent "http://127.0.0.1:$STORAGE_PORT/" || { docker logs cortex-storage >&2; fail "the storage does not answer"; }
}

# submit CURL-ARGUMENT...: shows a request to the Async API and its answer; sets id.
submit() {
  printf '\n%s$ curl %s --data @examples/explain/sample.json%s%s\n' "$BOLD" "$explain" "${1:+ $1 '$2'}" "$PLAIN"
  id=$(curl --silent --show-error --fail-with-body --max-time 60 "$explain" --data @examples/explain/sample.json "$@") || fail "$explain did not take the request: $id"
  say "$id"
  id=$(cut -d'"' -f4 <<<"$id")
}

# look [QUERY]: shows what is known of the request.
look() {
  printf '%s$ curl %s%s%s\n' "$BOLD" "$explain/$id" "${1:-}" "$PLAIN"
  answer=$(curl --silent --show-error --fail-with-body --max-time 90 "$explain/$id${1:-}") || fail "$explain/$id did not answer: $answer"
  say "$answer"
}

# replicas: of the elastic API, as "ready/wanted".
replicas() { "$cortex" get elastic -o json | grep -oE '"(ready|requested)": ?[0-9]+' | head -n 2 | grep -oE '[0-9]+' | paste -sd/; }

asleep() { [ "$(replicas)" = 0/0 ]; }

# up: starts the cluster with the settings that it has, else with those of the examples. A server of another build makes way;
# its containers keep running, and the new one adopts them.
up() {
  local pid
  pid=$(cat "${settings%/*}/server.pid" 2>/dev/null || true)
  case $([ -z "$pid" ] || readlink "/proc/$pid/exe" || true) in
    "$PWD/$cortex (deleted)" | "$PWD/$quick" | "$PWD/$quick (deleted)")
      say "restarting the server with the new build"
      kill "$pid"
      gone() { ! kill -0 "$pid"; }
      wait_for 60 gone || fail "the server with process id $pid does not stop"
      ;;
  esac
  if [ -s "$settings" ]; then "$cortex" cluster up --name cortex; else "$cortex" cluster up examples/cluster.yaml; fi
}

# images: of all examples.
images() {
  scripts/base-image.sh
  build_image hello hello
  build_image iris iris
  build_image two-containers digits
  build_image streaming streaming
  build_image explain explain
  build_image elastic elastic
  build_image storage storage
  build_image train train
  build_image score score
}

# first: the first API and its answer.
first() {
  examples/first/image.sh
  show deploy examples/first/cortex.yaml --wait
  call first
  good "The first answer, after $SECONDS seconds."
}

log=$(mktemp)
made=$(mktemp)   # what is said while the images are made
renewed=$(mktemp)
making=''
trap 'rm -f "$log" "$made" "$renewed"; [ -z "$making" ] || kill "$making" 2>/dev/null || true' EXIT
settings=${CORTEX_CLI_CONFIG_DIR:-$HOME/.cortex}/clusters/cortex/cluster.yaml

step "Prerequisites"
apt_install curl ca-certificates
scripts/ensure-docker.sh
say "Docker Engine $(docker version --format '{{.Server.Version}}'), $(curl --version | head -n 1 | cut -d' ' -f1-2)"

if [ ! -x "$cortex" ]; then
  # Making the executable takes minutes. What is only compiled does the same, a little later each time.
  ensure_dotnet
  ./build.sh --quick
  full=$cortex cortex=$quick
  step "A cluster on this machine, and a first API"
  up
  first
  cortex=$full
fi

step "The executable, and the images of the examples beside it: two minutes the first time"
images >"$made" 2>&1 &
making=$!
./build.sh
scripts/check-libraries.sh "$cortex"
status=0
wait "$making" || status=$?
making=''
cat "$made"
[ "$status" = 0 ] || fail "the images of the examples could not be made; what was said is above"

step "Cluster"
up
renew
[ -n "${full:-}" ] || first

step "Storage for jobs"
start_storage
say "http://127.0.0.1:$STORAGE_PORT speaks S3's protocol; containers reach it as http://host.docker.internal:$STORAGE_PORT"

step "Deploying the examples"
for example in hello iris two-containers streaming explain elastic splitter train score; do
  "$cortex" deploy "examples/$example/cortex.yaml" --wait
done
echo
"$cortex" get

step "Calling them"
call hello
call iris --data @examples/iris/sample.json
call digits --data-binary @examples/two-containers/sample.pgm
call streaming --data @examples/streaming/sample.json

step "A traffic splitter: a new version gets more and more of the requests"
greeting=$(endpoint greeting)
printf '\n%s$ for i in $(seq 300); do curl %s; done | sort | uniq -c%s\n' "$BOLD" "$greeting" "$PLAIN"
for _ in $(seq 300); do
  curl --silent --show-error --fail-with-body --max-time 60 "$greeting" || fail "$greeting did not answer"
done | sort | uniq -c
show get greeting

step "An Async API: submit, then poll"
explain=$(endpoint explain)
submit
look
until [[ $answer == *'"completed"'* || $answer == *'"failed"'* ]]; do
  sleep 0.5
  look
done

step "The same, waiting for the result"
submit
look '?wait=30s'
[[ $answer == *'"completed"'* ]] || fail "the request did not complete"

step "The same, called back"
if grep -q '127.0.0.1' "$settings"; then
  receiver=$(docker run --detach --network host --env "CALLBACK_KEY=$("$cortex" describe explain | grep -o 'whsec_.*')" cortex-examples/explain python3 receive.py)
  submit --header 'X-Cortex-Callback-URL: http://127.0.0.1:8890/'
  status=$(timeout 90 docker wait "$receiver") || status=none
  printf '%sreceived, and the signature is right:%s\n' "$BOLD" "$PLAIN"
  docker logs "$receiver" 2>&1
  docker rm --force "$receiver" >/dev/null
  [ "$status" = 0 ] || fail "the callback did not arrive as it should"
else
  say "left out: this cluster was started with a configuration that allows no callbacks to this machine;"
  say "'$cortex cluster configure examples/cluster.yaml' changes that"
fi

step "Asleep, woken by a request, scaled up by load, and back"
wait_for 120 asleep || fail "the API 'elastic' does not go to sleep: $(replicas) replicas"
say "elastic has no replica: $(replicas)"
began=${EPOCHREALTIME/[.,]/}
call elastic
say "the first answer took $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms, the start of a container included"
elastic=$(endpoint elastic)
printf '\n%seight clients, for 12 seconds%s\n' "$BOLD" "$PLAIN"
end=$((SECONDS + 12)) clients=() most=0
for _ in 1 2 3 4 5 6 7 8; do
  while [ "$SECONDS" -lt "$end" ]; do
    curl --silent --show-error --fail-with-body --max-time 60 --output /dev/null "$elastic" || exit 1
  done &
  clients+=($!)
done
while [ "$SECONDS" -lt "$end" ]; do
  now=$(replicas)
  say "  $now replicas ready/there"
  [ "${now%/*}" -le "$most" ] || most=${now%/*}
  sleep 2
done
for client in "${clients[@]}"; do
  wait "$client" || fail "a request failed while the API was scaled"
done
show describe elastic
[ "$most" -gt 1 ] || fail "eight clients did not bring the API 'elastic' more than $most replica"
wait_for 120 asleep || fail "the API 'elastic' does not go back to sleep: $(replicas) replicas"
printf '\n'
say "asleep again: $(replicas) replicas"

step "A Task job: train a model, and leave it in storage"
printf '\n%s$ cortex job submit train --file examples/train/job.json%s\n' "$BOLD" "$PLAIN"
job=$("$cortex" job submit train --file examples/train/job.json -o json | grep -oE '"job_id": ?"[^"]*"' | cut -d'"' -f4)
say "submitted job $job of train"
show logs train "$job"
"$cortex" get train "$job" -o json | grep -qE '"status": ?"succeeded"' || fail "the job did not succeed"

step "A Batch job: score a data set with that model, on two workers"
if grep -q ":$STORAGE_PORT" "$settings"; then
  sed 's/^/  > /' examples/score/job.json
  show job submit score --file examples/score/job.json --wait
  job=$("$cortex" get score -o json | grep -oE '"job_id": ?"[^"]*"' | head -n 1 | cut -d'"' -f4)
  show get score "$job"
  scores=http://127.0.0.1:$STORAGE_PORT/examples/digits/scores/$job
  printf '\n%s$ curl %s.json%s\n' "$BOLD" "$scores" "$PLAIN"
  curl --silent --show-error --fail-with-body --max-time 60 "$scores.json" || fail "the job has left no summary"
  printf '%s$ curl %s.csv | head -n 4%s\n' "$BOLD" "$scores" "$PLAIN"
  curl --silent --show-error --fail-with-body --max-time 60 --range 0-999 "$scores.csv" | head -n 4
else
  say "left out: this cluster was started with a configuration that knows no storage;"
  say "'$cortex cluster configure examples/cluster.yaml' changes that"
fi

step "The cluster keeps running"
cat <<TEXT
Try next:
  export PATH=$PWD/artifacts:\$PATH
  cortex get                              what is deployed
  cortex describe iris                    its replicas
  cortex logs iris                        what its containers write (Ctrl-C ends it)
  cortex async submit explain examples/explain/sample.json --wait
  cortex async list explain
  cortex job submit train --config trees=50 --wait
  cortex job submit score --file examples/score/job.json --wait
  cortex get score                        its jobs
  cortex get elastic --watch              call it from another terminal, and see it wake
  nano examples/hello/cortex.yaml         change GREETING, then:
  cortex deploy examples/hello/cortex.yaml --wait
  cortex delete hello
  cortex cluster down                     stops the cluster and removes everything it made
  docker rm -f cortex-storage             stops the storage; 'docker volume rm cortex-storage' removes what it holds

README.md has a five-minute tour, docs/guide/ the rest.
TEXT
good "All the examples have done their work."
