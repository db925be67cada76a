#!/usr/bin/env bash
# The whole environment: all databases of the project, at one moment, with logs and configuration.
#
#   db-lifecycle.sh backup [...]          make a backup in backups/<time>/
#   db-lifecycle.sh restore DIR [...]     bring all of it back, or nothing; `hayai undo --all` takes that back
#   db-lifecycle.sh status [...]          the newest backup, and what is not in it
#
# It does what `hayai backup`, `hayai backup restore DIR` and `hayai backup status` do, and takes their options.
set -euo pipefail

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0"
}

folder=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)

# HAYAI names the program; else it is the checkout that this script lies in, the project's own, or the one on PATH.
if [ -n "${HAYAI:-}" ]; then
  hayai=$HAYAI
elif [ -f "$folder/bin/hayai.js" ] && [ -d "$folder/dist" ]; then
  hayai=$folder/bin/hayai.js
elif [ -x "$folder/node_modules/.bin/hayai" ]; then
  hayai=$folder/node_modules/.bin/hayai
elif hayai=$(command -v hayai); then
  :
else
  echo 'db-lifecycle.sh: hayai is not on PATH' >&2
  echo '  hint: npm install -g hayai, or name it: HAYAI=/path/to/hayai' >&2
  exit 6
fi

# The project is the one that this script lies in; a script in no project serves the one it is called from.
in_project() {
  if [ -e "$folder/.hayaidb" ] || [ -d "$folder/.hayai" ]; then cd "$folder"; fi
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  backup)
    in_project
    exec "$hayai" backup "$@"
    ;;
  restore)
    if [ $# -eq 0 ]; then
      echo 'db-lifecycle.sh: restore needs the folder of a backup' >&2
      echo '  hint: db-lifecycle.sh restore backups/latest' >&2
      exit 2
    fi
    from=$1
    shift
    # A path is meant from here, also when the project is elsewhere.
    if [ -d "$from" ]; then from=$(cd "$from" && pwd -P); fi
    in_project
    exec "$hayai" backup restore "$from" "$@"
    ;;
  status)
    in_project
    exec "$hayai" backup status "$@"
    ;;
  '' | help | -h | --help)
    usage
    [ "$command" != '' ] || exit 2
    ;;
  *)
    echo "db-lifecycle.sh: there is no command \"$command\"" >&2
    usage >&2
    exit 2
    ;;
esac
