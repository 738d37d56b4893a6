/**
 * Keys and values of `__transaction_state`, in Kafka's own formats (`TransactionLogKey`,
 * `TransactionLogValue`), so that its tools print them and a cluster's can be read. Fields:
 * wire/fields.ts.
 *
 * ```
 * key      version int16 = 0 | transactional id
 * value 0  version int16 = 0 | producer id int64 | epoch int16 | timeout int32 | status int8 |
 *          partitions [ topic | [ partition int32 ] ] | updated int64 | started int64
 * value 1  the same fields, flexible, with the tags
 *            0 previous producer id int64 | 1 next producer id int64 | 2 client's transaction version int16
 *          and millrace's own, which Kafka's readers skip:
 *            100 last epoch int16 | 101 flags int8: 1 a client's, 2 must abort
 *            in each topic 100: [ end offset int64 ], in the order of its partitions
 * ```
 * Version 0 is read only: millrace wrote it up to commit 3a06ab1. A null value is a tombstone.
 */
import { MillraceError } from '../../base/index.ts'
import type { TopicPartition } from '../../port/index.ts'
import { FieldReader, FieldWriter, type TaggedField } from '../../wire/index.ts'

/** The states of a transaction that the log keeps, by Kafka's numbers. */
export const transactionStatus = {
  empty: 0,
  ongoing: 1,
  prepareCommit: 2,
  prepareAbort: 3,
  completeCommit: 4,
  completeAbort: 5,
} as const
export type TransactionStatus = (typeof transactionStatus)[keyof typeof transactionStatus]

/** No producer id, epoch or time. */
export const none = -1

/** A partition of a transaction. */
export interface Participant extends TopicPartition {
  /**
   * In a commit: all of its records there are below, and those of the next transaction are not. Undefined
   * where it is not known: before the end, in aborts, and in version 0.
   */
  readonly endOffset?: number
}

/** What the log keeps of a transactional id. */
export interface TransactionValue {
  readonly producerId: number
  /** The id before this one, whose epochs were used up; -1: there was none. */
  readonly previousProducerId: number
  /** The id that the producer continues with after a prepared end; -1: the same. */
  readonly nextProducerId: number
  /** The epoch after this state: version 2 of transactions raises it with each end (KIP-890). */
  readonly producerEpoch: number
  /** The epoch of the call that led to this state, so that its repetition is known; -1: none. */
  readonly lastEpoch: number
  readonly timeoutMs: number
  readonly status: TransactionStatus
  readonly partitions: readonly Participant[]
  readonly updatedMs: number
  readonly startedMs: number
  /** The version of transactions that the producer used last; 0: not known. */
  readonly version: number
  /** The producer is outside of this process: its transactions survive a clean stop. */
  readonly isClient: boolean
  /** The transaction was aborted in a crash: its producer has to abort before it continues. */
  readonly mustAbort: boolean
}

/** An id before its first producer. */
export function unusedId(producerId: number, timeoutMs: number): TransactionValue {
  return {
    producerId,
    previousProducerId: none,
    nextProducerId: none,
    producerEpoch: none,
    lastEpoch: none,
    timeoutMs,
    status: transactionStatus.empty,
    partitions: [],
    updatedMs: none,
    startedMs: none,
    version: 0,
    isClient: false,
    mustAbort: false,
  }
}

const tags = { previousProducerId: 0, nextProducerId: 1, version: 2, lastEpoch: 100, flags: 101 } as const
const endOffsetsTag = 100
const flags = { client: 1, mustAbort: 2 } as const

export function encodeTransactionKey(transactionalId: string): Uint8Array {
  return new FieldWriter().int16(0).string(transactionalId).finish()
}

/** Undefined for a key of another kind. */
export function decodeTransactionKey(bytes: Uint8Array): string | undefined {
  const from = new FieldReader(bytes)
  return from.int16() === 0 ? from.string() : undefined
}

/** The record that keeps the state of a transactional id. */
export function transactionRecord(
  transactionalId: string,
  value: TransactionValue,
): { readonly key: Uint8Array; readonly value: Uint8Array } {
  return { key: encodeTransactionKey(transactionalId), value: encodeTransactionValue(value) }
}

