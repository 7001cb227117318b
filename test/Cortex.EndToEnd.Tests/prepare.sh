#!/usr/bin/env bash
# What the commands of the guide need: jq, and an image that plays those of a registry.
set -euo pipefail
root=$(dirname "${BASH_SOURCE[0]}")/../..
# shellcheck source=../../scripts/lib.sh
. "$root/scripts/lib.sh"

apt_install jq python3
"$root/scripts/base-image.sh"
