// Who has a file open: told when it cannot be had, so that a person knows what to stop.

import { readdirSync, readFileSync, statSync } from 'node:fs'

/** `process 123 (python3)` for each process but this one; empty where the system does not tell (macOS, other people's processes). */
export function openersOf(...files: readonly string[]): readonly string[] {
  const wanted = new Set(files.flatMap((path) => identityOf(path) ?? []))
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => namesIn(`/proc/${pid}/fd`).some((fd) => wanted.has(identityOf(`/proc/${pid}/fd/${fd}`) ?? '')))
    .map((pid) => `process ${pid} (${programOf(pid)})`)
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined // gone in the meantime, or not ours to see
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // the same
  }
}

function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'ended by now'
  }
}
