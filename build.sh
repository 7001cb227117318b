#!/usr/bin/env bash
# Builds artifacts/cortex: the command line and the server in one executable that needs nothing on the machine but glibc, libstdc++ and
# OpenSSL. And the clients' packages: artifacts/Cortex.Client.*.nupkg and the wheel artifacts/cortex-*.whl. Quick when nothing changed.
#   ./build.sh           what is missing or older than its sources
#   ./build.sh --force   all of it
#   ./build.sh --quick   only compiles: src/Cortex/bin/Release/net10.0/cortex runs at once where the SDK is, and starts more slowly
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/ensure-dotnet.sh
. scripts/ensure-dotnet.sh

case $(uname -s)-$(uname -m) in
  Linux-x86_64) rid=linux-x64 ;;
  Linux-aarch64 | Linux-arm64) rid=linux-arm64 ;;
  *) fail "no build for $(uname -s) on $(uname -m); Linux on x86_64 or aarch64 is needed." ;;
esac

# Folders count too: a file that was removed or renamed changes its folder.
up_to_date() {
  [ -x artifacts/cortex ] && compgen -G 'artifacts/Cortex.Client.*.nupkg' >/dev/null && [ -z "$(find src schemas Directory.*.props global.json BannedSymbols.txt build.sh \
    \( -name bin -o -name obj \) -prune -o -newer artifacts/cortex -print -quit 2>/dev/null)" ]
}

# run_dotnet ARGUMENT...: shows only what went wrong. The analyzers look at the code when the tests are built.
run_dotnet() {
  if ! dotnet "$@" -c Release -p:RunAnalyzers=false --nologo >"$log" 2>&1; then
    grep -E 'error|warning' "$log" | sort -u | head -n 40 >&2 || tail -n 40 "$log" >&2
    fail "the build failed."
  fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
case ${1:-} in
  --quick)
    ensure_dotnet
    step "Compiling"
    run_dotnet build src/Cortex
    exit 0
    ;;
  --force | '') ;;
  -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) fail "unknown option $1; see ./build.sh --help" ;;
esac

scripts/python-wheel.sh
if [ "${1:-}" != --force ] && up_to_date; then
  say "artifacts/cortex and the package of its client are up to date"
  exit 0
fi

ensure_dotnet
step "Building artifacts/cortex for $rid"
run_dotnet publish src/Cortex -r "$rid" -o artifacts/publish
rm -f artifacts/Cortex.Client.*.nupkg
run_dotnet pack src/Cortex.Client -o artifacts
# A new file in place of the old: a server that runs keeps the one it was started from.
rm -f artifacts/cortex
mv artifacts/publish/cortex artifacts/cortex
rm -rf artifacts/publish
touch artifacts/cortex
scripts/check-libraries.sh artifacts/cortex
say "artifacts/cortex: $(du -m artifacts/cortex | cut -f1) MB"
package=$(compgen -G 'artifacts/Cortex.Client.*.nupkg')
say "$package: $(($(stat -c %s "$package") / 1000)) KB"
