#!/bin/sh
# Installs the executable `cortex` of a release on Linux, or the command line alone on macOS, after checking it against the release's checksums.
#   curl -fsSL URL/install.sh | sh -s -- URL [FOLDER]      URL: where the release's files are; FOLDER: default /usr/local/bin
#   install.sh --uninstall [FOLDER]
set -eu

fail() { echo "error: $*" >&2; exit 1; }
usage() { sed -n '2,4s/^# \{0,1\}//p' "$0" 2>/dev/null || echo "usage: install.sh URL [FOLDER] | --uninstall [FOLDER]"; }

# as_root COMMAND...: with root's rights where the folder needs them.
as_root() {
  if [ -w "$folder" ] || [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "$folder is not writable; run this as root, or name another folder"; fi
}

case ${1:-} in
  '') usage >&2; exit 1 ;;
  -h | --help) usage; exit 0 ;;
  --uninstall)
    folder=${2:-/usr/local/bin}
    [ -e "$folder/cortex" ] || fail "there is no $folder/cortex"
    ! ls "${CORTEX_CLI_CONFIG_DIR:-$HOME/.cortex}"/clusters/*/server.pid >/dev/null 2>&1 ||
      echo "clusters of yours are still there; 'cortex cluster down --name NAME' removes one with all that it made" >&2
    as_root rm -f "$folder/cortex"
    echo "removed $folder/cortex; settings and clusters are left in ${CORTEX_CLI_CONFIG_DIR:-$HOME/.cortex}"
    exit 0 ;;
  -*) fail "unknown option $1" ;;
esac

url=${1%/} folder=${2:-/usr/local/bin}
case $(uname -s)-$(uname -m) in
  Linux-x86_64) what=linux-x64 ;;
  Linux-aarch64 | Linux-arm64) what=linux-arm64 ;;
  Darwin-arm64) what=cli-osx-arm64 ;;
  Darwin-x86_64) what=cli-osx-x64 ;;
  *) fail "there is no release for $(uname -s) on $(uname -m)" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() { curl -fsSL --retry 3 "$url/$1" -o "$work/$1" || fail "could not fetch $url/$1"; }
fetch SHA256SUMS
file=$(awk -v what="-$what.tar.gz" 'substr($2, length($2) - length(what) + 1) == what && $2 ~ /^cortex-[0-9]/ { print $2 }' "$work/SHA256SUMS")
[ -n "$file" ] || fail "this release has nothing for $what"
fetch "$file"
if command -v sha256sum >/dev/null; then sum=$(sha256sum "$work/$file"); else sum=$(shasum -a 256 "$work/$file"); fi
grep -q "^${sum%% *}  $file\$" "$work/SHA256SUMS" || fail "$file is not what its checksum says; nothing was installed"
tar -xzf "$work/$file" -C "$work"
mkdir -p "$folder" 2>/dev/null || as_root mkdir -p "$folder"
[ ! -x "$work/check-libraries.sh" ] || "$work/check-libraries.sh" "$work/cortex"
# A new file in place of the old: a server that runs keeps the one it was started from.
as_root cp "$work/cortex" "$folder/.cortex.new"
as_root mv -f "$folder/.cortex.new" "$folder/cortex"
echo "installed $("$folder/cortex" version | head -n 1) as $folder/cortex"
case $what in
  cli-*) echo "next: cortex env configure NAME --operator-endpoint URL --token TOKEN" ;;
  *) echo "next: cortex cluster up" ;;
esac
