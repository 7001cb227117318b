#!/usr/bin/env bash
# Makes the image cortex-examples/first from Debian's busybox-static, in a second and without downloading an image.
# With an image registry at hand you would write a Dockerfile that begins with FROM busybox.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=../../scripts/lib.sh
. ../../scripts/lib.sh

apt_install busybox-static
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/bin" "$folder/www/cgi-bin"
cp /bin/busybox "$folder/bin/busybox"
for applet in sh httpd hostname; do ln -s busybox "$folder/bin/$applet"; done
install -m 755 answer.cgi "$folder/www/cgi-bin/index.cgi"
tar -C "$folder" -c . | docker import --change 'ENV PATH=/bin' --change 'USER 65534' \
  --change 'CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]' - cortex-examples/first >/dev/null
