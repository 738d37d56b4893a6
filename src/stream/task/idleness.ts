/**
 * Time that passes without data. It moves watermarks in a live run, never in a bounded one:
 *
 * - The event time of a topic may be the arrival of its records. Then its watermark follows the wall clock.
 * - A source partition is idle if it is at its end and has had no data for as long as its topic says. An idle
 *   partition no longer holds back the others: its watermark is raised to the least of theirs. A record that
 *   comes later with an earlier timestamp is late by its own partition's watermark. So everything that
 *   depends on that rule stays sound.
 * - If all partitions are idle, time continues by the clock from their last data. So the last window closes
 *   in an outage, too.
 *
 * Idleness counts only time in which the instance ran and had read to the end. It is checked at intervals of
 * {@link clockStepMs}.
 */
import type { Clock } from '../../base/index.ts'
import type { Reader } from '../../port/index.ts'
import type { InputPartition } from './input-partition.ts'
import type { SourceTime } from './source-time.ts'
import type { Task } from './task.ts'

/** How often the clock moves watermarks, in ms: a window closes by the clock this much later at most. */
export const clockStepMs = 250
/**
 * A watermark that only the clock moves advances in steps of this many ms, unless a window waits for less:
 * each step is a commit.
 */
const restStepMs = 60_000

export class PassingTime {
  readonly #now: () => number
  readonly #activeNow: () => number
  /** When all inputs became idle, and the highest watermark among them at that time. */
  #outage: { readonly sinceMs: number; readonly watermark: number } | undefined

  /** `active` counts the time in which this process could act. */
  constructor(clock: Pick<Clock, 'now'>, active: { monotonic(): number }) {
    this.#now = () => clock.now()
    this.#activeNow = () => active.monotonic()
  }

  /**
   * Moves the watermarks of inputs without data. `isAwaited` says whether a task waits for a watermark.
   * Returns whether time passes without data here: then the caller calls again after {@link clockStepMs}.
   */
  pass(inputs: Iterable<InputPartition>, reader: Reader, isAwaited: (watermark: number) => boolean): boolean {
    const activeNow = this.#activeNow()
    const idle: SourceTime[] = []
    let lowest = Number.POSITIVE_INFINITY
    let isPassing = false
    let isOutage = true
    for (const input of inputs) {
      const { time, topic, partition } = input
      if (!time) continue
      if (time.isArrival) {
        isPassing = true
        const watermark = time.watermarkAt(this.#now())
        if (isWorthIt(time.watermark, watermark, isAwaited)) time.advance(watermark)
      } else {
        if (!reader.atEnd(topic, partition)) time.touch(activeNow)
        if (time.idleAfterMs !== undefined) isPassing = true
        if (time.isIdle(activeNow)) {
          idle.push(time)
          continue
        }
      }
      isOutage = false
      lowest = Math.min(lowest, time.watermark)
    }
    if (idle.length === 0 || !isOutage) this.#outage = undefined
    if (idle.length === 0) return isPassing
    if (isOutage) lowest = this.#inOutage(idle, activeNow, isAwaited)
    for (const time of idle) time.raise(lowest)
    return isPassing
  }

  #inOutage(
    idle: readonly SourceTime[],
    activeNow: number,
    isAwaited: (watermark: number) => boolean,
  ): number {
    const furthest = Math.max(...idle.map(({ watermark }) => watermark))
    this.#outage ??= { sinceMs: Math.max(...idle.map(({ activeAt }) => activeAt)), watermark: furthest }
    const watermark = Math.floor(this.#outage.watermark + activeNow - this.#outage.sinceMs)
    return isWorthIt(furthest, watermark, isAwaited) ? watermark : furthest
  }
}

function isWorthIt(from: number, to: number, isAwaited: (watermark: number) => boolean): boolean {
  return to > from && (to - from >= restStepMs || isAwaited(to))
}

/** Whether one of these tasks waits for this watermark to fire something. */
export function awaits(tasks: Iterable<Task>, watermark: number): boolean {
  for (const { time } of tasks) if (time.deadline <= watermark) return true
  return false
}
