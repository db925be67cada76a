#!/usr/bin/env bash
# build.sh: prints a digest; hayai-test-{postgres,mariadb,redis,etcd,influxdb,victoria-metrics}:<digest> are images for the tests, from Debian's packages, with entry points that honour and do what those of the official images do.
# Where scripts/fetch-servers.sh has fetched newer servers, hayai-test-{mysql,postgres-18,mariadb-11.8,redis-8}:<digest>, too.
# Nothing is built twice: what is built is known by a digest of its recipe. Wants root, mmdebstrap, and a dockerd that answers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOCKER_BUILDKIT=0

suite=bookworm
digest=$(cat build.sh */* | sha256sum | cut -c1-12)
cache=${HAYAI_IMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hayai-images}
fetched=/var/cache/hayai-tests # as test/fetched.ts has it for root
images=(postgres mariadb redis etcd influxdb victoria-metrics)
declare -A servers=([mysql]=mysql/usr/sbin/mysqld [postgres-18]=postgresql-18/usr/lib/postgresql/18/bin/postgres
  [mariadb-11.8]=mariadb-11.8/usr/sbin/mariadbd [redis-8]=redis-8/usr/bin/redis-server)
for name in "${!servers[@]}"; do
  if "$fetched/${servers[$name]}" --version >/dev/null 2>&1; then images+=("$name"); fi
done

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
# The same, with fetched programs and what they need, at their own path: the base, the name, the folder's parts; and what else tar is told.
built_with() {
  local base=$1 name=$2 folder=$fetched/${servers[$2]%%/*} parts
  read -ra parts <<<"$3"
  shift 3
  tar --create --exclude=doc --exclude=gconv --exclude='perl*' --exclude='*_client.so' "$@" --directory "$PWD/$name" . --directory / "${parts[@]/#/${folder#/}/usr/}" |
    docker build --quiet --tag "hayai-test-$name:$digest" --build-arg "BASE=$base" --build-arg "FETCHED=$folder" - >/dev/null
}

base=$(base_with postgresql-15,mariadb-server,mariadb-backup,redis-server,gosu,procps)
built "$base" postgres mariadb redis
for name in "${images[@]}"; do
  case $name in
    mysql) built_with "$base" mysql 'sbin/mysqld bin/mysql bin/mysqladmin bin/mysqldump lib lib64 share/mysql' ;;
    postgres-18) built_with "$base" postgres-18 'lib lib64 share/postgresql' --directory "$PWD/postgres" docker-entrypoint.sh ;;
    mariadb-11.8)
      programs=(admin backup dump install-db)
      built_with "$base" "$name" "sbin/mariadbd bin/mariadb ${programs[*]/#/bin/mariadb-} bin/mbstream bin/my_print_defaults bin/resolveip lib lib64 share/mariadb" \
        --directory "$PWD/mariadb" docker-entrypoint.sh
      ;;
    redis-8) built_with "$base" "$name" 'bin lib lib64' --directory "$PWD/redis" docker-entrypoint.sh ;;
  esac
done
base=$(base_with etcd-server,etcd-client,influxdb,influxdb-client,victoria-metrics,wget)
built "$base" etcd influxdb victoria-metrics
# Under the names of the official ones, which Hayai asks for. The Docker is the tests' own.
if [ "${HAYAI_TEST_IMAGES:-}" != official ]; then
  docker tag "hayai-test-postgres:$digest" postgres:15
  docker tag "hayai-test-mariadb:$digest" mariadb:10.11
  docker tag "hayai-test-redis:$digest" redis:7
  for name in postgres-18 mariadb-11.8 redis-8; do
    if have "hayai-test-$name:$digest"; then docker tag "hayai-test-$name:$digest" "${name/-/:}"; fi
  done
  if have "hayai-test-mysql:$digest"; then
    version=$("$fetched/${servers[mysql]}" --version | grep -o 'Ver [0-9]*\.[0-9]*' | cut -d' ' -f2)
    docker tag "hayai-test-mysql:$digest" "mysql:$version"
  fi
fi
echo "$digest"
