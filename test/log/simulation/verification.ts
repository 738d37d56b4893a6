/** Compares what a simulated log answers with its model: records, look-ups by time, producers. */
import assert from 'node:assert/strict'
import { isMillraceError, type Random } from '../../../src/base/index.ts'
import type { Isolation, Partition } from '../../../src/log/index.ts'
import type { SimulatedCompaction } from './compaction.ts'
import { checkFound } from './compaction-model.ts'
import type { LogModel, ModelRecord } from './log-model.ts'
import type { Client, SimulatedProducers } from './producers.ts'
import type { Progress } from './progress.ts'
import { readRecords } from './reads.ts'
import type { SimulatedTime } from './safety.ts'

const isolations: readonly Isolation[] = ['read_uncommitted', 'read_committed']
/** How far back, and ahead, look-ups by time go. */
const behindMsMax = 8000
const aheadMsMax = 2000

export class Verification {
  readonly #random: Random
  readonly #model: LogModel
  readonly #compaction: SimulatedCompaction
  readonly #producers: SimulatedProducers
  readonly #progress: Progress

  constructor(
    random: Random,
    { model, compaction }: { readonly model: LogModel; readonly compaction: SimulatedCompaction },
    producers: SimulatedProducers,
    progress: Progress,
  ) {
    this.#random = random
    this.#model = model
    this.#compaction = compaction
    this.#producers = producers
    this.#progress = progress
  }

  /** A log that was just opened: everything visible in it. */
  async opened(partition: Partition, now: SimulatedTime): Promise<void> {
    assert.equal(partition.highWatermark, partition.logEndOffset)
    this.#checkOpenTransactions(partition)
    await this.read(partition, now)
    await this.find(partition, now)
    const producers = this.#model.producers()
    for (const client of this.#producers.clients)
      if (producers.has(client.producerId)) this.misbehave(partition, client)
  }

  misbehave(partition: Partition, client: Client): void {
    const known = this.#model.producers().get(client.producerId)
    if (!known) return
    const { begunTo } = this.#compaction
    if (this.#producers.misbehave(partition, client, known, begunTo)) this.#progress.duplicates += 1
  }

  /** The records shown are those that stay, up to the readable end, while appends are in flight. */
  async read(partition: Partition, now: SimulatedTime): Promise<void> {
    for (const isolation of isolations) {
      const from = partition.logStartOffset
      const before = partition.readableEnd(isolation)
      const { cleanedTo } = partition.compaction
      const found = await this.#read(partition, isolation, from)
      if (!found) continue
      this.#compaction.observe(partition, now)
      const to = Math.max(before, (found.at(-1)?.offset ?? -1) + 1)
      assert(to <= Math.max(before, partition.readableEnd(isolation)), 'nothing is shown past the end')
      const compacted = this.#compaction.state(cleanedTo, now)
      this.#progress.removed += checkFound(this.#model, found, from, to, isolation, compacted)
      this.#progress.shown += found.length
    }
  }

  /**
   * The first record of a time is the first one that a reader finds, and the first with the largest timestamp
   * too.
   */
  async find(partition: Partition, { wallMs }: SimulatedTime): Promise<void> {
    const timestamp = wallMs + aheadMsMax - this.#random.int(behindMsMax + aheadMsMax)
    const isolation = this.#random.int(2) === 0 ? 'read_committed' : 'read_uncommitted'
    const { logStartOffset: from, highWatermark: end } = partition
    const { cleanedTo, isRunning } = partition.compaction
    const readableEnd = partition.readableEnd(isolation)
    const [found, largest] = await Promise.all([
      partition.offsetForTimestamp(timestamp),
      partition.offsetOfLargestTimestamp(isolation),
    ])
    const all = await this.#read(partition, 'read_uncommitted', from)
    // Retention or a pass of the cleaner came in between.
    const isStill = partition.logStartOffset === from && partition.compaction.cleanedTo === cleanedTo
    if (!all || !isStill || isRunning || partition.compaction.isRunning) return
    const first = all.find(record => record.offset < end && record.timestamp >= timestamp)
    if (!found || found.offset < end) assert.deepEqual(found, placeOf(first), `first at ${timestamp}`)
    if (partition.readableEnd(isolation) > readableEnd) return
    const readable = all.filter(({ offset }) => offset < readableEnd)
    const latest = readable.reduce<ModelRecord | undefined>(
      (best, record) => (best && best.timestamp >= record.timestamp ? best : record),
      undefined,
    )
    assert.deepEqual(largest, placeOf(latest), `largest, ${isolation}`)
  }

  async #read(partition: Partition, isolation: Isolation, from: number): Promise<ModelRecord[] | undefined> {
    try {
      return await readRecords(partition, isolation, from, this.#random)
    } catch (error) {
      // Retention was faster.
      if (isMillraceError(error, 'OFFSET_OUT_OF_RANGE') && partition.logStartOffset > from) return undefined
      throw error
    }
  }

  #checkOpenTransactions(partition: Partition): void {
    const { logStartOffset } = partition
    const open = this.#model.open()
    const actual = partition.openTransactions.map(({ firstOffset }) => firstOffset)
    const isKnown = (offset: number): boolean => offset >= this.#producers.lostBelow
    if (open.every(isKnown)) {
      assert.deepEqual(actual, open)
      assert.equal(partition.lastStableOffset, Math.max(logStartOffset, this.#model.lastStableOffset()))
    } else for (const offset of open.filter(isKnown)) assert(actual.includes(offset), 'it is open')
  }
}

function placeOf(record: ModelRecord | undefined): { offset: number; timestamp: number } | undefined {
  return record && { offset: record.offset, timestamp: record.timestamp }
}
