// Where several wait until the last one has come, and then go on together.

export interface Ticket {
  /** Returns when all who have a ticket are here; throws when the signal aborts before. */
  arrive(): Promise<void>
  /** Whoever will not come: the others do not wait any more. Does nothing for one who has come. */
  leave(): void
}

export interface Barrier {
  /** To be asked for by all before the first of them arrives. */
  ticket(): Ticket
  /** When it opened; undefined until then. */
  opened(): Date | undefined
}

export function barrier(signal: AbortSignal): Barrier {
  const gate = Promise.withResolvers<void>()
  gate.promise.catch(() => {}) // whoever waits hears of it
  let expected = 0
  let opened: Date | undefined
  const open = (): void => {
    if (expected > 0 || opened !== undefined) return
    opened = new Date()
    gate.resolve()
  }
  signal.addEventListener('abort', () => gate.reject(signal.reason), { once: true })
  return {
    opened: () => opened,
    ticket() {
      let counted = true
      const settle = (): void => {
        if (!counted) return
        counted = false
        expected--
        open()
      }
      expected++
      return {
        async arrive() {
          signal.throwIfAborted()
          settle()
          await gate.promise
        },
        leave: settle,
      }
    },
  }
}
