/**
 * Records on their way to the log: checked and encoded before anything of them is kept. A record that is
 * refused leaves no trace, and what is accepted can be read and processed by the same declaration.
 */
import { inWords, MillraceError, nearestName, thrownInWords, type Clock } from '../../base/index.ts'
import type { WritableTopic } from '../../schema/index.ts'
import { encodedHeaders, type OutgoingHeader } from './outgoing-headers.ts'
import { recordSizeBound, type RecordField, type RecordHeader } from '../../wire/index.ts'
import { keyInWords } from './record-too-large.ts'
import { isTimestamp } from './timestamps.ts'

/**
 * A record to publish. The key is left out where the topic has none; a null value deletes the key where the
 * topic is read as a table.
 */
export type OutgoingRecord<K, V> = {
  /** Null deletes the key (a tombstone). */
  readonly value: V | null
  /**
   * Ms since the epoch, a whole number up to the year 275760. Default: what the topic's `timestamp` says,
   * otherwise now.
   */
  readonly timestamp?: number
  /** In their order; a name may come twice. */
  readonly headers?: readonly OutgoingHeader[]
} & ([null] extends [K] ? { readonly key?: K } : { readonly key: K })

/** What a producer needs of a topic: it may be one whose schema can only be written. */
export interface ProducedTopic<K, V> extends WritableTopic<K, V> {
  /**
   * What a schema transforms can be read and not written, so the value written is what the function expects.
   */
  readonly timestamp?: ((value: never) => number) | 'arrival' | undefined
}

/** Bytes of one record. The topic's segments may allow less. */
const recordBytesMax = 256 << 20

const fields: readonly string[] = ['key', 'value', 'timestamp', 'headers']

/** A record as it will be on the log. Valid until the next one is encoded. */
export interface EncodedRecord {
  readonly key: RecordField
  readonly value: RecordField
  readonly timestamp: number
  readonly headers: readonly RecordHeader[] | undefined
  /** What its partition is chosen by; null: any. */
  readonly partitionBy: RecordField
  /** Bytes that it takes in a batch, at the most. */
  readonly bytesMax: number
}

export class RecordEncoder<K, V> {
  readonly #topic: ProducedTopic<K, V>
  readonly #clock: Clock
  /** Given out again and again: no object is made for a record. */
  readonly #encoded: { -readonly [Name in keyof EncodedRecord]: EncodedRecord[Name] } = {
    key: null,
    value: null,
    timestamp: 0,
    headers: undefined,
    partitionBy: null,
    bytesMax: 0,
  }

  constructor(topic: ProducedTopic<K, V>, clock: Clock) {
    this.#topic = topic
    this.#clock = clock
  }

  /**
   * @throws MillraceError MALFORMED_RECORD, RECORD_TOO_LARGE, INVALID_ARGUMENT for an argument that is not a
   *   record
   */
  encode(record: OutgoingRecord<K, V>): EncodedRecord {
    this.#checkFields(record)
    return this.encodeParts(record.key, record.value, record.timestamp, record.headers)
  }

  /**
   * The same for the parts of a record, where no program gave them as one.
   *
   * @throws MillraceError MALFORMED_RECORD, RECORD_TOO_LARGE
   */
  encodeParts(
    key: K | null | undefined,
    value: V | null,
    timestamp: number | undefined,
    headers: readonly OutgoingHeader[] | undefined,
  ): EncodedRecord {
    const { key: keyCodec, value: valueCodec } = this.#topic
    const encoded = this.#encoded
    const plainKey = key ?? null
    if (plainKey === null && !keyCodec.nullable)
      throw this.#refused('key', `it is ${String(key)}, and the topic's keys are not optional`)
    if (value === undefined) throw this.#refused('value', 'it is missing; pass null to delete the key')
    encoded.key = keyCodec.encode(plainKey)
    encoded.value = valueCodec.encode(value)
    encoded.timestamp =
      timestamp === undefined ? this.#timestampOf(value) : this.#checkedTimestamp(timestamp, 'it')
    encoded.headers =
      headers === undefined ? undefined : encodedHeaders(headers, reason => this.#refused('headers', reason))
    encoded.partitionBy =
      encoded.key === null ? null : (keyCodec.partitionBytes?.(plainKey as K) ?? encoded.key)
    encoded.bytesMax = this.#bytesMaxOf(encoded)
    return encoded
  }

  #checkFields(record: unknown): void {
    const { name } = this.#topic
    if (typeof record !== 'object' || record === null || Array.isArray(record))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `A record to send to '${name}' is an object { key, value }, got ${inWords(record)}.`,
      )
    for (const field in record)
      if (!fields.includes(field)) {
        const nearest = nearestName(field, fields)
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `A record to send to '${name}' has no '${field}'. ${nearest ? `Did you mean '${nearest}'?` : `It has: ${fields.join(', ')}.`}`,
        )
      }
  }

  /** What the topic says. */
  #timestampOf(value: V | null): number {
    const extract = this.#topic.timestamp
    if (typeof extract !== 'function' || value === null) return this.#clock.now()
    let extracted
    try {
      extracted = extract(value as never)
    } catch (error) {
      throw this.#refused('timestamp', `the topic's timestamp function threw ${thrownInWords(error)}`, error)
    }
    return this.#checkedTimestamp(extracted, "what the topic's timestamp function gives")
  }

  #checkedTimestamp(timestamp: unknown, what: string): number {
    if (isTimestamp(timestamp)) return timestamp as number
    throw this.#refused(
      'timestamp',
      `${what} is ${inWords(timestamp)}, not a whole number of milliseconds from 1970 to the year 275760; round it, or convert text with Date.parse`,
    )
  }

  #bytesMaxOf({ key, value, headers }: EncodedRecord): number {
    const bytes = recordSizeBound(key, value, headers)
    if (bytes > recordBytesMax)
      throw new MillraceError(
        'RECORD_TOO_LARGE',
        `A record ${keyInWords(key)} for topic '${this.#topic.name}' takes up to ${bytes} bytes, more than the ${recordBytesMax} of the largest ` +
          'record that millrace takes. Send less in one record.',
      )
    return bytes
  }

  #refused(what: string, reason: string, cause?: unknown): MillraceError {
    return new MillraceError(
      'MALFORMED_RECORD',
      `The ${what} of a record for topic '${this.#topic.name}' cannot be written: ${reason}.`,
      cause === undefined ? {} : { cause },
    )
  }
}

/** @throws MillraceError INVALID_ARGUMENT for anything else than what `topic()` makes */
export function checkRecords(topic: string, records: unknown): void {
  if (typeof records === 'object' && records !== null && Symbol.iterator in records) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `sendBatch to '${topic}' takes an array, or another iterable, of records; got ${inWords(records)}.`,
  )
}
