#!/usr/bin/env bash
# Runs all tests, the ones with real containers included, and ends with the line "N passed, N failed".
#   ./test.sh                 everything; installs what it misses and starts Docker when it does not run
#   ./test.sh --fast          without the tests that need Docker or the published executable
#   ./test.sh Gateway         only tests with this in their full name (project, class or method)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/ensure-dotnet.sh
. scripts/ensure-dotnet.sh

HANG=5m          # one test that runs longer ends its project's run
PROJECT_LIMIT=2700 # seconds for one project; the end-to-end tests take longest, 25 minutes on two busy cores

fast=0 name=''
for argument in "$@"; do
  case $argument in
    --fast) fast=1 ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) fail "unknown option $argument; see ./test.sh --help" ;;
    *) name=$argument ;;
  esac
done

ensure_dotnet

filters=()
[ -z "$name" ] || filters+=("FullyQualifiedName~$name")
if [ "$fast" = 1 ]; then
  filters+=("FullyQualifiedName!~Cortex.Runtimes.Tests.Docker")
else
  scripts/ensure-docker.sh
  ./build.sh
  for prepare in test/prepare.sh test/*/prepare.sh; do
    [ ! -f "$prepare" ] || { step "Running $prepare"; bash "$prepare"; }
  done
fi
filter=()
[ ${#filters[@]} -eq 0 ] || filter=(--filter "$(IFS='&'; echo "${filters[*]}")")

log=$(mktemp)
trap 'rm -f "$log"' EXIT

step "Building the tests"
if ! dotnet build Cortex.slnx --nologo -v quiet >"$log" 2>&1; then
  grep -E 'error|warning' "$log" | sort -u | head -n 40 >&2 || tail -n 40 "$log" >&2
  fail "the build failed."
fi

passed=0 failed=0 skipped=0 broken=()
for project in test/*.Tests/; do
  project=$(basename "$project")
  [ -f "test/$project/$project.csproj" ] || continue
  [ "$fast" = 0 ] || [ "$project" != Cortex.EndToEnd.Tests ] || continue
  step "$project"
  status=0
  timeout -k 10 "$PROJECT_LIMIT" dotnet test "test/$project" --no-build --nologo "${filter[@]}" \
    --results-directory artifacts/test-results \
    --blame-hang --blame-hang-timeout "$HANG" --blame-hang-dump-type none 2>&1 | tee "$log" || status=$?
  # The summary: "Passed!  - Failed:     0, Passed:    10, Skipped:     0, Total:    10, ..."
  counts=$(sed -nE 's/^.*Failed: +([0-9]+), Passed: +([0-9]+), Skipped: +([0-9]+), Total.*$/\1 \2 \3/p' "$log" | tail -n 1)
  read -r f p s <<<"${counts:-0 0 0}"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  # A run that broke off without a failed test (a crash, a hang) is a failure all the same.
  if [ "$status" != 0 ] && [ "$f" = 0 ]; then
    failed=$((failed + 1))
    broken+=("$project (exit code $status)")
  fi
done

step "clients/python"
status=0
arguments=()
[ "$fast" = 0 ] || arguments+=(--fast)
[ -z "$name" ] || arguments+=("$name")
timeout -k 10 "$PROJECT_LIMIT" scripts/python-tests.sh "${arguments[@]}" 2>&1 | tee "$log" || status=$?
# The summary: "1 failed, 41 passed, 2 skipped, 1 error in 12.34s"
summary=$(tail -n 1 "$log")
count() { local n; n=$(grep -oE "[0-9]+ $1" <<<"$summary" | head -n 1 | cut -d' ' -f1); echo "${n:-0}"; }
f=$(($(count failed) + $(count error)))
passed=$((passed + $(count passed))) failed=$((failed + f)) skipped=$((skipped + $(count skipped)))
# 5: no test has that name.
if [ "$status" != 0 ] && [ "$status" != 5 ] && [ "$f" = 0 ]; then
  failed=$((failed + 1))
  broken+=("clients/python (exit code $status)")
fi

if [ "$fast" = 0 ] && [[ Install == *"$name"* ]]; then
  step "Install"
  status=0
  timeout -k 10 "$PROJECT_LIMIT" scripts/install-tests.sh 2>&1 | tee "$log" || status=$?
  read -r p f <<<"$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log")"
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
  if [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; then
    failed=$((failed + 1))
    broken+=("install (exit code $status)")
  fi
fi

step "Links in the documentation"
if scripts/check-docs.sh; then passed=$((passed + 1)); else failed=$((failed + 1)); fi

say
[ "$skipped" = 0 ] || say "$skipped skipped"
[ ${#broken[@]} -eq 0 ] || say "broke off: ${broken[*]}"
tests=$((passed + failed - 1))
[ "$tests" -gt 0 ] || say "no test ran"
say "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$tests" -gt 0 ]
