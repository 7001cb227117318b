#!/usr/bin/env bash
# Tests the Python client: the package as it is in the wheel, its types, and pytest, with a real cluster unless --fast is given.
# Ends with pytest's summary; the exit status is pytest's, or 1 when the types are wrong.
#   scripts/python-tests.sh [--fast] [NAME]      NAME: only tests with this in their full name, such as Python.unit.test_http
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

fast=0 name=''
for argument in "$@"; do
  case $argument in
    --fast) fast=1 ;;
    *) name=$argument ;;
  esac
done

apt_install python3 python3-pytest mypy openssl
# Debian's Python, for which the packages are.
python=/usr/bin/python3
scripts/python-wheel.sh
package=artifacts/python
rm -rf "$package"
"$python" -m zipfile -e artifacts/cortex-*.whl "$package"

types=0
if [ -z "$name" ]; then
  (cd clients/python && "$python" -m mypy) || types=1
fi
tests=(clients/python/tests/unit)
[ "$fast" = 1 ] || tests+=(clients/python/tests/cluster)
status=0
CORTEX_PACKAGE=$PWD/$package "$python" -m pytest -q -c clients/python/pyproject.toml ${name:+--name "$name"} "${tests[@]}" || status=$?
[ "$status" != 0 ] || status=$types
exit "$status"
