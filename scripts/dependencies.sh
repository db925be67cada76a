#!/usr/bin/env bash
# Installs the packages of package-lock.json when they are missing, older than the lock file, or without the Node 24 among them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

current() {
  [ -f node_modules/.package-lock.json ] &&
    ! [ package-lock.json -nt node_modules/.package-lock.json ] &&
    node_modules/.bin/node --version >/dev/null 2>&1
}

if ! current; then
  if ! command -v npm >/dev/null; then
    echo "npm is not on PATH. Install Node 20 or newer with npm (https://nodejs.org), then try again." >&2
    exit 6
  fi
  echo "Installing packages (npm ci) ..."
  # npm must not run on the Node that it is about to delete.
  PATH="$(printf '%s' "$PATH" | tr ':' '\n' | grep -v "^$PWD/node_modules/" | paste -sd: -)"
  npm ci --no-audit --no-fund
  if ! current; then
    echo "npm ci left no working Node in node_modules/node: it needs its install scripts (no --ignore-scripts)." >&2
    exit 6
  fi
fi
