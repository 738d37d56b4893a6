/**
 * The partitions that a live run waits for. They are at their end and hold back windows, because their topic
 * does not say when a partition without data is idle. Without a notice, a program whose results are held back
 * looks like a program that has none.
 */
import type { Reader, TopicPartition } from '../../port/index.ts'
import { aheadInWords, furthestAhead, type RecordAhead } from './record-ahead.ts'
import { awaits } from '../task/idleness.ts'
import type { InputPartition } from '../task/input-partition.ts'
import { keyOf } from './instance-context.ts'
import type { Task } from '../task/task.ts'

/**
 * How long partitions hold back windows before a notice, in ms. A partition with data every second needs no
 * notice.
 */
const toldAfterMs = 2000
/** The most ranges of partitions that a message names. */
const rangesMax = 10

export class Waiting {
  #partitions: readonly TopicPartition[] = []
  #since = 0
  /** The partitions that a notice has named: once is enough. */
  readonly #told = new Set<string>()
  #ahead: RecordAhead | undefined
  readonly #aheadMs: number

  /** `aheadMs`: a record is named if its time is past that of other partitions by more than this. */
  constructor(aheadMs: number) {
    this.#aheadMs = aheadMs
  }

  /** The partitions that the run waits for. */
  get partitions(): readonly TopicPartition[] {
    return this.#partitions
  }

  /**
   * Looks at a run that has nothing to read. `now`: monotonic, in ms. Returns whether there is a new notice.
   */
  look(inputs: Iterable<InputPartition>, reader: Reader, tasks: Iterable<Task>, now: number): boolean {
    const all = [...inputs]
    const found = heldBackBy(all, reader, tasks)
    if (namesOf(found) !== namesOf(this.#partitions)) {
      this.#partitions = found
      this.#since = now
    }
    const untold = found.map(keyOf).filter(key => !this.#told.has(key))
    if (untold.length === 0 || now - this.#since < toldAfterMs) return false
    for (const key of untold) this.#told.add(key)
    this.#ahead = furthestAhead(all, this.#aheadMs)
    return true
  }

  /** The text of the notice. */
  message(app: string): string {
    return (
      `The app '${app}' has windows that wait for ${namesOf(this.#partitions)}, which ${this.#partitions.length === 1 ? 'has' : 'have'} no newer data. ` +
      "Windows close when the time of every partition has passed their end. Declare the topic with watermark: { idleAfter: '30s' }, so that a partition " +
      'without data for so long is not waited for, or publish to these partitions.' +
      (this.#ahead ? ` ${aheadInWords(this.#ahead)}` : '')
    )
  }
}

function heldBackBy(
  inputs: readonly InputPartition[],
  reader: Reader,
  tasks: Iterable<Task>,
): TopicPartition[] {
  let furthest = Number.NEGATIVE_INFINITY
  for (const { watermark } of inputs) if (Number.isFinite(watermark)) furthest = Math.max(furthest, watermark)
  if (!awaits(tasks, furthest)) return []
  const found: TopicPartition[] = []
  for (const input of inputs) {
    const { time, topic, partition } = input
    if (!time || time.isArrival || time.idleAfterMs !== undefined) continue
    if (time.watermark < furthest && reader.atEnd(topic, partition)) found.push({ topic, partition })
  }
  return found
}

/** `clicks-1 to 5, orders-0`. */
function namesOf(partitions: readonly TopicPartition[]): string {
  const ranges: string[] = []
  for (const [topic, own] of Map.groupBy(partitions, each => each.topic)) {
    const numbers = own.map(({ partition }) => partition).sort((a, b) => a - b)
    for (let at = 0; at < numbers.length;) {
      let end = at
      while (numbers[end + 1] === (numbers[end] as number) + 1) end += 1
      ranges.push(end === at ? `${topic}-${numbers[at]}` : `${topic}-${numbers[at]} to ${numbers[end]}`)
      at = end + 1
    }
  }
  const more = ranges.length - rangesMax
  return ranges.slice(0, rangesMax).join(', ') + (more > 0 ? ` and ${more} more ranges` : '')
}
