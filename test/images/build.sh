#!/usr/bin/env bash
# build.sh: prints a digest; hayai-test-{postgres,mariadb,redis}:<digest> are images for the tests, from Debian's packages, with entry points that honour and do what those of the official images do.
# Nothing is built twice: what is built is known by a digest of its recipe. Wants root, mmdebstrap, and a dockerd that answers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOCKER_BUILDKIT=0

suite=bookworm
packages=postgresql-15,mariadb-server,mariadb-backup,redis-server,gosu,procps
digest=$(cat build.sh */* | sha256sum | cut -c1-12)
cache=${HAYAI_IMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hayai-images}
of_root=$suite-$(printf '%s' "$suite $packages" | sha256sum | cut -c1-12)
root=$cache/$of_root.tar

have() { docker image inspect "$1" >/dev/null 2>&1; }

if have "hayai-test-redis:$digest" && have "hayai-test-mariadb:$digest" && have "hayai-test-postgres:$digest"; then
  echo "$digest"
  exit 0
fi

if [ ! -s "$root" ]; then
  mkdir -p "$cache"
  mmdebstrap --quiet --variant=essential --include="$packages" --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm -rf "$1"/var/lib/mysql "$1"/var/lib/postgresql/* "$1"/etc/mysql/mariadb.conf.d/50-server.cnf' \
    "$suite" "$root.$$.tar" >&2
  mv "$root.$$.tar" "$root"
fi
base=hayai-test-base:$of_root
have "$base" || docker import "$root" "$base" >/dev/null

built() {
  local name=$1
  docker build --quiet --tag "hayai-test-$name:$digest" --build-arg "BASE=$base" "$name" >/dev/null
}
built postgres
built mariadb
built redis
# Under the names of the official ones, which Hayai asks for. The Docker is the tests' own.
if [ "${HAYAI_TEST_IMAGES:-}" != official ]; then
  docker tag "hayai-test-postgres:$digest" postgres:15
  docker tag "hayai-test-mariadb:$digest" mariadb:10.11
  docker tag "hayai-test-redis:$digest" redis:7
fi
echo "$digest"
