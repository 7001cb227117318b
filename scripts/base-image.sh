#!/usr/bin/env bash
# Makes a base image from Debian's packages alone, so that no image registry is needed. Does nothing when the image is there.
# The packages come from where this machine's apt gets Debian's, or from CORTEX_DEBIAN_MIRROR.
#   scripts/base-image.sh [python]    cortex-python:bookworm, for the examples: Debian 12 with Python 3, scikit-learn and boto3; about a minute
#   scripts/base-image.sh runtime     cortex-base:bookworm, for Cortex itself: what its executable links to, certificates and time zones
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-python} in
  python)
    image=cortex-python:bookworm
    # Raised with every change of what is in the image, so that an older one is made anew.
    content=2
    packages=python3-minimal,python3-sklearn,python3-boto3,ca-certificates
    changes=(--change 'ENV PYTHONUNBUFFERED=1' --change 'CMD ["python3"]')
    # python3-scipy depends on a compiler and its headers, which it does not need to run; documentation goes too.
    unwanted=(include share/doc share/info share/locale share/man lib/gcc lib/python3/dist-packages/pythran
      'lib/python3.11/config-*' 'bin/*-linux-gnu-*' 'lib/*/*.a' 'lib/*/*/*.a')
    # Of Amazon's services, S3 will do.
    more=' && find lib/python3/dist-packages/botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 -exec rm -rf {} +'
    ;;
  runtime)
    image=cortex-base:bookworm
    content=1
    packages=libstdc++6,libssl3,ca-certificates,tzdata
    changes=()
    unwanted=(share/doc share/info share/locale share/man)
    more=''
    ;;
  *) fail "unknown image $1; see the head of $0" ;;
esac
[ "$(docker image inspect --format '{{index .Config.Labels "cortex.base"}}' "$image" 2>/dev/null)" != "$content" ] || exit 0

apt_install mmdebstrap ca-certificates debian-archive-keyring
mirror=${CORTEX_DEBIAN_MIRROR:-$(debian_mirror)}
[ -n "$mirror" ] || fail "this machine's apt names no mirror of Debian. Name one: CORTEX_DEBIAN_MIRROR=http://.../debian $0"
say "making $image from Debian packages"

# Imported without a name first, so that a bootstrap that breaks off leaves no image behind.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
id=$(as_root mmdebstrap --variant=minbase --include="usr-is-merged,$packages" \
  --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --customize-hook="cd \"\$1/usr\" && rm -rf ${unwanted[*]}$more" bookworm - "deb $mirror bookworm main" 2>"$log" \
  | docker import "${changes[@]}" --change "LABEL cortex.base=$content" -) || status=$?
if [ "$status" != 0 ]; then
  [ -z "$id" ] || docker image rm "$id" >/dev/null
  tail -n 20 "$log" | cut -c1-400 >&2
  fail "could not make $image. Is $mirror reachable? Another mirror: CORTEX_DEBIAN_MIRROR=http://... $0"
fi
docker image tag "$id" "$image"
say "$image: $(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%d MB", $1 / 1e6 }')"
