// Cuts SQL into complete statements as it arrives. A semicolon ends a statement, but not inside of quotes, of dollar quotes and of
// comments, which may hold comments.

export interface Statements {
  /** Whole statements, each by itself, that this piece has made complete. */
  push(piece: string): readonly string[]
  /** What is left when no more comes. */
  rest(): string
}

// Where something may begin in which a semicolon ends nothing, or where one ends a statement. A doubled quote inside of quotes ends one
// text and begins the next: for finding semicolons that is the same.
const MARK = /[;'"$]|--|\/\*/g
const SIGNED = /(?<![\w$\u0080-\uffff])[eE]$/ // what stands before a text with signs in it: E'\''
const IN_A_NAME = /[\w$\u0080-\uffff]$/
const DOLLARS = /\$(?:[A-Za-z_]\w*)?\$/y

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
      for (;;) {
        MARK.lastIndex = at
        const mark = MARK.exec(text)
        const until = mark?.index ?? text.length - (/[-/]$/.test(text.slice(-1)) ? 1 : 0)
        filled ||= /\S/.test(text.slice(at, until))
        at = Math.max(at, until)
        if (mark === null) break
        const end = endOf(mark[0], text, at)
        if (end === undefined) break
        at = end
        if (mark[0] === ';') {
          if (filled) whole.push(text.slice(from, end))
          from = end
          filled = false
        } else if (mark[0] !== '--' && mark[0] !== '/*') filled = true
      }
      text = text.slice(from)
      at -= from
      enough = text.length > 1_000_000 ? 2 * text.length : 0
      return whole
    },
    rest: () => (filled || text.slice(at).trim() !== '' ? text : ''),
  }
}

/** Where that which begins here ends; undefined when it goes on, or might, beyond what is there. */
function endOf(mark: string, text: string, at: number): number | undefined {
  switch (mark) {
    case "'":
      return SIGNED.test(text.slice(Math.max(0, at - 2), at)) ? endOfSigned(text, at + 1) : after(text, mark, at + 1)
    case '"':
      return after(text, mark, at + 1)
    case '--':
      return after(text, '\n', at + 2)
    case '/*':
      return endOfComment(text, at)
    case '$':
      return endOfDollars(text, at)
    default:
      return at + mark.length
  }
}

function after(text: string, mark: string, from: number): number | undefined {
  const found = text.indexOf(mark, from)
  return found === -1 ? undefined : found + mark.length
}

/** Here a doubled quote matters: what comes after it may begin with a backslash. */
function endOfSigned(text: string, from: number): number | undefined {
  const stops = /['\\]/g
  for (let at = from; ;) {
    stops.lastIndex = at
    const stop = stops.exec(text)
    if (stop === null || stop.index + 1 >= text.length) return undefined
    if (stop[0] === "'" && text[stop.index + 1] !== "'") return stop.index + 1
    at = stop.index + 2
  }
}

function endOfDollars(text: string, at: number): number | undefined {
  if (IN_A_NAME.test(text.slice(Math.max(0, at - 1), at))) return at + 1
  DOLLARS.lastIndex = at
  const quote = DOLLARS.exec(text)?.[0]
  if (quote !== undefined) return after(text, quote, at + quote.length)
  return /^\w*$/.test(text.slice(at + 1)) ? undefined : at + 1
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
