/**
 * Member ids that were given out and have not joined yet (KIP-394). A rebalance waits for them, but no longer
 * than the session that they asked for.
 */
import type { ActiveClock, Timer } from '../../base/index.ts'

export class PromisedIds {
  readonly #active: ActiveClock
  readonly #expired: () => void
  readonly #timers = new Map<string, Timer>()

  /** `expired`: an id is not used, and forgotten. */
  constructor(active: ActiveClock, expired: () => void) {
    this.#active = active
    this.#expired = expired
  }

  get size(): number {
    return this.#timers.size
  }

  has(memberId: string): boolean {
    return this.#timers.has(memberId)
  }

  add(memberId: string, sessionMs: number): void {
    const expire = (): void => {
      this.#timers.delete(memberId)
      this.#expired()
    }
    this.#timers.set(memberId, this.#active.schedule(sessionMs, expire))
  }

  /** The id has joined, or will not. */
  delete(memberId: string): void {
    this.#timers.get(memberId)?.cancel()
    this.#timers.delete(memberId)
  }

  clear(): void {
    for (const memberId of this.#timers.keys()) this.delete(memberId)
  }
}
