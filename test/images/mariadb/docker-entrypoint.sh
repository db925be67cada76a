#!/usr/bin/env bash
# Honours what the official image of MariaDB honours, and behaves like it: secrets are read as root, the server runs as mysql, and
# while an empty volume is initialised a temporary server answers on the socket, and on no network.
set -eo pipefail
shopt -s nullglob

# $1 or the content of the file named by $1_FILE, as $1 in the environment.
file_env() {
  local var=$1 file_var=${1}_FILE default=${2:-}
  if [ -n "${!var:-}" ] && [ -n "${!file_var:-}" ]; then
    echo "error: both $var and $file_var are set" >&2
    exit 1
  fi
  local value=$default
  if [ -n "${!var:-}" ]; then value=${!var}; elif [ -n "${!file_var:-}" ]; then value=$(<"${!file_var}"); fi
  export "$var=$value"
  unset "$file_var"
}

if [ "${1:0:1}" = - ]; then set -- mariadbd "$@"; fi
if [ "$1" != mariadbd ]; then exec "$@"; fi

data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
for name in ROOT_PASSWORD DATABASE USER PASSWORD; do file_env "MARIADB_$name"; done

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data" /run/mysqld
  find "$data" /run/mysqld \! -user mysql -exec chown mysql: '{}' +
  exec gosu mysql "$0" "$@"
fi

quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"; }

if [ ! -d "$data/mysql" ]; then
  if [ -z "$MARIADB_ROOT_PASSWORD" ]; then
    echo 'Database is uninitialized and password option is not specified' >&2
    exit 1
  fi
  if [ "$MARIADB_USER" = root ]; then
    echo 'MARIADB_USER="root" cannot be used' >&2
    exit 1
  fi
  mariadb-install-db --datadir="$data" --rpm --auth-root-authentication-method=normal --skip-test-db "${@:2}" >/dev/null
  "$@" --skip-networking --socket="$socket" --wsrep_on=OFF --skip-log-bin &
  server=$!
  for _ in $(seq 300); do
    if mariadb --no-defaults --socket="$socket" -uroot -e 'SELECT 1' >/dev/null 2>&1; then break; fi
    kill -0 "$server"
    sleep 0.1
  done
  {
    echo "SET @@SESSION.SQL_LOG_BIN=0;"
    echo "DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';"
    echo "EXECUTE IMMEDIATE CONCAT('DROP USER IF EXISTS root@\\'', @@hostname, '\\'');"
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted "$MARIADB_ROOT_PASSWORD");"
    echo "CREATE USER 'root'@'%' IDENTIFIED BY $(quoted "$MARIADB_ROOT_PASSWORD");"
    echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    if [ -n "$MARIADB_DATABASE" ]; then echo "CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"; fi
    if [ -n "$MARIADB_USER" ]; then
      echo "CREATE USER $(quoted "$MARIADB_USER")@'%' IDENTIFIED BY $(quoted "$MARIADB_PASSWORD");"
      if [ -n "$MARIADB_DATABASE" ]; then echo "GRANT ALL ON \`$MARIADB_DATABASE\`.* TO $(quoted "$MARIADB_USER")@'%';"; fi
    fi
  } | mariadb --no-defaults --binary-mode --socket="$socket" -uroot
  export MYSQL_PWD=$MARIADB_ROOT_PASSWORD
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) . "$file" ;;
      *.sql) mariadb --no-defaults --binary-mode --socket="$socket" -uroot ${MARIADB_DATABASE:+"--database=$MARIADB_DATABASE"} <"$file" ;;
    esac
  done
  unset MYSQL_PWD
  kill "$server"
  wait "$server"
  echo 'MariaDB init process done. Ready for start up.'
fi
exec "$@"
