// What is done to the data of a container that others made, by a plain shell with the volume before it. Content goes aside and
// comes in by renames within one file system, name by name; what is where tells how far it came. So each script can be ended at any
// point and run again, and the way back can be begun at any point of the way there.
//
// In the folder beside the data:   in/    what is to come        out/   what was there before
//                                  old new   their names         stray/ what somebody made in between
//                                  begun   nothing was renamed before it is there        done   all was renamed once it is there

/** Where the volume of a generation that is not live is mounted. */
export const KEPT = '/hayai/kept'

/** The names in the data that are others' file systems cannot be renamed. */
export const NOT_RENAMED = 95

// Arguments: the folder of the data, the one beside it, the heart, names of data, names that are the owner's; a line for each.
const WORDS = String.raw`
set -euf
IFS='
'
data=$1 stage=$2 heart=$3 names=$4 owners=$5
shift 5
there() { [ -e "$1" ] || [ -L "$1" ]; }
durable() { sync -f "$1" 2>/dev/null || sync; }
ours() {
  case $1 in .hayai-*) return 1 ;; esac
  for pattern in $owners; do case $1 in $pattern) return 1 ;; esac; done
  for pattern in $names; do case $1 in $pattern) return 0 ;; esac; done
  return 1
}
content() { ls -A "$1" | while read -r name; do if ours "$name"; then printf '%s\n' "$name"; fi; done; }
listed() { grep -qxF -e "$1" "$2"; }
stray() {
  if there "$data/$1"; then
    rm -rf "$stage/stray/$1"
    mv -f "$data/$1" "$stage/stray/$1"
  fi
}
`

/** Prints kilobytes: incoming, the data, free beside it, free beside the incoming; whether both are one disk; whether the heart is there; whether the data is in memory. */
export const MEASURE = `${WORDS}${String.raw`
kept=$1 wanted=$2
[ -d "$data" ] || { echo gone; exit 0; }
size() { du -sk "$1" | cut -f1; }
free() { df -Pk "$1" | tail -n 1 | tr -s ' ' | cut -d' ' -f4; }
same=other
if [ "$(stat -c %d "$data")" = "$(stat -c %d "$kept")" ] || [ "$(df -Pk "$data" | tail -n 1 | cut -d' ' -f1)" = "$(df -Pk "$kept" | tail -n 1 | cut -d' ' -f1)" ]; then same=same; fi
heart=lacks
if [ "$(stat -f -c %T "$data")" = tmpfs ]; then memory=memory; else memory=disk; fi
if there "$kept/$wanted" || [ -z "$(ls -A "$kept")" ]; then heart=has; fi
printf '%s\n' "$(size "$kept")" "$(size "$data")" "$(free "$data")" "$(free "$kept")" "$same" "$heart" "$memory"
`}`

/** Copies what is to come beside the data: all, or pairs of arguments `move FROM TO`, `text NAME CONTENT`. */
export const LAY = `${WORDS}${String.raw`
kept=$1
shift
rm -rf "$stage"
mkdir -m 700 "$stage" "$stage/in"
owner=$(stat -c %u:%g "$data")
if there "$data/$heart"; then owner=$(stat -c %u:%g "$data/$heart"); fi
if [ $# -eq 0 ]; then content "$kept" | while read -r name; do cp -a "$kept/$name" "$stage/in/$name"; done; fi
while [ $# -gt 0 ]; do
  to=$stage/in/$3
  mkdir -p "$(dirname "$to")"
  case $1 in
    move) if there "$kept/$2"; then cp -a "$kept/$2" "$to"; fi ;;
    text) printf '%s' "$2" >"$to" ;;
  esac
  shift 3
done
chown -R "$owner" "$stage/in"
chown "$owner" "$stage"
durable "$stage"
`}`

/** Prints how far it came. */
export const LOOK = `${WORDS}${String.raw`
if there "$stage/done"; then echo done; elif there "$stage/begun"; then echo begun; else echo none; fi
`}`

/** The data goes aside, and what is to come comes in. Nobody uses it meanwhile. */
export const EXCHANGE = `${WORDS}${String.raw`
if ! there "$stage/begun"; then
  content "$data" >"$stage/old"
  ls -A "$stage/in" >"$stage/new"
  disk=$(stat -c %d "$stage")
  while read -r name; do [ "$(stat -c %d "$data/$name")" = "$disk" ] || exit NOT_RENAMED; done <"$stage/old"
  mkdir -p "$stage/out" "$stage/stray"
  durable "$stage"
  : >"$stage/begun"
  durable "$stage"
fi
aside() { there "$stage/out/$1" || mv -f "$data/$1" "$stage/out/$1"; }
enter() {
  there "$stage/in/$1" || return 0
  stray "$1"
  mv -f "$stage/in/$1" "$data/$1"
}
if listed "$heart" "$stage/old"; then aside "$heart"; fi
while read -r name; do
  [ "$name" != "$heart" ] || continue
  aside "$name"
  if listed "$name" "$stage/new"; then enter "$name"; fi
done <"$stage/old"
while read -r name; do [ "$name" = "$heart" ] || enter "$name"; done <"$stage/new"
enter "$heart"
: >"$stage/done"
durable "$stage"
`.replace('NOT_RENAMED', String(NOT_RENAMED))}`

/** The way back: what was there before is in its place again. */
export const RETURN = `${WORDS}${String.raw`
there "$stage/begun" || exit 0
rm -f "$stage/done"
leave() {
  listed "$1" "$stage/new" || return 0
  there "$stage/in/$1" || ! there "$data/$1" || mv -f "$data/$1" "$stage/in/$1"
}
back() {
  there "$stage/out/$1" || return 0
  stray "$1"
  mv -f "$stage/out/$1" "$data/$1"
}
leave "$heart"
while read -r name; do [ "$name" = "$heart" ] || leave "$name"; done <"$stage/new"
content "$data" | while read -r name; do listed "$name" "$stage/old" || stray "$name"; done
while read -r name; do [ "$name" = "$heart" ] || back "$name"; done <"$stage/old"
back "$heart"
durable "$data"
`}`

/** What was there before goes into a volume of its own. */
export const KEEP = `${WORDS}${String.raw`
kept=$1
there "$stage/done" || exit 0
weigh() { (cd "$1" && find . -type f -exec stat -c '%s %n' {} + | sort | cksum); }
find "$kept" -mindepth 1 -maxdepth 1 -exec rm -rf -- {} +
cp -a "$stage/out/." "$kept/"
[ "$(weigh "$stage/out")" = "$(weigh "$kept")" ]
durable "$kept"
`}`

export const CLEAR = `${WORDS}${String.raw`
rm -f "$stage/done" "$stage/begun"
rm -rf "$stage"
durable "$data"
`}`
