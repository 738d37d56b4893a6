/**
 * The state of a partition's producers: the epoch, the last batches, the open transaction. It gives
 * idempotence (KIP-98: a repeated batch is recognised, a gap is refused), fencing, and the bounds of every
 * transaction.
 *
 * Invariants
 * - An entry is never changed, only replaced: an append that took one from the map can put it back ({@link
 *   ProducerState.rollBack}).
 * - Sequences of one producer and epoch follow each other without a gap, wrapping from 2^31 - 1 to 0. The
 *   last {@link windowBatches} batches are remembered, as many as a client may have in flight.
 * - Transactions begin at the end of the log, so the map of open ones is in the order of their first offsets.
 * - A producer that has been silent for long is forgotten, but never one with an open transaction. Silence is
 *   measured by the clock of this machine, not by the records' timestamps: history published today is not
 *   old.
 *
 * A new epoch starts at sequence 0. An unknown producer may start anywhere: it may have been forgotten.
 */
import { assert, MillraceError } from '../../base/index.ts'
import type { RecordBatch } from '../../wire/index.ts'
import type { AbortedTransaction } from '../segment/abort-index.ts'

/** Kafka's: batches that a client may have in flight. */
export const windowBatches = 5
const sequenceMax = 0x7fff_ffff
const none = -1

/** A batch that was appended. */
export interface AppendedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface ProducerEntry {
  readonly producerId: number
  readonly epoch: number
  /** -1: no marker yet. */
  readonly coordinatorEpoch: number
  /** Of the open transaction; -1: there is none. */
  readonly firstOffset: number
  /** By the machine's clock. */
  readonly lastSeenMs: number
  /** Of this epoch, oldest first, {@link windowBatches} at the most. */
  readonly batches: readonly AppendedBatch[]
}

/** A transaction that is not ended. */
export interface OpenTransaction {
  readonly producerId: number
  readonly producerEpoch: number
  readonly firstOffset: number
}

export interface Marker {
  readonly type: 'commit' | 'abort'
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
}

/** A producer as it was before an append; without an entry, it was unknown. */
export interface ReplacedProducer {
  readonly producerId: number
  readonly entry: ProducerEntry | undefined
}

export class ProducerState {
  readonly #entries: Map<number, ProducerEntry>
  /** First offset of the open transaction by producer id, in the order of first offsets. */
  #open = new Map<number, number>()
  /** Epochs that were raised without anything in the log, by producer id. */
  readonly #fences = new Map<number, number>()
  #largestId = none

  constructor(entries: Iterable<ProducerEntry> = []) {
    this.#entries = new Map([...entries].map(entry => [entry.producerId, entry]))
    for (const producerId of this.#entries.keys()) this.sawId(producerId)
    this.#orderOpen()
  }

  get(producerId: number): ProducerEntry | undefined {
    return this.#entries.get(producerId)
  }

  entries(): Iterable<ProducerEntry> {
    return this.#entries.values()
  }

  /**
   * The largest producer id ever seen here, also of forgotten producers and of undone appends; -1: none. A
   * new producer with an id at or below it could be mistaken for an old one, and its batches for duplicates.
   */
  get largestId(): number {
    return this.#largestId
  }

  sawId(producerId: number): void {
    if (producerId > this.#largestId) this.#largestId = producerId
  }

  /** Open transactions, by first offset. */
  openTransactions(): OpenTransaction[] {
    return Array.from(this.#open, ([producerId, firstOffset]) => ({
      producerId,
      producerEpoch: this.#entries.get(producerId)!.epoch,
      firstOffset,
    }))
  }

  /** The first offset of the oldest open transaction; undefined when none is open. */
  get firstOpenOffset(): number | undefined {
    return this.#open.values().next().value
  }

  /**
   * Checks a batch before it is appended. Returns the earlier one if it is a duplicate.
   * @throws MillraceError PRODUCER_FENCED, OUT_OF_ORDER_SEQUENCE, INVALID_TXN_STATE
   */
  check(batch: RecordBatch, where: string): AppendedBatch | undefined {
    const { producerId, producerEpoch, baseSequence } = batch
    const entry = this.#entries.get(producerId)
    this.#checkEpoch(producerId, producerEpoch, where)
    if (!entry) return undefined
    if (baseSequence !== none) {
      const { lastSequence } = batch
      if (producerEpoch === entry.epoch) {
        const same = entry.batches.find(
          known => known.firstSequence === baseSequence && known.lastSequence === lastSequence,
        )
        if (same) return same
      }
      checkSequence(entry, producerEpoch, baseSequence, where)
    }
    if (entry.firstOffset !== none && !batch.isTransactional)
      throw new MillraceError(
        'INVALID_TXN_STATE',
        `${where}: producer ${producerId} has an open transaction and sent a batch outside of it.`,
      )
    return undefined
  }

