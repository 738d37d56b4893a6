/**
 * Background work of a data directory, by the clock: each task runs again and again, some time after its last
 * run has ended. Tasks do not wait for each other.
 */
import type { Clock, Timer } from '../base/index.ts'

export interface HousekeepingTask {
  /** From the end of a run to the next one. */
  readonly intervalMs: number
  /** Does a bounded piece of work at a time, and ends soon once `isStopped`. */
  run(isStopped: () => boolean): Promise<void>
}

export class Housekeeping {
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  readonly #timers = new Map<HousekeepingTask, Timer>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  /** `failed`: what a run has thrown; the task runs again after its interval. */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock
    this.#failed = failed
  }

  start(task: HousekeepingTask): void {
    if (this.#stopped) return
    const timer = this.#clock.schedule(task.intervalMs, () => {
      const run = task
        .run(() => this.#stopped)
        .catch((error: unknown) => this.#failed(error))
        .then(() => {
          this.#running.delete(run)
          this.start(task)
        })
      this.#running.add(run)
    })
    this.#timers.set(task, timer)
  }

  /** Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    await Promise.all(this.#running)
  }
}
