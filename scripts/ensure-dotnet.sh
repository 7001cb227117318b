# Makes sure that `dotnet` on the PATH is an SDK that global.json accepts. Source it: it may change the PATH.
# shellcheck shell=bash
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# A bare Debian has no ICU, which the SDK would ask for.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

# ensure_dotnet: an SDK 10 from the PATH, ~/.dotnet, ~/.local/share/dotnet or /usr/share/dotnet, else from apt.
ensure_dotnet() {
  local home
  has_sdk "$(command -v dotnet || true)" && return 0
  for home in "$HOME/.dotnet" "$HOME/.local/share/dotnet" /usr/share/dotnet /usr/lib/dotnet; do
    if has_sdk "$home/dotnet"; then
      export DOTNET_ROOT=$home PATH="$home:$PATH"
      return 0
    fi
  done

  if have apt-cache && [ -n "$(apt-cache search --names-only '^dotnet-sdk-10\.0$' 2>/dev/null)" ]; then
    apt_install dotnet-sdk-10.0
    has_sdk "$(command -v dotnet || true)" && return 0
  fi

  fail ".NET SDK 10 is missing, and apt does not offer it here. Either run Microsoft's installer:
  curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0
(it installs to ~/.dotnet, where this script looks), or add Microsoft's package source to apt, as its documentation of .NET on Debian says, and
install dotnet-sdk-10.0 from it. Then run this again."
}

has_sdk() { [ -n "$1" ] && [ -x "$1" ] && "$1" --list-sdks 2>/dev/null | grep -q '^10\.'; }
