# Shared by the scripts: messages, and installing Debian packages. Source it; it runs nothing by itself.
# shellcheck shell=bash

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
  BOLD='' GREEN='' RED='' DIM='' PLAIN=''
fi

say() { printf '%s\n' "$*"; }
step() { printf '\n%s==> %s%s\n' "$BOLD" "$*" "$PLAIN"; }
note() { printf '%s%s%s\n' "$DIM" "$*" "$PLAIN"; }
good() { printf '%s%s%s\n' "$GREEN" "$*" "$PLAIN"; }
fail() { printf '%serror: %s%s\n' "$RED" "$*" "$PLAIN" >&2; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command with the rights of root, through sudo where the user is not root.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    fail "this needs root: $*
Run the script as root, or install sudo."
  fi
}

# apt_get ARGUMENT...: waits while another script of ours is at it, and while another program has dpkg's lock.
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive flock --close /var/lib/apt apt-get -o DPkg::Lock::Timeout=300 "$@"; }

# apt_install PACKAGE...: installs those that are missing, without their recommended packages.
apt_install() {
  local missing=() package log
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  have apt-get || fail "missing: ${missing[*]}. Install them with your system's package manager; only apt is known here."
  say "installing ${missing[*]}"
  log=$(mktemp)
  if ! apt_get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
    # The package lists may be missing or old.
    if ! { apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      rm -f "$log"
      fail "apt-get could not install ${missing[*]}; its last words are above."
    fi
  fi
  rm -f "$log"
}

# debian_mirror: where this machine's apt gets Debian's packages; nothing when it has no such source.
debian_mirror() {
  local found
  found=$(debian_sources)
  # Without package lists apt does not know whose packages a source has.
  [ -n "$found" ] || { apt_get update >/dev/null 2>&1 && found=$(debian_sources); } || true
  head -n 1 <<<"$found"
}

debian_sources() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' 2>/dev/null || true
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time is up.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}
