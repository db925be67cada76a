// Charts of text: a bar, and a line of sizes as high as one letter.

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const
const HEIGHTS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** As long as `value` is of `most`, in a field that is `width` letters wide; what is not nothing is never shown as nothing. */
export function bar(value: number, most: number, width: number): string {
  const share = most <= 0 ? 0 : Math.min(1, Math.max(0, value / most))
  const eighths = value > 0 ? Math.max(1, Math.round(share * width * 8)) : 0
  const text = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
  return text.padEnd(width)
}

/** The last so many values, each as high as it is of the highest. */
export function sparkline(values: readonly number[], most = 10): string {
  const shown = values.slice(-most)
  const top = Math.max(...shown, 0)
  if (shown.length < 2 || top === 0) return ''
  return shown.map((value) => HEIGHTS[Math.min(7, Math.max(0, Math.ceil((value / top) * 8) - 1))] ?? '').join('')
}
