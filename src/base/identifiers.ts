// Names as people type them: `users`, `public.users`, `"Odd.Schema".users`.

/** The parts of a dotted name, each of which may stand in quotes; undefined when it is none. */
export function partsOf(text: string, quote: '"' | '`'): readonly string[] | undefined {
  const part = new RegExp(`${quote}((?:[^${quote}]|${quote}${quote})*)${quote}|([^.${quote}]+)`, 'y')
  const parts: string[] = []
  for (let at = 0; ; at += 1) {
    part.lastIndex = at
    const found = part.exec(text)
    if (found === null) return undefined
    const [whole, quoted, bare] = found
    parts.push(quoted === undefined ? (bare ?? '') : quoted.replaceAll(quote + quote, quote))
    at += whole.length
    if (at === text.length) return parts.includes('') ? undefined : parts
    if (text[at] !== '.') return undefined
  }
}
