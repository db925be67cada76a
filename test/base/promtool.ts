// promtool of Debian's package prometheus, which says what is wrong with metrics.

import { spawnSync } from 'node:child_process'

/** What is wrong with it; nothing when nothing is. Where there is no promtool nothing is known, which in CI is a failure. */
export function flawsOf(metrics: string): string {
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' })
  if (error === undefined) return status === 0 ? `${stdout}${stderr}` : `exit ${status}: ${stdout}${stderr}`
  return process.env['CI'] === undefined ? '' : 'promtool is not on this machine'
}
