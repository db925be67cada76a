// In the child: the CHECK constraints in the text of a table, which no PRAGMA tells.

/** Each as `check (...)`, in order, with its blanks made one. */
export function checksIn(sql: string): readonly string[] {
  const found: string[] = []
  const pieces = sql.match(PIECES) ?? []
  for (let at = 0; at < pieces.length; at++) {
    if (pieces[at]?.toLowerCase() !== 'check') continue
    let depth = 0
    let text = ''
    for (at++; at < pieces.length; at++) {
      const piece = pieces[at] ?? ''
      if (!/^(?:--|\/\*)/.test(piece)) text += /^\s+$/.test(piece) ? ' ' : piece
      if (piece === '(') depth++
      if (piece === ')' && --depth === 0) break
      if (depth === 0 && /\S/.test(piece) && !piece.startsWith('-')) break // no expression: a name of somebody's
    }
    if (text.trim().startsWith('(')) found.push(`check ${text.trim()}`)
  }
  return found
}

/** Comments, strings, quoted names, words, brackets; whatever else, one by one. Together they are the whole text. */
const PIECES = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\s+|\w+|[\s\S]/g
