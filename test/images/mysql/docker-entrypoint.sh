#!/usr/bin/env bash
# Honours what the official image of MySQL honours, and behaves like it: secrets are read as root, the server runs as mysql, and
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

if [ "${1:0:1}" = - ]; then set -- mysqld "$@"; fi
if [ "$1" != mysqld ]; then exec "$@"; fi

# As there: what the server cannot understand is told before anything is made.
if ! said=$("$@" --verbose --help 2>&1 >/dev/null); then
  echo "mysqld failed while attempting to check config: $said" >&2
  exit 1
fi

data=/var/lib/mysql
socket=/var/run/mysqld/mysqld.sock
file_env MYSQL_ROOT_HOST %
for name in DATABASE USER PASSWORD ROOT_PASSWORD; do file_env "MYSQL_$name"; done

if [ "$(id -u)" = 0 ]; then
  find "$data" /var/run/mysqld \! -user mysql -exec chown --no-dereference mysql '{}' +
  exec gosu mysql "$0" "$@"
fi

# $1: the password of root, once it has one.
client() {
  local password=$1
  shift
  mysql --defaults-extra-file=<(printf '[client]\nuser=root\npassword="%s"\n' "$password") --protocol=socket -hlocalhost --socket="$socket" --comments "$@"
}

if [ ! -d "$data/mysql" ]; then
  if [ -z "$MYSQL_ROOT_PASSWORD" ]; then
    echo 'Database is uninitialized and password option is not specified' >&2
    exit 1
  fi
  if [ "$MYSQL_USER" = root ]; then
    echo 'MYSQL_USER="root" cannot be used' >&2
    exit 1
  fi
  "$@" --initialize-insecure --default-time-zone=SYSTEM
  "$@" --daemonize --skip-networking --default-time-zone=SYSTEM --socket="$socket"
  {
    echo 'SET @@SESSION.SQL_LOG_BIN=0;'
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
    echo "GRANT ALL ON *.* TO 'root'@'localhost' WITH GRANT OPTION;"
    echo "CREATE USER 'root'@'$MYSQL_ROOT_HOST' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
    echo "GRANT ALL ON *.* TO 'root'@'$MYSQL_ROOT_HOST' WITH GRANT OPTION;"
    if [ -n "$MYSQL_DATABASE" ]; then echo "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"; fi
    if [ -n "$MYSQL_USER" ] && [ -n "$MYSQL_PASSWORD" ]; then
      echo "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$MYSQL_PASSWORD';"
      if [ -n "$MYSQL_DATABASE" ]; then echo "GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%';"; fi
    fi
  } | client '' --database=mysql
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) . "$file" ;;
      *.sql) client "$MYSQL_ROOT_PASSWORD" ${MYSQL_DATABASE:+"--database=$MYSQL_DATABASE"} <"$file" ;;
    esac
  done
  mysqladmin --defaults-extra-file=<(printf '[client]\nuser=root\npassword="%s"\n' "$MYSQL_ROOT_PASSWORD") --socket="$socket" shutdown
  echo 'MySQL init process done. Ready for start up.'
fi
exec "$@"
