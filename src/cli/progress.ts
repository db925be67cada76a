// Long work as one line: what is being done, how much of it, how fast, and how long it will still take.

import type { Progress } from '../index.ts'
import type { StatusLine } from './output.ts'
import { duration, size } from './wording.ts'

/** Tells the line what was told; the rate is that of the present stage. */
export function progressOn(line: StatusLine, now: () => number = () => performance.now()): (progress: Progress) => void {
  let stage = ''
  let began = 0
  let first = 0
  return (progress) => {
    if (progress.stage !== stage || (progress.bytes ?? 0) < first) {
      stage = progress.stage
      began = now()
      first = progress.bytes ?? 0
    }
    line.show(progressText(progress, (now() - began) / 1000, first))
  }
}

export function progressText({ stage, bytes, total }: Progress, seconds: number, first: number): string {
  if (bytes === undefined) return `${stage} …`
  // What is expected is an estimate: once it is passed it says nothing any more.
  const whole = total !== undefined && total >= bytes && total > 0 ? total : undefined
  const parts = [stage, whole === undefined ? size(bytes) : `${size(bytes)} of ${size(whole)} (${Math.floor((bytes / whole) * 100)} %)`]
  const rate = seconds >= 0.5 ? (bytes - first) / seconds : 0
  if (rate > 0) parts.push(`${size(rate)}/s`)
  if (rate > 0 && whole !== undefined) parts.push(`${duration((whole - bytes) / rate)} left`)
  return parts.join(' · ')
}
