/**
 * Appends that wait for room. A partition takes appends as long as few bytes are on their way to the disk;
 * past that bound an append waits, in the order of the calls. It waits before it takes a sequence number and
 * before its batch is built, so that an append that fails meanwhile has left nothing behind.
 *
 * ```
 *   held: 3 2 1 ──▶ queued ──▶ written ──▶ synced        the bound counts what is queued and not safe yet
 * ```
 * What waits here is in the memory of its writers, and is bounded by them (`port/produce/batcher.ts`).
 * Markers and the broker's own small logs never wait.
 */

/** The partition behind the appends. */
export interface HeldAppendsTarget {
  /** Few enough bytes are on their way to the disk. */
  hasRoom(): boolean
  /** An append waits: has what is on its way become safe, which `release` then reports. */
  makeRoom(): void
}

interface HeldAppend {
  run(): void
  fail(error: unknown): void
}

export class HeldAppends {
  readonly #target: HeldAppendsTarget
  /** In the order of the calls. */
  readonly #held = new Set<HeldAppend>()

  constructor(target: HeldAppendsTarget) {
    this.#target = target
  }

  /**
   * Calls `append` at once; or, if there is no room or others wait, in its turn. Then the promise has its
   * result, or what it throws.
   */
  inTurn<T>(append: () => T): T | Promise<T> {
    if (this.#held.size === 0 && this.#target.hasRoom()) return append()
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const run = (): void => {
      try {
        resolve(append())
      } catch (error) {
        reject(error)
      }
    }
    this.#held.add({ run, fail: reject })
    this.#target.makeRoom()
    return promise
  }

  /** There may be room. */
  release(): void {
    if (this.#held.size === 0) return
    for (const held of this.#held) {
      if (!this.#target.hasRoom()) return this.#target.makeRoom()
      this.#held.delete(held)
      held.run()
    }
  }

  /** What was queued before has failed, or the partition is over. */
  fail(error: unknown): void {
    for (const held of this.#held) {
      this.#held.delete(held)
      held.fail(error)
    }
  }
}
