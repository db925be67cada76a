// Ctrl-C and its kin: the first one asks the work to stop and to clean up, the second one leaves at once.

const STATUSES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

export interface Interrupts {
  readonly signal: AbortSignal
  /** The exit status of an interrupted run; undefined when it was not interrupted. */
  status(): number | undefined
  /** Asks the work to stop, though nobody interrupted it. */
  stop(): void
}

export function listenForInterrupts(onFirst: () => void): Interrupts {
  const controller = new AbortController()
  let status: number | undefined
  for (const [name, exit] of Object.entries(STATUSES)) {
    process.on(name, () => {
      if (status !== undefined) process.exit(exit)
      status = exit
      onFirst()
      controller.abort()
    })
  }
  return { signal: controller.signal, status: () => status, stop: () => controller.abort() }
}
