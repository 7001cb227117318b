#!/usr/bin/env bash
# Makes everything that a release consists of, in artifacts/release: executables for Linux on x86_64 and aarch64, the command line alone
# for containers of any image, for macOS and for Windows, Debian packages with a systemd unit, a container image, the Python wheel, the NuGet package, an installer,
# a bill of materials (CycloneDX) and checksums. The version is the one of Directory.Build.props. Takes about ten minutes.
#   scripts/release.sh [PART...]      parts: linux-x64 linux-arm64 static cli deb-amd64 deb-arm64 image wheel nuget sbom; default: all; the checksums come with each
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=ensure-dotnet.sh
. scripts/ensure-dotnet.sh

PARTS=(linux-x64 linux-arm64 static cli deb-amd64 deb-arm64 image wheel nuget sbom)
CLI_TARGETS=(osx-arm64 osx-x64 win-x64)
CYCLONEDX=6.3.1
case ${1:-} in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
for part in "$@"; do [[ " ${PARTS[*]} " == *" $part "* ]] || fail "unknown part $part; there are: ${PARTS[*]}"; done
wanted() { [ ${#asked[@]} -eq 0 ] || [[ " ${asked[*]} " == *" $1 "* ]]; }
asked=("$@")

version=$(sed -nE 's:.*<Version>([^<]+)</Version>.*:\1:p' Directory.Build.props)
[ -n "$version" ] || fail "Directory.Build.props has no <Version>"
# The time in archives, so that the same commit gives the same bytes.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
release=$PWD/artifacts/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || rm -rf "$release"
mkdir -p "$release"

# publish RID FOLDER PROPERTY...: one file for a system.
publish() {
  local rid=$1 folder=$2
  shift 2
  if ! dotnet publish src/Cortex -c Release -r "$rid" -o "$folder" --nologo -p:RunAnalyzers=false "$@" >"$work/log" 2>&1; then
    grep -E 'error|warning' "$work/log" | sort -u | head -n 40 >&2 || tail -n 40 "$work/log" >&2
    fail "the build for $rid failed."
  fi
}

# archive FOLDER NAME: a tarball of what is in the folder, owned by root.
archive() {
  tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -c . | gzip -9n >"$release/$2"
  say "$2: $(du -k "$release/$2" | awk '{ printf "%.1f MB", $1 / 1024 }')"
}

# server RID: the executable that has the server, built once; for this system it is what ./build.sh makes.
server() {
  [ ! -x "$work/$1/cortex" ] || return 0
  if [ "$1" = "linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')" ]; then
    ./build.sh
    mkdir -p "$work/$1"
    cp artifacts/cortex "$work/$1/"
  else
    publish "$1" "$work/$1"
    find "$work/$1" -type f ! -name cortex -delete
  fi
}

linux() {
  step "Linux, $1"
  server "$1"
  install -m 755 scripts/check-libraries.sh "$work/$1/check-libraries.sh"
  cp LICENSE CHANGELOG.md packaging/cortex.service "$work/$1/"
  archive "$work/$1" "cortex-$version-$1.tar.gz"
}

static() {
  step "The command line alone, linked to nothing"
  apt_install clang lld cmake zlib1g-dev libssl-dev
  publish linux-x64 "$work/static" -p:Static=true
  find "$work/static" -type f ! -name cortex -delete
  cp LICENSE CHANGELOG.md "$work/static/"
  archive "$work/static" "cortex-$version-cli-linux-x64-static.tar.gz"
}

cli() {
  local rid folder
  step "The command line alone"
  for rid in "${CLI_TARGETS[@]}"; do
    folder=$work/cli-$rid
    publish "$rid" "$folder" -p:CliOnly=true
    find "$folder" -type f ! -name cortex ! -name cortex.exe -delete
    cp LICENSE CHANGELOG.md "$folder/"
    if [ "${rid%-*}" = win ]; then
      (cd "$folder" && find . -exec touch -d "@$epoch" {} + && rm -f "$release/cortex-$version-cli-$rid.zip" && zip -qX "$release/cortex-$version-cli-$rid.zip" cortex.exe LICENSE CHANGELOG.md)
      say "cortex-$version-cli-$rid.zip: $(du -k "$release/cortex-$version-cli-$rid.zip" | awk '{ printf "%.1f MB", $1 / 1024 }')"
    else
      archive "$folder" "cortex-$version-cli-$rid.tar.gz"
    fi
  done
}

# deb RID ARCHITECTURE
deb() {
  local root=$work/deb-$2 package=cortex_${version}_$2.deb
  step "Debian package for $2"
  server "$1"
  install -D -m 755 "$work/$1/cortex" "$root/usr/bin/cortex"
  install -D -m 644 packaging/cortex.service "$root/lib/systemd/system/cortex.service"
  install -D -m 644 LICENSE "$root/usr/share/doc/cortex/copyright"
  install -D -m 644 /dev/stdin "$root/DEBIAN/control" <<TEXT
Package: cortex
Version: $version
Architecture: $2
Maintainer: The Cortex for .NET authors
Section: admin
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6 (>= 2.34), libstdc++6, libssl3 | libssl3t64
Recommends: docker.io | docker-ce, ca-certificates, tzdata
Description: Runs containers as HTTP APIs, queues and jobs
 One YAML file declares an API; the server runs it on this machine's Docker Engine. After the installation:
 'cortex cluster up', or 'systemctl enable --now cortex' for a cluster that starts with the machine.
TEXT
  local script
  for script in postinst postrm; do
    install -D -m 755 /dev/stdin "$root/DEBIAN/$script" <<'TEXT'
#!/bin/sh
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload || true
TEXT
  done
  # Containers run on; what clusters keep is their users'.
  install -D -m 755 /dev/stdin "$root/DEBIAN/prerm" <<'TEXT'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now cortex.service || true; fi
TEXT
  SOURCE_DATE_EPOCH=$epoch dpkg-deb --root-owner-group -Zgzip --build "$root" "$release/$package" >/dev/null
  say "$package: $(du -k "$release/$package" | awk '{ printf "%.1f MB", $1 / 1024 }')"
}

image() {
  step "Container image"
  server linux-x64
  scripts/ensure-docker.sh
  scripts/base-image.sh runtime
  mkdir -p "$work/image"
  cp packaging/Dockerfile "$work/linux-x64/cortex" "$work/image/"
  docker build --quiet --tag "cortex:$version" "$work/image" >/dev/null
  docker save "cortex:$version" | gzip -9n >"$release/cortex-image-$version-linux-x64.tar.gz"
  say "cortex:$version: $(docker image inspect --format '{{.Size}}' "cortex:$version" | awk '{ printf "%d MB", $1 / 1e6 }')"
}

sbom() {
  step "Bill of materials"
  dotnet tool install CycloneDX --version "$CYCLONEDX" --tool-path "$work/tools" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "the tool CycloneDX can't be had"; }
  "$work/tools/dotnet-CycloneDX" src/Cortex/Cortex.csproj --output "$release" --filename "cortex-$version.cdx.json" --output-format Json \
    --exclude-dev --set-name cortex --set-version "$version" --set-type Application >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "the bill of materials could not be made"; }
  say "cortex-$version.cdx.json: $(grep -c '"purl"' "$release/cortex-$version.cdx.json") components"
}

ensure_dotnet
apt_install zip
if wanted linux-x64; then linux linux-x64; fi
if wanted linux-arm64; then linux linux-arm64; fi
if wanted static; then static; fi
if wanted cli; then cli; fi
if wanted deb-amd64; then deb linux-x64 amd64; fi
if wanted deb-arm64; then deb linux-arm64 arm64; fi
if wanted image; then image; fi
if wanted wheel; then step "Python"; scripts/python-wheel.sh; cp "artifacts/cortex-$version-py3-none-any.whl" "$release/"; fi
if wanted nuget; then step "NuGet"; ./build.sh; cp "artifacts/Cortex.Client.$version.nupkg" "$release/"; fi
if wanted sbom; then sbom; fi

step "Checksums"
install -m 755 packaging/install.sh "$release/install.sh"
(cd "$release" && rm -f SHA256SUMS && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
cat "$release/SHA256SUMS"
