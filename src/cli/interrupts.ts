// Ctrl-C and its kin: the first one asks the work to stop and to clean up, the second one leaves at once.

const STATUSES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type Name = keyof typeof STATUSES
const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const satisfies readonly Name[]

export interface Interrupts {
  readonly signal: AbortSignal
  /** The exit status of an interrupted run; undefined when it was not interrupted. */
  status(): number | undefined
  /** Asks the work to stop, though nobody interrupted it. */
  stop(): void
  /** As Session.lend. */
  lend<T>(heard: (signal: NodeJS.Signals) => boolean, work: () => Promise<T>): Promise<T>
}

export function listenForInterrupts(onFirst: () => void): Interrupts {
  const controller = new AbortController()
  let status: number | undefined
  let borrower: ((signal: NodeJS.Signals) => boolean) | undefined
  let waiting: Name | undefined
  const interrupt = (name: Name): void => {
    status = STATUSES[name]
    onFirst()
    controller.abort()
  }
  for (const name of NAMES) {
    process.on(name, () => {
      if (borrower !== undefined) {
        if (!borrower(name)) waiting = name
        return
      }
      if (status !== undefined) process.exit(STATUSES[name])
      interrupt(name)
    })
  }
  return {
    signal: controller.signal,
    status: () => status,
    stop: () => controller.abort(),
    async lend(heard, work) {
      borrower = heard
      try {
        return await work()
      } finally {
        borrower = undefined
        if (waiting !== undefined) interrupt(waiting)
      }
    },
  }
}
