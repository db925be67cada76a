#!/usr/bin/env bash
# The whole of `npm test`: set-up, types, lint, format, build, tests, and the package installed somewhere else.
# Every stage runs, also after one has failed; the exit status is 0 only if all of them passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/dependencies.sh
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
failed=()

stage() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@" </dev/null; then
    printf '== %s: passed (%s s)\n' "$name" "$((SECONDS - began))"
  else
    printf '== %s: FAILED\n' "$name"
    failed+=("$name")
  fi
}

start_docker() {
  bash scripts/docker-for-tests.sh start "$docker_folder" >"$results/docker.env"
  # shellcheck disable=SC1091
  . "$results/docker.env"
}

results=node_modules/.cache/hayai
rm -rf "$results"
mkdir -p "$results"

stage 'set-up' bash scripts/setup-tests.sh
stage 'more servers' bash scripts/fetch-servers.sh
if [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null && [ "${HAYAI_TEST_IMAGES:-}" != official ]; then
  docker_folder=$(mktemp -d /tmp/hayai-docker.XXXXXX) # short: the names of sockets are
  trap 'bash scripts/docker-for-tests.sh stop "$docker_folder"' EXIT
  stage 'docker' start_docker
fi
stage 'types' npm run --silent typecheck
stage 'lint' npm run --silent lint
stage 'format' npm run --silent format:check
stage 'build' npm run --silent build
stage 'tests' vitest run --reporter=default --reporter=json --outputFile.json="$results/tests.json" "$@"
stage 'package' bash scripts/test-package.sh

printf '%s\n' "${failed[@]:-}" >"$results/failed-stages"
echo
if [ ${#failed[@]} -gt 0 ]; then
  echo "Failed: ${failed[*]}"
  exit 1
fi
echo 'All stages passed.'
