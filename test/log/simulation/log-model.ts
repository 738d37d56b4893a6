/**
 * A model of a partition in the simplest form: a list of batches. Everything else (producers, open
 * transactions, which records were committed) is computed from that list at each call. The list keeps what
 * retention, deletions and compaction remove.
 */
import assert from 'node:assert/strict'

export interface ModelRecord {
  readonly offset: number
  /** Null: no key. */
  readonly key: string | null
  /** Null: a tombstone. */
  readonly value: string | null
  readonly timestamp: number
}

export interface ModelBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  /** A marker has none. */
  readonly records: readonly ModelRecord[]
  /** When it was appended, by a clock that never goes back. */
  readonly appendedMs: number
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
  /** The offset of its last batch or marker. */
  readonly lastOffset: number
  /** First offset of the open transaction. */
  readonly openSince: number | undefined
}

/** Of a transaction that a batch belongs to; a batch outside of transactions is committed. */
export type Fate = 'open' | 'committed' | 'aborted'

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
      producers.set(producerId, { producerId, epoch, batches, lastOffset: baseOffset, openSince })
    }
    return producers
  }

  /** First offsets of open transactions, ascending. */
  open(): number[] {
    return [...this.producers().values()].flatMap(({ openSince }) => openSince ?? []).sort((a, b) => a - b)
  }

  /** The last stable offset once every record is safe. */
  lastStableOffset(): number {
    return this.open()[0] ?? this.endOffset
  }

  /** Every record, in order, with the fate of its batch. */
  records(): (ModelRecord & { readonly fate: Fate; readonly appendedMs: number })[] {
    const fates = this.#fates()
    return this.batches.flatMap(batch => {
      const { appendedMs } = batch
      const fate = fates.get(batch)!
      return batch.records.map(record => ({ ...record, fate, appendedMs }))
    })
  }

  #fates(): Map<ModelBatch, Fate> {
    const fates = new Map<ModelBatch, Fate>()
    const open = new Map<number, ModelBatch[]>()
    for (const batch of this.batches) {
      fates.set(batch, batch.producer?.transactional ? 'open' : 'committed')
      if (!batch.producer?.transactional) continue
      const { producerId } = batch.producer
      if (!batch.marker) {
        open.set(producerId, [...(open.get(producerId) ?? []), batch])
        continue
      }
      for (const each of open.get(producerId) ?? [])
        fates.set(each, batch.marker === 'abort' ? 'aborted' : 'committed')
      open.delete(producerId)
    }
    return fates
  }
}
