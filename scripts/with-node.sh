#!/bin/sh
# Installs what is missing, then runs a script on the Node that this project pins.
# Usage: sh scripts/with-node.sh SCRIPT [ARG ...]
set -eu
cd "$(dirname "$0")/.."
node_pinned=node_modules/.bin/node

if [ ! -x "$node_pinned" ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing what is missing (once, about 20 s) …" >&2
  # Not `npm ci`: it insists that the lock file lists the native packages of every platform, and needs only this one's.
  npm install --no-save --no-audit --no-fund --loglevel=error >&2
fi
# Some npm versions block install scripts; the pinned Node needs its own.
if ! "$node_pinned" --version >/dev/null 2>&1; then
  (cd node_modules/node && node installArchSpecificPackage.js >&2)
fi
PATH="$PWD/node_modules/.bin:$PATH" exec "$node_pinned" "$@"
