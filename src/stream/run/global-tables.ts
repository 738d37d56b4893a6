/**
 * The global tables of an instance: one reader over all partitions of their topics, beside the inputs of its
 * tasks. They are filled before the first record is processed. In a live run they follow their topics; a
 * bounded run has them as they were when it began.
 */
import type { Reader, TopicPartition } from '../../port/index.ts'
import { GlobalTableRows } from '../task/global-table-rows.ts'
import type { InstanceContext } from './instance-context.ts'

/** How long to wait for the next batch before looking again. */
const lookWaitMs = 1000

export class GlobalTables {
  readonly #context: InstanceContext
  readonly #tables = new Map<string, GlobalTableRows>()
  #reader: Reader | undefined
  #partitions: readonly TopicPartition[] = []
  /** The index of the partition that gave the last batch. */
  #next = 0

  constructor(context: InstanceContext) {
    this.#context = context
    const { metrics, plan, settings } = context
    for (const topic of plan.globals)
      this.#tables.set(
        topic.name,
        new GlobalTableRows(topic, topic.onError ?? settings.onError, reason => {
          metrics.dropped[reason] += 1
        }),
      )
  }

  /** The rows of a topic. */
  of(topic: string): GlobalTableRows | undefined {
    return this.#tables.get(topic)
  }

  /** Reads all rows that there are now. `signal` ends it, with its reason. */
  async fill(signal: AbortSignal): Promise<void> {
    const { clock, port, topics, turn } = this.#context
    if (this.#tables.size === 0) return
    this.#partitions = Array.from(this.#tables.keys()).flatMap(topic =>
      Array.from({ length: topics.partitions(topic) }, (_, partition) => ({ topic, partition })),
    )
    const begins: (TopicPartition & { readonly offset: number })[] = []
    const ends: (TopicPartition & { readonly end: number })[] = []
    for (const { topic, partition } of this.#partitions) {
      begins.push({ topic, partition, offset: await port.offsets(topic, partition, 'earliest') })
      const end = await port.offsets(topic, partition, 'latest', 'read_committed')
      ends.push({ topic, partition, end })
    }
    const reader = (this.#reader = await port.openReader({ isolation: 'read_committed' }))
    reader.assign(begins)
    while (ends.some(({ topic, partition, end }) => reader.position(topic, partition) < end)) {
      signal.throwIfAborted()
      if (!this.take()) await reader.wait(lookWaitMs, signal)
      else if (turn.isOver(clock.monotonic())) {
        await clock.yield()
        turn.begin(clock.monotonic())
      }
    }
  }

  /** Takes one batch, of each partition in turn. Returns whether there was any. */
  take(): boolean {
    for (let n = this.#partitions.length; n > 0; n -= 1) {
      this.#next = (this.#next + 1) % this.#partitions.length
      const { topic, partition } = this.#partitions[this.#next]!
      const batch = this.#reader?.take(topic, partition)
      if (!batch) continue
      this.#tables.get(topic)?.apply(batch)
      return true
    }
    return false
  }

  /** Resolves when there may be a batch to take; undefined without global tables. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void> | undefined {
    return this.#reader?.wait(timeoutMs, signal)
  }

  async close(): Promise<void> {
    await this.#reader?.close()
  }
}
