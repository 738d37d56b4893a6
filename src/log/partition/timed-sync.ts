/**
 * Syncs what a partition has written at the latest `flush.ms` after its first unsynced record. One timer
 * serves all records: a sync that comes meanwhile does not move it, so the next one may come early, but never
 * late, and there is at most one in that time.
 */
import type { Clock, Timer } from '../../base/index.ts'
import type { SettingsSource } from './partition-settings.ts'

export interface TimedSyncTarget {
  /** Whose settings count. */
  readonly source: SettingsSource
  /** Something is written that nobody has asked to be synced. */
  isBehind(): boolean
  /** Syncs it. */
  sync(): Promise<void>
}

export class TimedSync {
  readonly #clock: Pick<Clock, 'schedule'>
  readonly #target: TimedSyncTarget
  #timer: Timer | undefined
  /** Of the timer. */
  #delayMs = 0

  constructor(clock: Pick<Clock, 'schedule'>, target: TimedSyncTarget) {
    this.#clock = clock
    this.#target = target
  }

  /** Something was written. */
  written(): void {
    const { flushMs } = this.#target.source.settings
    if (this.#timer || flushMs === Number.MAX_SAFE_INTEGER || !this.#target.isBehind()) return
    this.#delayMs = flushMs
    this.#timer = this.#clock.schedule(flushMs, () => {
      this.#timer = undefined
      // A failure is reported to those that append next.
      if (this.#target.isBehind()) this.#target.sync().catch(() => undefined)
    })
  }

  /** The settings may have changed: what is unsynced waits by a new delay from now on. */
  configured(): void {
    // Changes of others must not defer it, however often they come.
    if (this.#delayMs !== this.#target.source.settings.flushMs) this.stop()
    this.written()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
