#!/usr/bin/env bash
# Makes the wheel of the Python client in artifacts/, in place of older ones. Takes a moment; the same files give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

have python3 || apt_install python3
rm -f artifacts/cortex-*.whl
wheel=$(python3 clients/python/build_wheel.py artifacts)
say "artifacts/$wheel: $(($(stat -c %s "artifacts/$wheel") / 1000)) KB"
