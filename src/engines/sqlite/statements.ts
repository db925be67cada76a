// Cuts SQL into complete statements as it arrives, by the rules of sqlite3_complete(): a semicolon ends a statement, but not
// inside of quotes and comments, nor in the body of a trigger.

export interface Statements {
  /** Whole statements, as one text, that this piece has made complete; '' when there are none. */
  push(piece: string): string
  /** What is left when no more comes. */
  rest(): string
}

// A doubled quote inside of quotes ends one text and begins the next: for finding semicolons that is the same.
const TOKEN = /\s+|--[^\n]*\n|\/\*[^]*?\*\/|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|[\w$\u0080-\uffff]+|[^'"`[]/y
const NOT_ALONE = /^(--|\/\*)/

export function statements(): Statements {
  let text = ''
  let at = 0
  /** No look at less than this: what was not complete is not looked at again for every few bytes more. */
  let enough = 0
  const grammar = statementGrammar()

  return {
    push(piece) {
      text += piece
      if (text.length < enough) return ''
      let end = 0
      for (let token = next(text, at); token !== undefined; token = next(text, at)) {
        at += token.length
        if (grammar.ends(token)) end = at
      }
      const whole = text.slice(0, end)
      text = text.slice(end)
      at -= end
      enough = text.length > 1_000_000 ? 2 * text.length : 0
      return whole
    },
    rest: () => text,
  }
}

/** The next token, unless it might go on beyond what is there. */
function next(text: string, at: number): string | undefined {
  TOKEN.lastIndex = at
  const token = TOKEN.exec(text)?.[0]
  if (token === undefined || at + token.length === text.length) return token === ';' ? token : undefined
  // The beginning of a comment whose end is not there yet is taken for a single sign.
  return token.length === 1 && NOT_ALONE.test(text.slice(at, at + 2)) ? undefined : token
}

/** Told of each token in turn; answers whether the statement ends with it. */
function statementGrammar(): { ends(token: string): boolean } {
  let first: string[] = []
  let [before, last] = ['', '']
  return {
    ends(token) {
      if (/^(\s|--|\/\*)/.test(token)) return false
      const word = token.length < 20 ? token.toLowerCase() : ''
      if (word !== ';' || (isTrigger(first) && !(before === ';' && last === 'end'))) {
        if (first.length < 4) first.push(word)
        ;[before, last] = [last, word]
        return false
      }
      first = []
      ;[before, last] = ['', '']
      return true
    },
  }
}

function isTrigger(words: readonly string[]): boolean {
  const [create, temporary, trigger] = words[0] === 'explain' ? words.slice(1) : words
  if (create !== 'create') return false
  return temporary === 'trigger' || ((temporary === 'temp' || temporary === 'temporary') && trigger === 'trigger')
}