export function encodeTransactionValue(value: TransactionValue): Uint8Array {
  const to = new FieldWriter()
  to.int16(1).int64(value.producerId).int16(value.producerEpoch).int32(value.timeoutMs).int8(value.status)
  const byTopic = [...Map.groupBy(value.partitions, ({ topic }) => topic)]
  to.compactArray(byTopic, (_, [topic, partitions]) =>
    to
      .compactString(topic)
      .compactArray(partitions, (_to, { partition }) => to.int32(partition))
      .tags(endOffsetsOf(partitions)),
  )
  return to.int64(value.updatedMs).int64(value.startedMs).tags(tagsOf(value)).finish()
}

function endOffsetsOf(partitions: readonly Participant[]): TaggedField[] {
  if (partitions.every(({ endOffset }) => endOffset === undefined)) return []
  const to = new FieldWriter()
  for (const { endOffset } of partitions) to.int64(endOffset ?? none)
  return [{ tag: endOffsetsTag, value: to.finish() }]
}

/** A field with its default is left out, as Kafka does. */
function tagsOf(value: TransactionValue): TaggedField[] {
  const bits = (value.isClient ? flags.client : 0) | (value.mustAbort ? flags.mustAbort : 0)
  const fields: TaggedField[] = []
  const add = (tag: number, isDefault: boolean, write: (to: FieldWriter) => FieldWriter): void => {
    if (!isDefault) fields.push({ tag, value: write(new FieldWriter()).finish() })
  }
  const { previousProducerId, nextProducerId, version, lastEpoch } = value
  add(tags.previousProducerId, previousProducerId === none, to => to.int64(previousProducerId))
  add(tags.nextProducerId, nextProducerId === none, to => to.int64(nextProducerId))
  add(tags.version, version === 0, to => to.int16(version))
  add(tags.lastEpoch, lastEpoch === none, to => to.int16(lastEpoch))
  add(tags.flags, bits === 0, to => to.int8(bits))
  return fields
}

export function decodeTransactionValue(bytes: Uint8Array): TransactionValue {
  const from = new FieldReader(bytes)
  const version = from.int16()
  if (version !== 0 && version !== 1)
    throw new MillraceError(
      'UNSUPPORTED_FORMAT',
      `The transaction log holds a record of version ${version}; this version of millrace reads 0 and 1.`,
    )
  const isFlexible = version === 1
  const head = {
    producerId: from.int64(),
    producerEpoch: from.int16(),
    timeoutMs: from.int32(),
    status: statusOf(from.int8()),
  }
  const partitions = isFlexible ? flexiblePartitions(from) : classicPartitions(from)
  const updatedMs = from.int64()
  const startedMs = from.int64()
  const tagged = isFlexible ? taggedFields(from) : new Map<number, FieldReader>()
  const bits = tagged.get(tags.flags)?.int8() ?? 0
  return {
    ...head,
    partitions,
    updatedMs,
    startedMs,
    previousProducerId: tagged.get(tags.previousProducerId)?.int64() ?? none,
    nextProducerId: tagged.get(tags.nextProducerId)?.int64() ?? none,
    version: tagged.get(tags.version)?.int16() ?? 0,
    lastEpoch: tagged.get(tags.lastEpoch)?.int16() ?? none,
    isClient: (bits & flags.client) !== 0,
    mustAbort: (bits & flags.mustAbort) !== 0,
  }
}

function statusOf(number: number): TransactionStatus {
  const status = Object.values(transactionStatus).find(each => each === number)
  if (status !== undefined) return status
  throw new MillraceError(
    'UNSUPPORTED_FORMAT',
    `The transaction log holds a transaction in state ${number}; this version of millrace reads 0 to 5.`,
  )
}

/** The tagged fields that end a structure, by tag. */
function taggedFields(from: FieldReader): ReadonlyMap<number, FieldReader> {
  const fields = new Map<number, FieldReader>()
  from.tags((tag, value) => fields.set(tag, new FieldReader(value)))
  return fields
}

function classicPartitions(from: FieldReader): Participant[] {
  return from
    .array(() => {
      const topic = from.string()
      return from.array(() => ({ topic, partition: from.int32() }))
    })
    .flat()
}

function flexiblePartitions(from: FieldReader): Participant[] {
  return from
    .compactArray(() => {
      const topic = from.compactString()
      const indexes = from.compactArray(() => from.int32())
      const ends = taggedFields(from).get(endOffsetsTag)
      return indexes.map(partition => {
        const endOffset = ends?.int64() ?? none
        return endOffset === none ? { topic, partition } : { topic, partition, endOffset }
      })
    })
    .flat()
}
