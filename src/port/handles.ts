/**
 * The users of a log that must end before it closes: apps, deliveries, consumers and producers.
 *
 * Producers end last: a consumer or an app may still publish while it ends.
 */
import { MillraceError } from '../base/index.ts'

/** Ends a handle: commits, leaves, lets go. Awaited; may be called for one that has ended already. */
export type EndHandle = () => Promise<unknown>

export class Handles {
  readonly #working = new Set<EndHandle>()
  readonly #producing = new Set<EndHandle>()
  #closing = false

  /** True from the first moment in which the log is being closed. */
  get closing(): boolean {
    return this.#closing
  }

  /**
   * Adds a handle. The returned function removes it, once it has ended by itself.
   * @throws MillraceError CLOSED when the log is being closed
   */
  add(end: EndHandle, kind: 'works' | 'produces' = 'works'): () => void {
    this.checkOpen()
    const ends = kind === 'works' ? this.#working : this.#producing
    ends.add(end)
    return () => ends.delete(end)
  }

  /** @throws MillraceError CLOSED when the log is being closed */
  checkOpen(): void {
    if (this.#closing) throw closedLog()
  }

  /** Ends all of them, and resolves with the errors. */
  async endAll(): Promise<unknown[]> {
    this.#closing = true
    const failures: unknown[] = []
    for (const ends of [this.#working, this.#producing]) {
      const results = await Promise.allSettled(Array.from(ends, async end => end()))
      for (const result of results) if (result.status === 'rejected') failures.push(result.reason)
    }
    return failures
  }
}

export function closedLog(): MillraceError {
  return new MillraceError('CLOSED', 'The log is closed. Open it again to read or write.')
}
