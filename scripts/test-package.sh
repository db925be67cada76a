#!/usr/bin/env bash
# Packs Hayai, installs the tarball into a prefix of its own, and works with it in a folder that has nothing to do with this checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
version=$(node -p "require('./package.json').version")
folder=$(mktemp -d "${TMPDIR:-/tmp}/hayai-package-XXXXXX")
trap 'rm -rf "$folder"' EXIT

npm pack --silent --pack-destination "$folder" >/dev/null
npm install --silent --global --prefix "$folder/prefix" --no-audit --no-fund "$folder/hayai-$version.tgz"

mkdir "$folder/elsewhere"
cd "$folder/elsewhere"
hayai="$folder/prefix/bin/hayai"

printed=$("$hayai" --version)
if [ "$printed" != "$version" ]; then
  echo "hayai --version printed '$printed', not '$version'" >&2
  exit 1
fi
"$hayai" init -n notes -e sqlite -y >/dev/null
"$hayai" snapshot notes >/dev/null
"$hayai" list --format json | node -e '
  const list = JSON.parse(require("node:fs").readFileSync(0, "utf8"))
  if (list.length !== 1 || list[0].name !== "notes") throw new Error("the installed package lists " + JSON.stringify(list))
'
ls snapshots/notes-snapshot-*.db snapshots/notes-snapshot-*.json >/dev/null

# DuckDB is a package of its own: asked for while it is missing, with the line to type, and used once it is there.
status=0
said=$("$hayai" init -n facts -e duckdb -y 2>&1) || status=$?
case "$status $said" in
  "6 "*"npm install --global @duckdb/node-api"*) ;;
  *) echo "without DuckDB's package, hayai exits $status and says: $said" >&2 && exit 1 ;;
esac
npm install --silent --global --prefix "$folder/prefix" --no-audit --no-fund "$root/node_modules/@duckdb/node-api"
"$hayai" init -n facts -e duckdb -y >/dev/null
"$hayai" snapshot facts >/dev/null
ls snapshots/facts-snapshot-*.db snapshots/facts-snapshot-*.json >/dev/null

# A Node that is too old must hear so in one sentence.
for old in /usr/bin/node /usr/local/bin/node; do
  if [ -x "$old" ] && [ "$("$old" -p 'parseInt(process.versions.node)')" -lt 24 ]; then
    if said=$("$old" "$(readlink -f "$hayai")" --version 2>&1); then
      echo "hayai claims to run on $("$old" --version)" >&2
      exit 1
    fi
    case "$said" in
      *$'\n'*) echo "on $("$old" --version) it says more than a sentence: $said" >&2 && exit 1 ;;
      *24*) ;;
      *) echo "on $("$old" --version) it does not say which Node it needs: $said" >&2 && exit 1 ;;
    esac
  fi
done
echo "hayai $version was packed, installed and used in $folder/elsewhere (from $root)."
