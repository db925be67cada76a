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
run_tests() {
  local report=$1
  shift
  vitest run --reporter=default --reporter=json --outputFile.json="$results/$report.json" "$@"
}

# What takes longest: the ways through containers, and those through other versions of the servers. It comes last, and not at all where
# the rest has taken so long that whoever waits for the answer might give up before there is one; then that is said.
more=(runtimes/{adopted-crash,compose-crash,compose-daemon}
  trials/{adopted-compose,adopted-engines,data-folder-compose,images,journey-contained,journey-fetched,journey-newer}
  trials/{killed-contained,logins,mariadb-backup-container,older-compose,upgrade-contained,versions})
minutes=${HAYAI_TEST_MINUTES:-45}
if [ $# -gt 0 ]; then
  stage 'tests' run_tests tests "$@"
else
  without=()
  for name in "${more[@]}"; do without+=("--exclude=test/$name.test.ts"); done
  stage 'tests' run_tests tests "${without[@]}"
  if [ $SECONDS -lt $((minutes * 60)) ]; then
    stage 'more tests' run_tests more-tests "${more[@]/#/test/}"
  else
    printf '\n== more tests: NOT RUN, after %s minutes (HAYAI_TEST_MINUTES is %s): %s\n' "$((SECONDS / 60))" "$minutes" "${more[*]}"
  fi
fi
stage 'package' bash scripts/test-package.sh

printf '%s\n' "${failed[@]:-}" >"$results/failed-stages"
echo
if [ ${#failed[@]} -gt 0 ]; then
  echo "Failed: ${failed[*]}"
  exit 1
fi
echo 'All stages passed.'
