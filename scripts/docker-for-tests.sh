#!/usr/bin/env bash
# docker-for-tests.sh start FOLDER: a Docker of the tests' own below FOLDER, with the images that they run; prints what to export.
# docker-for-tests.sh stop FOLDER: ends that one, by its own process id, and removes what it made.
# Where a Docker answers already, and HAYAI_TEST_IMAGES=official, the tests run the official images of that one instead.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
verb=${1:?start or stop}
folder=${2:?a folder}

alive() { [ -s "$folder/pid" ] && kill -0 "$(cat "$folder/pid")" 2>/dev/null; }

# Another Docker of this machine must not get the same addresses: their containers would answer for each other.
make_bridge() {
  local number
  if [ -s "$folder/bridge" ]; then return 0; fi
  for _ in $(seq 50); do
    number=$((RANDOM % 200 + 20))
    if ip link add "hayai$number" type bridge 2>/dev/null; then
      ip addr add "10.$number.0.1/24" dev "hayai$number"
      ip link set "hayai$number" up
      echo "$number" >"$folder/bridge"
      return 0
    fi
  done
  echo 'no bridge can be made here' >&2
  return 1
}

start() {
  mkdir -p "$folder"
  make_bridge
  local try flags number
  number=$(cat "$folder/bridge")
  for try in '' '--storage-driver=vfs'; do
    read -ra flags <<<"$try"
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" --host "unix://$folder/docker.sock" \
      --iptables=false --bridge "hayai$number" --default-address-pool "base=10.$number.128.0/17,size=26" "${flags[@]}" >"$folder/log" 2>&1 </dev/null &
    for _ in $(seq 150); do
      if DOCKER_HOST=unix://$folder/docker.sock docker version >/dev/null 2>&1; then return 0; fi
      kill -0 $! 2>/dev/null || break
      sleep 0.2
    done
    stop_daemon
  done
  tail -20 "$folder/log" >&2
  echo 'dockerd does not start here' >&2
  return 1
}

stop_daemon() {
  if ! alive; then return 0; fi
  local pid
  pid=$(cat "$folder/pid")
  kill "$pid"
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
  kill -9 "$pid"
}

# Docker finds plugins in its configuration: Compose, where it was fetched.
configure() {
  local plugin=/var/cache/hayai-tests/compose/bin/docker-compose # as test/fetched.ts has it for root
  mkdir -p "$folder/config/cli-plugins"
  if [ -x "$plugin" ]; then ln -sf "$plugin" "$folder/config/cli-plugins/docker-compose"; fi
}

case $verb in
  start)
    start >&2
    configure
    export DOCKER_HOST=unix://$folder/docker.sock
    digest=$(bash "$here/test/images/build.sh")
    echo "export DOCKER_HOST=$DOCKER_HOST DOCKER_CONFIG=$folder/config HAYAI_TEST_IMAGES=$digest"
    ;;
  stop)
    if alive; then
      export DOCKER_HOST=unix://$folder/docker.sock
      running=$(docker ps --quiet)
      if [ -n "$running" ]; then echo "$running" | xargs docker rm --force >/dev/null; fi
    fi
    stop_daemon
    if [ -s "$folder/bridge" ]; then ip link delete "hayai$(cat "$folder/bridge")"; fi
    rm -rf "$folder"
    ;;
  *)
    echo "start or stop, not $verb" >&2
    exit 2
    ;;
esac
