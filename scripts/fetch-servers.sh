#!/usr/bin/env bash
# Servers that this Debian does not have, for their trials: MySQL, which only its unstable release has, and Valkey, which Debian 12 has
# in its backports. They are unpacked beside the packages of npm and not installed: nothing of the system changes. Where they cannot
# be had, their trials are skipped, and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=$PWD/node_modules/.cache
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

skip() {
  echo "Set-up: $1; trials of $2 are skipped, and say so."
  exit 0
}

# shellcheck disable=SC1091
[ "$(. /etc/os-release 2>/dev/null && echo "${ID:-}")" = debian ] && [ -e "$keyring" ] || skip 'this is not Debian' 'MySQL and Valkey'
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 '/debian/\?$') || skip 'apt knows no mirror' 'MySQL and Valkey'

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
  local folder=$1 program loader
  shift
  loader=$(compgen -G "$folder/usr/lib*/ld-linux*.so.*" | head -n 1)
  mkdir -p "$folder/bin"
  for program in "$@"; do
    patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$(dirname "$(compgen -G "$folder/usr/lib/*-linux-gnu/libc.so.6")")" "$folder/$program"
    ln -s "../$program" "$folder/bin/$(basename "$program")"
  done
}

fetch_mysql() {
  local folder=$cache/mysql
  ! "$folder/bin/mysqld" --version >/dev/null 2>&1 || return 0
  command -v patchelf >/dev/null || return 1
  echo 'Set-up: fetching MySQL ...'
  : >"$folder.status"
  unpack "$folder" sid "$folder.status" mysql-server-core mysql-client-core >/dev/null 2>&1 || return 1
  rm -rf "$folder" "$folder.status"
  mv "$folder.new" "$folder"
  settle "$folder" usr/sbin/mysqld usr/bin/mysql usr/bin/mysqldump
  "$folder/bin/mysqld" --version || { rm -rf "$folder"; return 1; }
}

fetch_valkey() {
  local folder=$cache/valkey
  if command -v valkey-server >/dev/null || [ -x "$folder/bin/valkey-server" ]; then return 0; fi
  local release
  # shellcheck disable=SC1091
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  echo 'Set-up: fetching Valkey ...'
  unpack "$folder" "$release-backports" /var/lib/dpkg/status valkey-tools valkey-server >/dev/null 2>&1 || return 1
  rm -rf "$folder"
  mv "$folder.new" "$folder"
  ln -s usr/bin "$folder/bin"
  "$folder/bin/valkey-server" --version || { rm -rf "$folder"; return 1; }
}

mkdir -p "$cache"
fetch_mysql || echo 'Set-up: MySQL could not be fetched; its trials are skipped, and say so.'
fetch_valkey || echo 'Set-up: Valkey could not be fetched; its trials are skipped, and say so.'