  /** Takes note of a batch that has its offsets. */
  append(batch: RecordBatch, nowMs: number): ReplacedProducer {
    const { producerId, producerEpoch, baseSequence, baseOffset } = batch
    this.sawId(producerId)
    const before = this.#entries.get(producerId)
    let batches = before?.epoch === producerEpoch ? before.batches : []
    if (baseSequence !== none)
      batches = [
        ...(batches.length < windowBatches ? batches : batches.slice(1)),
        {
          firstSequence: baseSequence,
          lastSequence: batch.lastSequence,
          firstOffset: baseOffset,
          lastOffset: batch.lastOffset,
        },
      ]
    let firstOffset = before?.firstOffset ?? none
    if (firstOffset === none && batch.isTransactional) {
      firstOffset = baseOffset
      this.#open.set(producerId, baseOffset)
    }
    this.#entries.set(producerId, {
      producerId,
      epoch: producerEpoch,
      coordinatorEpoch: before?.coordinatorEpoch ?? none,
      firstOffset,
      lastSeenMs: nowMs,
      batches,
    })
    return { producerId, entry: before }
  }

  /**
   * @throws MillraceError PRODUCER_FENCED for a marker of an earlier epoch, TRANSACTION_COORDINATOR_FENCED
   *   for one of an earlier coordinator
   */
  checkMarker(marker: Marker, where: string): void {
    this.#checkEpoch(marker.producerId, marker.producerEpoch, where)
    const entry = this.#entries.get(marker.producerId)
    if (entry && marker.coordinatorEpoch < entry.coordinatorEpoch)
      throw new MillraceError(
        'TRANSACTION_COORDINATOR_FENCED',
        `${where}: a marker of coordinator epoch ${marker.coordinatorEpoch} comes after one of ${entry.coordinatorEpoch}.`,
      )
  }

  /** Records a marker at `offset`; returns the transaction that it ends, if one is open. */
  mark(
    marker: Marker,
    offset: number,
    nowMs: number,
  ): { replaced: ReplacedProducer; ended: AbortedTransaction | undefined } {
    const { producerId, producerEpoch, coordinatorEpoch } = marker
    this.sawId(producerId)
    const before = this.#entries.get(producerId)
    const firstOffset = this.#open.get(producerId)
    this.#open.delete(producerId)
    this.#entries.set(producerId, {
      producerId,
      epoch: producerEpoch,
      coordinatorEpoch,
      firstOffset: none,
      lastSeenMs: nowMs,
      batches: before?.epoch === producerEpoch ? before.batches : [],
    })
    const ended =
      firstOffset === undefined
        ? undefined
        : {
            producerId,
            firstOffset,
            lastOffset: offset,
            lastStableOffset: this.firstOpenOffset ?? offset + 1,
          }
    return { replaced: { producerId, entry: before }, ended }
  }

  /**
   * Refuses appends of the producer with a lower epoch. It becomes part of the log with the first append of
   * that epoch.
   */
  fence(producerId: number, epoch: number): void {
    if (epoch > (this.#fences.get(producerId) ?? none)) this.#fences.set(producerId, epoch)
  }

  /** Undoes appends: puts back the replaced entries, in the order given. */
  rollBack(replaced: Iterable<ReplacedProducer>): void {
    for (const { producerId, entry } of replaced)
      if (entry) this.#entries.set(producerId, entry)
      else this.#entries.delete(producerId)
    this.#orderOpen()
  }

  /** The open transaction of the producer began here; undefined: it has ended. */
  openSince(producerId: number, firstOffset: number | undefined): void {
    const entry = this.#entries.get(producerId)
    assert(entry && entry.firstOffset !== none, 'a transaction is open')
    this.#entries.set(producerId, { ...entry, firstOffset: firstOffset ?? none })
    this.#orderOpen()
  }

  /** Forgets producers that were last seen before `beforeMs`, and those with this id or a later one. */
  expire(beforeMs: number, fromId: number = Infinity): void {
    for (const { producerId, firstOffset, lastSeenMs } of this.#entries.values())
      if (firstOffset === none && (lastSeenMs < beforeMs || producerId >= fromId))
        this.#entries.delete(producerId)
  }

  #checkEpoch(producerId: number, epoch: number, where: string): void {
    const known = Math.max(this.#entries.get(producerId)?.epoch ?? none, this.#fences.get(producerId) ?? none)
    if (epoch >= known) return
    throw new MillraceError(
      'PRODUCER_FENCED',
      `${where}: producer ${producerId} with epoch ${epoch} is fenced by epoch ${known}: a newer instance has taken over, or its transaction was ended for it.`,
    )
  }

  #orderOpen(): void {
    const open = [...this.#entries.values()].filter(({ firstOffset }) => firstOffset !== none)
    open.sort((a, b) => a.firstOffset - b.firstOffset)
    this.#open = new Map(open.map(({ producerId, firstOffset }) => [producerId, firstOffset]))
    assert(this.#open.size === open.length, 'a producer has one open transaction at the most')
  }
}

function checkSequence(entry: ProducerEntry, epoch: number, sequence: number, where: string): void {
  const last = epoch === entry.epoch ? (entry.batches.at(-1)?.lastSequence ?? none) : none
  const expected = last === sequenceMax ? 0 : last + 1
  if (sequence === expected) return
  throw new MillraceError(
    'OUT_OF_ORDER_SEQUENCE',
    `${where}: expected sequence ${expected} of producer ${entry.producerId} (epoch ${epoch}), got ${sequence}: ` +
      'an earlier batch is missing. Close this producer and open a new one.',
  )
}
