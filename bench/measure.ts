// Two ways of doing the same thing, measured in turns so that both meet the same machine, and what is said of them.

export interface Target {
  /** As people read it: `at most 1.05 x`. */
  readonly text: string
  readonly met: (hayai: number, other: number) => boolean
}

export interface Line {
  readonly what: string
  readonly hayai: string
  readonly other: string
  readonly ratio: string
  readonly target: string
  readonly verdict: 'met' | 'MISSED' | ''
}

export function atMost(factor: number, plus = 0): Target {
  return {
    text: `at most ${factor} x${plus === 0 ? '' : ` + ${plus} s`}`,
    met: (hayai, other) => hayai <= other * factor + plus,
  }
}

export interface Contest {
  readonly what: string
  readonly runs: number
  readonly target: Target | undefined
  /** Both give the seconds that count. */
  readonly hayai: () => Promise<number>
  readonly other: () => Promise<number>
  /** Decimals of the seconds. */
  readonly digits?: number
}

export async function contest({ what, runs, target, hayai, other, digits = 2 }: Contest): Promise<Line> {
  const times = { hayai: [] as number[], other: [] as number[] }
  for (let turn = 0; turn < runs; turn++) {
    // Who goes first changes, so that neither always finds a warmed-up machine.
    const order = turn % 2 === 0 ? (['hayai', 'other'] as const) : (['other', 'hayai'] as const)
    for (const who of order) times[who].push(await (who === 'hayai' ? hayai : other)())
  }
  const [ours, theirs] = [median(times.hayai), median(times.other)]
  return {
    what,
    hayai: `${ours.toFixed(digits)} s`,
    other: `${theirs.toFixed(digits)} s`,
    ratio: (ours / theirs).toFixed(2),
    target: target?.text ?? 'none',
    verdict: target === undefined ? '' : target.met(ours, theirs) ? 'met' : 'MISSED',
  }
}

export function limit(what: string, value: number, most: number, unit: string): Line {
  return {
    what,
    hayai: `${value.toFixed(0)} ${unit}`,
    other: '',
    ratio: '',
    target: `under ${most} ${unit}`,
    verdict: value > 0 && value < most ? 'met' : 'MISSED',
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('the median of nothing')
  return (low + high) / 2
}

export function table(lines: readonly Line[]): string {
  const head: Record<keyof Line, string> = {
    what: 'what',
    hayai: 'Hayai',
    other: 'other',
    ratio: 'ratio',
    target: 'target',
    verdict: 'verdict',
  }
  const columns = ['what', 'hayai', 'other', 'ratio', 'target', 'verdict'] as const
  const widths = columns.map((column) => Math.max(...[head, ...lines].map((line) => line[column].length)))
  const row = (line: Readonly<Record<keyof Line, string>>) =>
    columns
      .map((column, index) => line[column].padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  return [row(head), widths.map((width) => '-'.repeat(width)).join('  '), ...lines.map(row)].join('\n')
}
