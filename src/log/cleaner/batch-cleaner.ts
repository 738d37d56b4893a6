/**
 * What compaction leaves of each batch, in the order of offsets. The rules are those of Apache Kafka's log
 * cleaner (its documentation, "Log Compaction"; KIP-534 for the delete horizon):
 *
 * - of a key the latest record stays, as far as the keys are known (`endOffset`);
 * - a record without a key goes;
 * - a tombstone stays until its delete horizon, which the first cleaning sets in the header of its batch;
 * - records of aborted transactions go;
 * - a marker goes after its transaction's batches and its own delete horizon;
 * - the last batch of a producer that may come back stays, perhaps without records: it has the last sequence
 *   (KAFKA-5490);
 * - the last batch of a cleaned segment stays, perhaps without records, so that segments follow each other
 *   without a gap.
 */
import {
  emptyBatch,
  keepRecords,
  rewriteBatch,
  type RecordBatch,
  type RecordCursor,
} from '../../wire/index.ts'
import type { KeyOffsets } from './key-offsets.ts'
import type { TransactionFates } from './transaction-fates.ts'

/** The largest Date. Deltas of timestamps count from a horizon, and no reader takes one past 2^53. */
const horizonMsMax = 8_640_000_000_000_000

/** The last batch of a producer. */
export interface LastBatch {
  readonly epoch: number
  /** Undefined: in its epoch it has only ended a transaction. */
  readonly lastOffset: number | undefined
}

export interface CleaningRules {
  readonly keys: KeyOffsets
  /** The keys of all records below are known; batches from here on stay as they are. */
  readonly endOffset: number
  readonly fates: TransactionFates
  /** Producers that may come back, by id. */
  readonly producers: ReadonlyMap<number, LastBatch>
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  readonly deleteRetentionMs: number
}

export class BatchCleaner {
  readonly #rules: CleaningRules
  /** Of tombstones and markers that have none yet. */
  readonly #newHorizonMs: number

  constructor(rules: CleaningRules) {
    this.#rules = rules
    this.#newHorizonMs = Math.min(rules.nowMs + rules.deleteRetentionMs, horizonMsMax)
  }

  /**
   * The bytes that take the place of the batch: its own if nothing changes; undefined if it goes. `isLast`:
   * of the cleaned segment.
   */
  clean(batch: RecordBatch, isLast: boolean): Uint8Array | undefined {
    const { fates, endOffset, nowMs } = this.#rules
    const goes = batch.isControl ? fates.isNeedless(batch) : fates.isAborted(batch)
    if (batch.baseOffset >= endOffset) return batch.bytes
    const horizon = batch.deleteHorizonMs
    const isPast = horizon !== undefined && horizon <= nowMs
    if (batch.count === 0 || (goes && (isPast || !batch.isControl))) return this.#rest(batch, isLast)
    if (batch.isControl)
      return goes && horizon === undefined
        ? rewriteBatch(
            batch,
            keepRecords(batch, () => true),
            this.#newHorizonMs,
          )
        : batch.bytes
    const kept = keepRecords(batch, record => this.#isKept(record, isPast))
    if (kept.count === 0) return this.#rest(batch, isLast)
    const newHorizon = kept.hasTombstone && horizon === undefined ? this.#newHorizonMs : undefined
    if (kept.count === batch.count && newHorizon === undefined) return batch.bytes
    return rewriteBatch(batch, kept, newHorizon)
  }

  /** Of a batch without records. */
  #rest(batch: RecordBatch, isLast: boolean): Uint8Array | undefined {
    if (!isLast && !this.#isLastOfProducer(batch)) return undefined
    return batch.count === 0 ? batch.bytes : emptyBatch(batch)
  }

  #isKept(record: RecordCursor, horizonIsPast: boolean): boolean {
    if (record.keyStart < 0) return false
    if (horizonIsPast && record.valueStart < 0) return false
    return record.offset >= this.#rules.keys.get(record.bytes, record.keyStart, record.keyEnd)
  }

  #isLastOfProducer({ producerId, producerEpoch, lastOffset, isControl }: RecordBatch): boolean {
    const last = this.#rules.producers.get(producerId)
    if (!last) return false
    return last.lastOffset === undefined
      ? isControl && producerEpoch === last.epoch
      : lastOffset === last.lastOffset
  }
}
