/**
 * Shows the records of open transactions to readers that wait for them.
 *
 * Transactional batches ask for no sync before their commit, and what is not synced is not shown: to
 * `read_uncommitted` too. So a reader that waits at the high watermark causes a sync, at most every {@link
 * uncommittedDelayMs}. A look-up of the end causes one, and waits for it. Without either nothing is synced.
 */
import type { Clock, Timer } from '../../base/index.ts'

/** For how long a record that is written may be hidden from a reader that waits for it. */
export const uncommittedDelayMs = 100

export interface UncommittedSyncTarget {
  /** Something is appended that is not shown yet. */
  isBehind(): boolean
  /** Syncs what is appended. Resolves also where some of it finds no room, and is refused. */
  sync(): Promise<void>
}

export class UncommittedSync {
  readonly #clock: Pick<Clock, 'schedule'>
  readonly #target: UncommittedSyncTarget
  #isWanted = false
  #timer: Timer | undefined

  constructor(clock: Pick<Clock, 'schedule'>, target: UncommittedSyncTarget) {
    this.#clock = clock
    this.#target = target
  }

  /**
   * A reader waits at the high watermark for records of open transactions, which nobody else has synced: they
   * show within {@link uncommittedDelayMs}. It counts until the high watermark moves.
   */
  want(): void {
    this.#isWanted = true
    this.appended()
  }

  /**
   * Resolves when everything appended so far is shown, or was refused for lack of room. A partition that has
   * failed shows what it had.
   * @throws MillraceError PARTITION_POISONED, CLOSED
   */
  async show(): Promise<void> {
    if (this.#target.isBehind()) await this.#target.sync()
  }

  /** Something was appended, or written. */
  appended(): void {
    if (!this.#isWanted || this.#timer || !this.#target.isBehind()) return
    this.#timer = this.#clock.schedule(uncommittedDelayMs, () => {
      this.#timer = undefined
      // A failure is reported to those that wait for the batches.
      if (this.#target.isBehind()) this.#target.sync().catch(() => undefined)
    })
  }

  /** The high watermark has moved: readers that still wait say so again. */
  advanced(): void {
    this.#isWanted = false
    // What is still hidden was appended later than the timer knows of, or waits for it.
    if (this.#target.isBehind()) return
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
