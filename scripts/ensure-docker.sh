#!/usr/bin/env bash
# Makes sure that Docker Engine answers: installs it when it is missing, starts it when it does not run. Never restarts
# one that runs. Says what it does, and nothing when there is nothing to do.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LOG=${CORTEX_DOCKERD_LOG:-/var/log/dockerd.log}

answers() { timeout 10 docker version --format '{{.Server.Version}}'; }
answers_root() { { [ "$(id -u)" = 0 ] || have sudo; } && as_root timeout 10 docker version --format '{{.Server.Version}}'; }
# drop_stale PIDFILE PROGRAM: a daemon that was killed leaves its pid file, and its successor refuses to start when that
# number belongs to any process at all.
drop_stale() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] || as_root rm -f "$1"
}
socket_exists() { [ -S /var/run/docker.sock ]; }

have docker && answers >/dev/null 2>&1 && exit 0

if [ -n "${DOCKER_HOST:-}" ]; then
  fail "no Docker Engine answers at DOCKER_HOST=$DOCKER_HOST. Start that one, or unset DOCKER_HOST to use one on this machine."
fi

if ! have docker || { ! have dockerd && ! socket_exists; }; then
  say "Docker Engine is missing"
  apt_install docker.io
fi

if socket_exists && answers_root >/dev/null 2>&1; then
  answers >/dev/null 2>&1 && exit 0
  fail "Docker runs, but user $(id -un) may not use it. Run: sudo usermod -aG docker $(id -un)
and log in again (or: newgrp docker)."
fi

if [ -d /run/systemd/system ]; then
  say "starting Docker with systemd"
  as_root systemctl enable --now docker >/dev/null 2>&1 || fail "systemd could not start Docker. See: journalctl -u docker"
else
  # Debian's init script sets a limit that containers may not set, so the daemon is started directly.
  say "starting dockerd, log in $LOG"
  drop_stale /var/run/docker.pid dockerd
  drop_stale /var/run/docker/containerd/containerd.pid containerd
  as_root sh -c 'setsid dockerd >>"$1" 2>&1 </dev/null &' sh "$LOG"
fi

if ! wait_for 60 answers_root; then
  [ -r "$LOG" ] && tail -n 15 "$LOG" >&2
  fail "Docker did not answer within 60 seconds."
fi
answers >/dev/null 2>&1 || fail "Docker runs now, but user $(id -un) may not use it. Run: sudo usermod -aG docker $(id -un)
and log in again (or: newgrp docker)."
say "Docker Engine $(answers) answers"
