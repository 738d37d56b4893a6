/**
 * A model of a partition in the simplest form: a list of batches. Everything else (producers, open
 * transactions, what readers see) is computed from that list at each call.
 */
import assert from 'node:assert/strict'
import type { Isolation } from '../../src/log/index.ts'

export interface ModelBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  /** Of the records; a marker has none. */
  readonly values: readonly string[]
  readonly timestamp: number
  readonly marker: 'commit' | 'abort' | undefined
  /** Undefined: a plain batch. */
  readonly producer:
    | {
        readonly producerId: number
        readonly producerEpoch: number
        readonly baseSequence: number
        readonly transactional: boolean
      }
    | undefined
}

export interface ModelProducer {
  readonly producerId: number
  readonly epoch: number
  /** Batches of this epoch that the log must recognise as duplicates. */
  readonly batches: readonly ModelBatch[]
  /** First offset of the open transaction. */
  readonly openSince: number | undefined
}

/** How many batches of a producer the log remembers (KIP-98). */
const rememberedBatches = 5

export class LogModel {
  readonly batches: ModelBatch[] = []

  get endOffset(): number {
    return this.batches.at(-1)?.nextOffset ?? 0
  }

  add(batch: ModelBatch): void {
    assert.equal(batch.baseOffset, this.endOffset, 'offsets follow each other')
    this.batches.push(batch)
  }

  /** Drops everything from `offset` on. A batch is dropped as a whole. */
  truncate(offset: number): void {
    while (this.endOffset > offset) this.batches.pop()
    assert.equal(this.endOffset, offset, 'a log ends where a batch ends')
  }

  producers(): Map<number, ModelProducer> {
    const producers = new Map<number, ModelProducer>()
    for (const batch of this.batches) {
      const { producer, marker, baseOffset } = batch
      if (!producer) continue
      const { producerId, producerEpoch: epoch, transactional } = producer
      const before = producers.get(producerId)
      const kept = before?.epoch === epoch ? before.batches : []
      const openSince = marker ? undefined : (before?.openSince ?? (transactional ? baseOffset : undefined))
      const batches = marker ? kept : [...kept, batch].slice(-rememberedBatches)
      producers.set(producerId, { producerId, epoch, batches, openSince })
    }
    return producers
  }

  /** First offsets of open transactions, ascending. */
  open(): number[] {
    return [...this.producers().values()].flatMap(({ openSince }) => openSince ?? []).sort((a, b) => a - b)
  }

  /**
   * What a reader sees of [from, to), in order. For read_committed `to` is at most the last stable offset.
   */
  shown(from: number, to: number, isolation: Isolation): { offset: number; value: string }[] {
    const aborted = isolation === 'read_committed' ? this.#aborted() : new Set()
    return this.batches
      .filter(batch => !aborted.has(batch))
      .flatMap(({ baseOffset, values }) => values.map((value, n) => ({ offset: baseOffset + n, value })))
      .filter(({ offset }) => offset >= from && offset < to)
  }

  /** The last stable offset once every record is safe. */
  lastStableOffset(): number {
    return this.open()[0] ?? this.endOffset
  }

  /** The first record of [from, to) with this timestamp or a later one. */
  find(timestamp: number, from: number, to: number): { offset: number; timestamp: number } | undefined {
    for (const batch of this.batches)
      for (const [n] of batch.values.entries()) {
        const found = { offset: batch.baseOffset + n, timestamp: batch.timestamp + n }
        if (found.offset >= from && found.offset < to && found.timestamp >= timestamp) return found
      }
    return undefined
  }

  findLargest(from: number, to: number): { offset: number; timestamp: number } | undefined {
    let best: { offset: number; timestamp: number } | undefined
    for (const batch of this.batches)
      for (const [n] of batch.values.entries()) {
        const found = { offset: batch.baseOffset + n, timestamp: batch.timestamp + n }
        if (found.offset >= from && found.offset < to && found.timestamp > (best?.timestamp ?? -1))
          best = found
      }
    return best
  }

  #aborted(): Set<ModelBatch> {
    const aborted = new Set<ModelBatch>()
    const open = new Map<number, ModelBatch[]>()
    for (const batch of this.batches) {
      if (!batch.producer?.transactional) continue
      const { producerId } = batch.producer
      if (!batch.marker) {
        open.set(producerId, [...(open.get(producerId) ?? []), batch])
        continue
      }
      if (batch.marker === 'abort') for (const each of open.get(producerId) ?? []) aborted.add(each)
      open.delete(producerId)
    }
    return aborted
  }
}
