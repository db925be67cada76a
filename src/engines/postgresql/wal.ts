// The archive of the log (WAL): each segment is copied to a folder when it is full. POSTGRES_ARCHIVE_MODE asks for it, `/archives` among
// the volumes says where; Hayai's own command copies, because the usual `cp` can leave half a segment under a good name.

import type { Settings, Surroundings } from '../engine.ts'

export const ARCHIVES = '/archives'
export const SCRIPT = 'archive.sh'

export function archives({ server }: Pick<Settings, 'server'>): boolean {
  return !/^(off|false|no|0|)$/i.test(server['archive_mode'] ?? '')
}

/** What a live server is told besides; nothing where it archives nothing. */
export function archiveSettings(settings: Settings, { texts, shares, mark }: Surroundings): Readonly<Record<string, string>> {
  const [script, folder] = [texts[SCRIPT], shares[ARCHIVES]]
  if (!archives(settings) || script === undefined || folder === undefined) return {}
  return { archive_command: `/bin/sh ${[script, folder, mark].map(word).join(' ')} %p %f` }
}

/** As one word of the shell's line that the server makes of it. */
function word(text: string): string {
  return `'${text.replaceAll('%', '%%').replaceAll("'", String.raw`'\''`)}'`
}

/**
 * Run by the server in its data folder, here and in containers. Each data folder has a folder of its own in the archive: after a restore
 * segments of the same name are not the same. Every failure is exit 1: the server keeps the segment and tries again. (Beyond 125 it would
 * take it for a crash of the shell.) A name is given to a whole, synced file alone, and is never taken from another.
 */
export const archiveScript = `#!/bin/sh
# Written by Hayai, anew at each start: archive.sh ARCHIVE MARK PATH NAME
PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
umask 077
archive=$1 mark=$2 path=$3 name=$4
fail() { echo "hayai: $name is not archived: $1" >&2; exit 1; }
keep() { sync "$1" || fail "$1 cannot be synced"; }

[ -d "$archive" ] || fail "the archive folder is missing"
system=$(od -An -tu8 -N8 global/pg_control) || fail "global/pg_control cannot be read"
system=$(echo $system)
[ -n "$system" ] || fail "global/pg_control is empty"
folder=$archive/$system/$mark
if [ ! -d "$folder" ]; then
  mkdir -p "$folder" || fail "the folder $system/$mark cannot be made"
  keep "$archive"
  keep "$archive/$system"
fi

same() {
  cmp -s "$path" "$folder/$name" || fail "$system/$mark/$name is there already, and is another one"
  keep "$folder/$name"
  keep "$folder"
  exit 0
}
if [ -e "$folder/$name" ]; then same; fi

new=$folder/.$name.$$
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM
rm -f "$folder/.$name."*
said=$(dd if="$path" of="$new" bs=1048576 conv=fsync 2>&1) || fail "$(printf '%s\\n' "$said" | grep '^dd:' | head -n 1)"
# A link takes no name from another file; where there are no links, nobody else writes here.
if ! ln "$new" "$folder/$name" 2>/dev/null; then
  if [ -e "$folder/$name" ]; then same; fi
  mv "$new" "$folder/$name" || fail "it cannot be given its name"
fi
rm -f "$new"
keep "$folder"
exit 0
`
