/**
 * Keys and values of the internal topics, in Kafka's own formats, so that its tools print them and a
 * cluster's can be read. Big-endian; a string is an int16 length and UTF-8 bytes; an array is an int32 count
 * and its items.
 *
 * `__consumer_offsets`   key    version int16 = 1 | group | topic | partition int32
 *                        value  version int16 = 3 | offset int64 | leader epoch int32 | metadata | commit timestamp int64 |
 *                               topic id 16 bytes, which is millrace's own: Kafka's readers, and millrace 0.1.0, end before it
 * `__transaction_state`  key    version int16 = 0 | transactional id
 *                        value  version int16 = 0 | producer id int64 | epoch int16 | timeout int32 | status int8 |
 *                               partitions [ topic | [ partition int32 ] ] | updated int64 | started int64
 *
 * A null value is a tombstone. Keys of other versions (group metadata) are skipped by readers.
 */
import { bufferOf, fromUtf8, MillraceError, utf8 } from '../base/index.ts'
import type { TopicPartition } from '../port/index.ts'

/** The state of a transaction, by Kafka's numbers. Those missing here are states that only memory knows. */
export const transactionStatus = { empty: 0, prepareCommit: 2, prepareAbort: 3 } as const
export type TransactionStatus = (typeof transactionStatus)[keyof typeof transactionStatus]

export interface TransactionValue {
  readonly producerId: number
  /** The epoch after this state: a prepared transaction wrote with the one before it (KIP-890). */
  readonly producerEpoch: number
  readonly timeoutMs: number
  readonly status: number
  readonly partitions: readonly TopicPartition[]
  readonly updatedMs: number
  readonly startedMs: number
}

export function encodeOffsetKey(group: string, { topic, partition }: TopicPartition): Uint8Array {
  return new Encoder().int16(1).string(group).string(topic).int32(partition).finish()
}

/** Undefined for a key of another kind. */
export function decodeOffsetKey(bytes: Uint8Array): ({ group: string } & TopicPartition) | undefined {
  const from = new Decoder(bytes)
  const version = from.int16()
  if (version !== 0 && version !== 1) return undefined
  return { group: from.string(), topic: from.string(), partition: from.int32() }
}

/** An offset as it is kept. */
export interface StoredOffset extends TopicPartition {
  readonly offset: number
  /** May be empty. */
  readonly metadata: string
  /** In base64url, as in the metadata. Undefined for what 0.1.0 wrote. */
  readonly topicId: string | undefined
}

const topicIdBytes = 16

export function encodeOffsetValue({ offset, metadata, topicId }: StoredOffset, nowMs: number): Uint8Array {
  const to = new Encoder().int16(3).int64(offset).int32(-1).string(metadata).int64(nowMs)
  if (topicId !== undefined) to.bytes(Buffer.from(topicId, 'base64url'))
  return to.finish()
}

export function decodeOffsetValue(bytes: Uint8Array): Pick<StoredOffset, 'offset' | 'metadata' | 'topicId'> {
  const from = new Decoder(bytes)
  const version = from.int16()
  const offset = from.int64()
  if (version >= 3) from.int32()
  const metadata = from.string()
  from.int64()
  const topicId = from.bytesLeft === topicIdBytes ? from.bytes(topicIdBytes).toString('base64url') : undefined
  return { offset, metadata, topicId }
}

export function encodeTransactionKey(transactionalId: string): Uint8Array {
  return new Encoder().int16(0).string(transactionalId).finish()
}

/** The record that keeps the state of a transactional id. */
export function transactionRecord(
  transactionalId: string,
  value: TransactionValue,
): { readonly key: Uint8Array; readonly value: Uint8Array } {
  return { key: encodeTransactionKey(transactionalId), value: encodeTransactionValue(value) }
}

export function decodeTransactionKey(bytes: Uint8Array): string | undefined {
  const from = new Decoder(bytes)
  return from.int16() === 0 ? from.string() : undefined
}

export function encodeTransactionValue(value: TransactionValue): Uint8Array {
  const to = new Encoder()
  to.int16(0).int64(value.producerId).int16(value.producerEpoch).int32(value.timeoutMs).int8(value.status)
  const byTopic = Map.groupBy(value.partitions, ({ topic }) => topic)
  to.int32(byTopic.size)
  for (const [topic, partitions] of byTopic) {
    to.string(topic).int32(partitions.length)
    for (const { partition } of partitions) to.int32(partition)
  }
  return to.int64(value.updatedMs).int64(value.startedMs).finish()
}

export function decodeTransactionValue(bytes: Uint8Array): TransactionValue {
  const from = new Decoder(bytes)
  const version = from.int16()
  if (version !== 0)
    throw new MillraceError(
      'UNSUPPORTED_FORMAT',
      `The transaction log holds a record of version ${version}; this version of millrace reads 0.`,
    )
  const head = {
    producerId: from.int64(),
    producerEpoch: from.int16(),
    timeoutMs: from.int32(),
    status: from.int8(),
  }
  const partitions: TopicPartition[] = []
  for (let topics = from.int32(); topics > 0; topics -= 1) {
    const topic = from.string()
    for (let count = from.int32(); count > 0; count -= 1) partitions.push({ topic, partition: from.int32() })
  }
  return { ...head, partitions, updatedMs: from.int64(), startedMs: from.int64() }
}

class Encoder {
  readonly #parts: Buffer[] = []

  int8(value: number): this {
    return this.#push(1, part => part.writeInt8(value))
  }
  int16(value: number): this {
    return this.#push(2, part => part.writeInt16BE(value))
  }
  int32(value: number): this {
    return this.#push(4, part => part.writeInt32BE(value))
  }
  int64(value: number): this {
    return this.#push(8, part => part.writeBigInt64BE(BigInt(value)))
  }
  string(value: string): this {
    const bytes = bufferOf(fromUtf8(value))
    this.int16(bytes.length)
    this.#parts.push(bytes)
    return this
  }
  bytes(value: Buffer): this {
    this.#parts.push(value)
    return this
  }
  finish(): Uint8Array {
    return Buffer.concat(this.#parts)
  }

  #push(size: number, write: (part: Buffer) => void): this {
    const part = Buffer.alloc(size)
    write(part)
    this.#parts.push(part)
    return this
  }
}

class Decoder {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bufferOf(bytes)
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skip(1))
  }
  int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2))
  }
  int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4))
  }
  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#skip(8)))
  }
  string(): string {
    const length = this.int16()
    const start = this.#skip(length)
    return utf8(this.#bytes, start, start + length)
  }
  bytes(size: number): Buffer {
    const start = this.#skip(size)
    return this.#bytes.subarray(start, start + size)
  }
  get bytesLeft(): number {
    return this.#bytes.length - this.#at
  }

  #skip(size: number): number {
    const start = this.#at
    this.#at += size
    if (size < 0 || this.#at > this.#bytes.length)
      throw new MillraceError(
        'CORRUPT_BATCH',
        `A record of an internal topic ends after ${this.#bytes.length} bytes, in the middle of a field.`,
      )
    return start
  }
}
