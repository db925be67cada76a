#!/usr/bin/env bash
# `npm run demo`: everything from nothing. Packages when they are missing, the build, then the story.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/dependencies.sh
export PATH="$PWD/node_modules/.bin:$PATH"
npm run --silent build
exec node scripts/demo.ts
