// The papers say what is so: the table of exit statuses is that of the code, what they point to is there, and every command line
// in them is one that the program takes.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CODES } from '../../src/base/errors.ts'
import { parse } from '../../src/cli/arguments.ts'
import { routeOf } from '../../src/cli/route.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const GUIDES = [...markdownIn(ROOT), ...markdownIn(join(ROOT, 'docs'))]
const PAPERS = [...GUIDES, ...markdownIn(join(ROOT, 'docs', 'decisions'))]

function markdownIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
}

function named(papers: readonly string[]): readonly (readonly [string, string])[] {
  return papers.map((paper) => [relative(ROOT, paper), paper])
}

function read(paper: string): string {
  return readFileSync(paper, 'utf8')
}

/** The lines of the fenced blocks of shell, those that end in a backslash joined with the next. */
function shellLines(paper: string): readonly string[] {
  return [...read(paper).matchAll(/^```(?:sh|bash|console)\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block.replaceAll('\\\n', ' ').split('\n'),
  )
}

/** `hayai` and its words, wherever they stand in a line of shell or in backquotes. */
function commandLines(paper: string): readonly string[] {
  const quoted = [...read(paper).matchAll(/`((?:npx )?hayai [^`\n]+)`/g)].map(([, line = '']) => line)
  return [...shellLines(paper).map((line) => line.replace(/(^|\s)#.*$/, '')), ...quoted].flatMap((line) =>
    [...line.matchAll(/(?:^|[\s($"'])hayai((?: +(?:"[^"]*"|'[^']*'|[^\s|&;)<>"']+))+)/g)].map(([, words = '']) => words.trim()),
  )
}

function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '')
}

describe('docs/AUTOMATION.md', () => {
  it('has the table of exit statuses of the code', () => {
    const rows = [...read(join(ROOT, 'docs', 'AUTOMATION.md')).matchAll(/^\| (\d+) \| `([A-Z_]+)` \| (.*) \|$/gm)]
    const told = rows.map(([, status, code, meaning]) => ({ code, exit: Number(status), meaning }))
    expect(told).toEqual(Object.entries(CODES).map(([code, { exit, meaning }]) => ({ code, exit, meaning })))
  })
})

it.each(named(PAPERS))('%s points only to what is there', (_, paper) => {
  const links = [...read(paper).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) => join(dirname(paper), link))
  const paths = [...read(paper).matchAll(/`((?:src|test|scripts|docs|bench)\/[\w./-]+)`/g)].map(([, path = '']) => join(ROOT, path))
  expect([...links, ...paths].filter((path) => !existsSync(path))).toEqual([])
})

// Decisions also speak of what was tried and given up.
it.each(named(GUIDES))('%s shows only command lines that the program takes', async (_, paper) => {
  const wrong: string[] = []
  for (const line of commandLines(paper)) {
    const [name = '', ...rest] = wordsOf(line)
    if (['--help', '--version'].includes(name) || rest.includes('--help')) continue
    try {
      const route = await routeOf(name, rest)
      parse(route.grammar, route.args)
    } catch (error) {
      wrong.push(`hayai ${line}: ${String(error)}`)
    }
  }
  expect(wrong).toEqual([])
})

it('finds the command lines that it looks for', () => {
  expect(commandLines(join(ROOT, 'docs', 'AUTOMATION.md'))).toContain('snapshot verify mydb --latest')
  expect(commandLines(join(ROOT, 'README.md')).length).toBeGreaterThan(10)
})
