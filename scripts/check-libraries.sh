#!/bin/sh
# Says which of the system's libraries the executable does not find here, and what to install. It can't say so itself: without
# them it does not start. Needs nothing but a POSIX shell and ldd, so that it can be copied to other machines with the executable.
#   check-libraries.sh [EXECUTABLE]      default: artifacts/cortex
set -eu

program=${1:-$(dirname "$0")/../artifacts/cortex}
[ -f "$program" ] || { echo "error: there is no file $program" >&2; exit 1; }
missing=''

# glibc, which the loader and ldd belong to. Embedded SQLite asks for 2.34.
version=$(LC_ALL=C ldd --version 2>&1 | sed -nE '1s/.*[^0-9.]([0-9]+\.[0-9]+).*/\1/p')
if ! LC_ALL=C ldd --version 2>&1 | grep -qiE 'glibc|gnu libc|free software foundation'; then
  echo "error: this system has no glibc (Alpine Linux, for one, has musl); cortex needs one with glibc 2.34 or later: Debian 12, Ubuntu 22.04, RHEL 9 or newer" >&2
  exit 1
elif [ "$(printf '%s\n2.34\n' "$version" | sort -V | head -n 1)" != 2.34 ]; then
  echo "error: glibc here is $version; cortex needs 2.34 or later: Debian 12, Ubuntu 22.04, RHEL 9 or newer" >&2
  exit 1
fi

# The C++ runtime, by the loader's own word.
missing=$(LC_ALL=C ldd "$program" 2>&1 | sed -nE 's/^[[:space:]]*([^ ]+) => not found.*/\1/p' | sort -u | tr '\n' ' ')

# OpenSSL is looked for only when something is hashed or encrypted, and its absence ends the program there.
found=''
for folder in /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib /lib/*-linux-gnu /usr/lib/*-linux-gnu $(printf '%s' "${LD_LIBRARY_PATH:-}" | tr ':' ' '); do
  for library in "$folder"/libssl.so.3 "$folder"/libssl.so.1.1; do
    [ ! -e "$library" ] || found=$library
  done
done
[ -n "$found" ] || missing="${missing}libssl.so.3 "

if [ -n "$missing" ]; then
  echo "error: cortex can't run here without ${missing% }" >&2
  echo "Debian 12, Ubuntu 22.04: apt-get install libstdc++6 libssl3        Debian 13, Ubuntu 24.04: apt-get install libstdc++6 libssl3t64" >&2
  echo "Fedora, RHEL: dnf install libstdc++ openssl-libs" >&2
  exit 1
fi
