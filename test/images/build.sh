#!/usr/bin/env bash
# build.sh: prints a digest; hayai-test-{postgres,mariadb,redis,etcd,influxdb,victoria-metrics}:<digest> are images for the tests, from Debian's packages, with entry points that honour and do what those of the official images do.
# Nothing is built twice: what is built is known by a digest of its recipe. Wants root, mmdebstrap, and a dockerd that answers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOCKER_BUILDKIT=0

suite=bookworm
digest=$(cat build.sh */* | sha256sum | cut -c1-12)
cache=${HAYAI_IMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hayai-images}
images=(postgres mariadb redis etcd influxdb victoria-metrics)

have() { docker image inspect "$1" >/dev/null 2>&1; }

missing=()
for name in "${images[@]}"; do have "hayai-test-$name:$digest" || missing+=("$name"); done
if [ ${#missing[@]} -eq 0 ]; then
  echo "$digest"
  exit 0
fi

# A Debian root with these packages, as an image: its name.
base_with() {
  local packages=$1 of_root root
  of_root=$suite-$(printf '%s' "$suite $packages" | sha256sum | cut -c1-12)
  root=$cache/$of_root.tar
  if [ ! -s "$root" ]; then
    mkdir -p "$cache"
    mmdebstrap --quiet --variant=essential --include="$packages" --aptopt='APT::Install-Recommends "false"' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --customize-hook='rm -rf "$1"/var/lib/mysql "$1"/var/lib/postgresql/* "$1"/etc/mysql/mariadb.conf.d/50-server.cnf' \
      "$suite" "$root.$$.tar" >&2
    mv "$root.$$.tar" "$root"
  fi
  have "hayai-test-base:$of_root" || docker import "$root" "hayai-test-base:$of_root" >/dev/null
  echo "hayai-test-base:$of_root"
}

built() {
  local base=$1 name
  shift
  for name in "$@"; do
    docker build --quiet --tag "hayai-test-$name:$digest" --build-arg "BASE=$base" "$name" >/dev/null
  done
}
base=$(base_with postgresql-15,mariadb-server,mariadb-backup,redis-server,gosu,procps)
built "$base" postgres mariadb redis
base=$(base_with etcd-server,etcd-client,influxdb,influxdb-client,victoria-metrics,wget)
built "$base" etcd influxdb victoria-metrics
# Under the names of the official ones, which Hayai asks for. The Docker is the tests' own.
if [ "${HAYAI_TEST_IMAGES:-}" != official ]; then
  docker tag "hayai-test-postgres:$digest" postgres:15
  docker tag "hayai-test-mariadb:$digest" mariadb:10.11
  docker tag "hayai-test-redis:$digest" redis:7
fi
echo "$digest"
