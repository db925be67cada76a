// Cuts SQL into complete statements as it arrives. A semicolon ends a statement, but not inside of quotes, of dollar quotes and of
// comments, which may hold comments.

export interface Statements {
  /** Whole statements, each by itself, that this piece has made complete. */
  push(piece: string): readonly string[]
  /** What is left when no more comes. */
  rest(): string
}

// A doubled quote inside of quotes ends one text and begins the next: for finding semicolons that is the same. What begins like a
// text, a name or a comment and has no end yet is not matched at all.
const TOKEN =
  /\s+|--[^\n]*\n|\b[eE]'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*'|'[^']*'|"[^"]*"|\$(?:[A-Za-z_][\w]*)?\$|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\/\*|\d+|[^'"$/\-\w\s]+?|[-/$]/y

export function statements(): Statements {
  let text = ''
  let at = 0
  let filled = false // whether the statement has more than blanks and comments so far
  /** No look at less than this: what was not complete is not looked at again for every few bytes more. */
  let enough = 0

  return {
    push(piece) {
      text += piece
      if (text.length < enough) return []
      const whole: string[] = []
      let from = 0
      for (let end = endOfToken(text, at); end !== undefined; end = endOfToken(text, at)) {
        const token = text.slice(at, Math.min(end, at + 2))
        at = end
        if (token === ';') {
          if (filled) whole.push(text.slice(from, end))
          from = end
          filled = false
        } else if (!/^(\s|--|\/\*)/.test(token)) filled = true
      }
      text = text.slice(from)
      at -= from
      enough = text.length > 1_000_000 ? 2 * text.length : 0
      return whole
    },
    rest: () => (filled || text.slice(at).trim() !== '' ? text : ''),
  }
}

/** Where the token that begins here ends; undefined when it might go on beyond what is there. */
function endOfToken(text: string, at: number): number | undefined {
  if (at >= text.length) return undefined
  TOKEN.lastIndex = at
  const token = TOKEN.exec(text)?.[0]
  if (token === undefined) return undefined
  if (token === '/*') return endOfComment(text, at)
  if (token.startsWith('$') && token.length > 1) {
    const end = text.indexOf(token, at + token.length)
    return end === -1 ? undefined : end + token.length
  }
  const end = at + token.length
  if (token === ';') return end
  if (end === text.length) return undefined
  // The beginning of a comment, a text or a dollar quote whose end is not there yet is no token of its own.
  if (token === '-' && text[end] === '-') return undefined
  if (/^e$/i.test(token) && text[end] === "'") return undefined
  return token === '$' && /^\w*$/.test(text.slice(end)) ? undefined : end
}

function endOfComment(text: string, at: number): number | undefined {
  const marks = /\/\*|\*\//g
  marks.lastIndex = at
  for (let depth = 0, mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return undefined
}
