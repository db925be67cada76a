#!/usr/bin/env bash
# Puts what the tests need on this machine. On Debian, as root, it installs what is missing; elsewhere it says what to install.
set -euo pipefail

missing=()

# What the tests need: a probe, and the Debian package that satisfies it.
need() {
  local package=$1
  shift
  "$@" || missing+=("$package")
}

has_program() { command -v "$1" >/dev/null; }

has_postgresql() {
  local folder
  for folder in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin "$(dirname "$(command -v initdb || echo /nowhere/x)")"; do
    [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pg_dump" ] && [ -x "$folder/psql" ] && return 0
  done
  return 1
}

has_contrib() {
  compgen -G '/usr/share/postgresql/*/extension/pgcrypto.control' >/dev/null ||
    compgen -G '/opt/homebrew/share/postgresql@*/extension/pgcrypto.control' >/dev/null ||
    compgen -G '/usr/local/share/postgresql@*/extension/pgcrypto.control' >/dev/null
}

# Debian keeps the server where only root looks for programs.
has_mariadb() {
  { has_program mariadbd || [ -x /usr/sbin/mariadbd ]; } && has_program mariadb && has_program mariadb-dump && has_program mariadb-install-db
}

has_compose() { has_program docker-compose || docker compose version >/dev/null 2>&1; }

# A program that is not Hayai, holding a SQLite file open.
has_python() { has_program python3 && python3 -c 'import sqlite3' 2>/dev/null; }

need postgresql has_postgresql
need postgresql-contrib has_contrib
need sqlite3 has_program sqlite3
need redis-server has_program redis-server
need redis-tools has_program redis-cli
need mariadb-server has_mariadb
need mariadb-backup has_program mariadb-backup
need etcd-server has_program etcd
need etcd-client has_program etcdctl
need influxdb has_program influxd
need influxdb-client has_program influx
need victoria-metrics has_program victoria-metrics
need docker.io has_program dockerd
need docker-compose has_compose
need docker-registry has_program docker-registry
need iptables has_program iptables
need iproute2 has_program ip
need mmdebstrap has_program mmdebstrap
need patchelf has_program patchelf
need tzdata test -e /usr/share/zoneinfo/Europe/Berlin
need procps has_program ps
need cron has_program crontab
need systemd has_program systemd-analyze
need zstd has_program zstd
need age has_program age
need prometheus has_program promtool
need openssl has_program openssl
need git has_program git
need python3 has_python
need jq has_program jq
need file has_program file
need zsh has_program zsh
need fish has_program fish

if [ ${#missing[@]} -eq 0 ]; then
  echo "Set-up: everything that the tests need is here."
  exit 0
fi

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  {
    echo "Set-up: the tests also want ${missing[*]} (the names of Debian's packages), and this script installs only on Debian and as root."
    if command -v brew >/dev/null; then
      echo "  Type: brew install postgresql@17 mariadb sqlite redis zstd age"
    elif command -v apt-get >/dev/null; then
      echo "  Type: sudo apt-get install ${missing[*]}"
    else
      echo "  Install PostgreSQL with its contrib modules, MariaDB with mariadb-backup, the sqlite3 program, Redis and zstd with this system's package tool."
    fi
  } >&2
  if [ -n "${CI:-}" ]; then exit 6; fi
  echo "Going on without: tests that need them are skipped, and say so."
  exit 0
fi

echo "Set-up: installing ${missing[*]} with apt-get ..."
export DEBIAN_FRONTEND=noninteractive

# Debian's package makes a cluster named main and starts it. The tests make their own servers, so none is wanted.
settings=/etc/postgresql-common/createcluster.conf
before=$settings.before-hayai
restore_settings() {
  if [ -e "$before" ]; then
    mv "$before" "$settings"
  elif [ -e /usr/share/postgresql-common/createcluster.conf ]; then
    cp /usr/share/postgresql-common/createcluster.conf "$settings"
    rm -f "$settings.ucf-dist"
  else
    rm -f "$settings"
  fi
}
if [ -e "$settings" ]; then cp -p "$settings" "$before"; fi

# Other packages start a server of their own, now and at each boot. While they are installed, nothing may be started.
policy=/usr/sbin/policy-rc.d
starting=(redis-server mariadb-server docker.io docker-registry etcd-server influxdb victoria-metrics) # each package's service is called like it, without what follows the name of the product
services=()
for package in "${starting[@]}"; do
  if [[ " ${missing[*]} " == *" $package "* ]]; then services+=("$(sed 's/mariadb-server/mariadb/; s/docker.io/docker/; s/etcd-server/etcd/' <<<"$package")"); fi
done
restore_policy() {
  if [ -e "$policy.before-hayai" ]; then mv "$policy.before-hayai" "$policy"; else rm -f "$policy"; fi
}
if [ -e "$policy" ]; then mv "$policy" "$policy.before-hayai"; fi
trap 'restore_settings; restore_policy' EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

mkdir -p "$(dirname "$settings")"
echo 'create_main_cluster = false' >>"$settings"
export UCF_FORCE_CONFFOLD=1

log=$(mktemp)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "Set-up: apt-get failed." >&2
  exit 6
fi
rm -f "$log"
if [ ${#services[@]} -gt 0 ] && command -v systemctl >/dev/null; then systemctl disable --quiet "${services[@]}" || true; fi # no systemd runs in a container
echo "Set-up: installed ${missing[*]}; no server was started."
