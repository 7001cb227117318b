#!/usr/bin/env bash
# Checks that every relative link in the Markdown files leads to a file or folder of this repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bad=0 links=0
while IFS= read -r file; do
  while IFS= read -r target; do
    links=$((links + 1))
    path=${target%%#*}
    [ -n "$path" ] || continue
    if [ ! -e "$(dirname "$file")/$path" ]; then
      printf '%s: link to %s, which does not exist\n' "$file" "$target" >&2
      bad=$((bad + 1))
    fi
  done < <(grep -oE '\]\([^)# ][^) ]*\)' "$file" | sed -E 's/^\]\((.*)\)$/\1/' | grep -vE '^(https?|mailto):' || true)
done < <(find . -name '*.md' -not -path '*/bin/*' -not -path '*/obj/*' -not -path './artifacts/*' -not -path '*/node_modules/*')

printf '%s links, %s broken\n' "$links" "$bad"
[ "$bad" = 0 ]
