#!/usr/bin/env bash
# Installs this build as a user would, on a Debian without .NET that is made for it: by the package and by the installer. Runs a cluster
# and an API from there, on this machine's Docker, and uninstalls. Ends with the line "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

passed=0 failed=0
# check WHAT COMMAND...: one test; what the command said is shown when it fails.
check() {
  local what=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    say "FAILED: $what"
    tail -n 20 "$work/said"
  fi
}

# inside COMMAND: runs a shell command on the made Debian.
inside() {
  as_root env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CORTEX_CLI_CONFIG_DIR="$home" LC_ALL=C.UTF-8 chroot "$root" sh -c "$1"
}

refuses() { ! "$@"; }

# says TEXT COMMAND...: the command fails, and says so.
says() {
  local text=$1
  shift
  if "$@" >"$work/words" 2>&1; then cat "$work/words"; return 1; fi
  grep -qF "$text" "$work/words" || { cat "$work/words"; return 1; }
}

has() { [ -e "$root$1" ]; }

clean_up() {
  [ ! -x "$root/usr/local/bin/cortex" ] || inside "cortex cluster down --name $name --yes" >/dev/null 2>&1 || true
  local place
  for place in "$root$home" "$root/run/docker.sock" "$root/sys" "$root/dev" "$root/proc"; do
    ! mountpoint -q "$place" || as_root umount --recursive --lazy "$place"
  done
  docker image rm --force "$name:empty" "$name:musl" >/dev/null 2>&1 || true
  as_root rm -rf --one-file-system "$(dirname "$root")" "$home" "$work"
}

# image TAG FILE...: an image of the static command line and some files of this machine.
image() {
  local tag=$1 folder=$work/image-$1
  shift
  mkdir -p "$folder"
  tar -xzf "$release/cortex-$version-cli-linux-x64-static.tar.gz" -C "$folder" ./cortex
  [ $# -eq 0 ] || cp --parents "$@" "$folder"
  tar -C "$folder" -c . | docker import --change 'ENTRYPOINT ["/cortex"]' - "$name:$tag" >/dev/null
}

# in_image IMAGE ARGUMENT...: the command line in a container, with the cluster's address and token.
in_image() {
  docker run --rm --network host --env "CORTEX_OPERATOR_ENDPOINT=http://localhost:$operator" --env "CORTEX_TOKEN=$(cat "$home/clusters/$name/token")" "$@"
}

prints() { "${@:2}" | grep -F "$1"; }

apt_install mmdebstrap ca-certificates debian-archive-keyring curl
scripts/ensure-docker.sh
scripts/release.sh linux-x64 static deb-amd64 image
version=$(sed -nE 's:.*<Version>([^<]+)</Version>.*:\1:p' Directory.Build.props)
release=$PWD/artifacts/release
mirror=${CORTEX_DEBIAN_MIRROR:-$(debian_mirror)}
[ -n "$mirror" ] || fail "this machine's apt names no mirror of Debian. Name one: CORTEX_DEBIAN_MIRROR=http://.../debian $0"

work=$(mktemp -d)
root=$(mktemp -d)/debian
home=$(mktemp -d)   # Docker sees the same path
name=install-$$
trap clean_up EXIT
step "A Debian to install on"
mkdir -p "$root"
as_root mmdebstrap --variant=minbase --include=usr-is-merged,curl,ca-certificates,systemd --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr bookworm "$root" "deb $mirror bookworm main" >"$work/said" 2>&1 \
  || { tail -n 20 "$work/said"; fail "could not make it"; }
as_root mkdir -p "$root/release" "$root$home" "$root/run"
as_root cp -r "$release/." "$root/release/"
as_root mount -t proc proc "$root/proc"
as_root mount --rbind --make-rslave /sys "$root/sys"
as_root mount --bind /dev "$root/dev"
as_root touch "$root/run/docker.sock"
as_root mount --bind /var/run/docker.sock "$root/run/docker.sock"
as_root mount --bind "$home" "$root$home"

step "Installing"
check "the checksums are right" inside "cd /release && sha256sum --quiet -c SHA256SUMS"
check "there is no .NET" refuses inside "command -v dotnet"
check "the package installs" inside "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /release/cortex_${version}_amd64.deb"
check "it is this version" inside "[ \"\$(cortex version | head -n 1)\" = 'cli version: $version' ]"
as_root install -D -m 644 /dev/stdin "$root/lib/systemd/system/docker.service" <<<$'[Service]\nExecStart=/bin/true'
check "systemd takes the unit" inside "systemd-analyze verify cortex.service"
check "the package goes" inside "apt-get remove -y cortex"
check "nothing of it is left" refuses has /usr/bin/cortex
check "nor its unit" refuses has /lib/systemd/system/cortex.service

as_root mkdir "$root/broken"
as_root cp "$root/release/SHA256SUMS" "$root/broken/"
as_root sh -c "head -c 1000 '$root/release/cortex-$version-linux-x64.tar.gz' >'$root/broken/cortex-$version-linux-x64.tar.gz'"
check "a broken download is refused" says "is not what its checksum says" inside "sh /release/install.sh file:///broken"
check "and not installed" refuses has /usr/local/bin/cortex
check "the installer installs" inside "sh /release/install.sh file:///release"

step "A cluster from there"
examples/first/image.sh
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
apis=$(free_port) operator=$(free_port)
cat >"$home/cluster.yaml" <<TEXT
cluster_name: $name
operator: {port: $operator}
apis: {port: $apis}
TEXT
cp examples/first/cortex.yaml "$home/first.yaml"
check "the cluster starts" inside "cortex cluster up $home/cluster.yaml --yes"
check "an API is deployed" inside "cortex deploy $home/first.yaml --wait"
check "it answers" inside "curl -fsS http://127.0.0.1:$apis/first | grep 'hello from container'"
apt_install musl
image empty
image musl "$(echo /lib/ld-musl-*.so.1)"
check "the command line runs in an empty image" prints first in_image "$name:empty" get
check "and beside musl" prints first in_image "$name:musl" get
as_root tar -xzf "$release/cortex-$version-cli-linux-x64-static.tar.gz" -C "$root/usr/bin" ./cortex
check "and on Debian" inside "/usr/bin/cortex get | grep first"
check "and starts no server" says "the command line alone" inside "/usr/bin/cortex server --data-dir /nowhere"
check "and from the image of the release" prints first in_image "cortex:$version" get
check "the cluster goes" inside "cortex cluster down --name $name --yes"
check "it leaves no container" refuses sh -c "docker ps -aq --filter label=dev.cortex.cluster=$name | grep ."
check "the installer uninstalls" inside "sh /release/install.sh --uninstall"
check "nothing of it is left" refuses has /usr/local/bin/cortex

say "$passed passed, $failed failed"
[ "$failed" = 0 ]
