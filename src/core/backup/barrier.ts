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

/** A way with several barriers, one after the other. Who comes to one has come to all before it. */
export interface Course<Step extends string> {
  /** To be asked for by all before the first of them arrives. */
  ticket(): { arrive(step: Step): Promise<void>; leave(): void }
  /** When the last one opened; undefined until then. */
  finished(): Date | undefined
}

export function course<Step extends string>(steps: readonly Step[], signal: AbortSignal): Course<Step> {
  const barriers = steps.map(() => barrier(signal))
  return {
    finished: () => barriers.at(-1)?.opened(),
    ticket() {
      const tickets = barriers.map((each) => each.ticket())
      return {
        async arrive(step) {
          for (const each of tickets.slice(0, steps.indexOf(step) + 1)) await each.arrive()
        },
        leave: () => tickets.forEach((each) => each.leave()),
      }
    },
  }
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
