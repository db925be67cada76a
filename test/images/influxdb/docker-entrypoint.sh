#!/bin/sh
# The folder may be anybody's: the server is root.
set -e
case $1 in
  -*) set -- influxd "$@" ;;
esac
exec "$@"
