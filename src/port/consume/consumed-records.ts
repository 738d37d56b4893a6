/** The records that a consumer hands out, made from a fetched batch. */
import { MillraceError } from '../../base/index.ts'
import { Malformed } from '../../schema/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import type { ReadableTopic } from './consumer-options.ts'
import { DecodedBatch } from './decoded-batch.ts'
import type { FetchedBatch } from '../log-port.ts'

/** A record as it was read. */
export interface ConsumedRecord<K, V> {
  /** Null if the record has none. */
  readonly key: K | null
  /** Null deletes the key if the topic is read as a table (a tombstone). */
  readonly value: V | null
  /** Its place in the partition. Offsets ascend, with gaps. */
  readonly offset: number
  /** Ms since the epoch. */
  readonly timestamp: number
  /** Counts from 0. */
  readonly partition: number
  /** In their order; a name may come twice. */
  readonly headers: readonly RecordHeader[]
}

/** The records of one batch of one partition, in offset order. */
export interface ConsumedBatch<K, V> {
  /** Counts from 0. */
  readonly partition: number
  /** One at the least. */
  readonly records: readonly ConsumedRecord<K, V>[]
}

/** The records of a fetched batch to hand out. */
export interface ReadableRecords<K, V> {
  readonly partition: number
  /** May be empty. */
  readonly records: readonly ConsumedRecord<K, V>[]
  /** With all of them processed, everything below is. */
  readonly nextOffset: number
  /** That of the batch. */
  readonly leaderEpoch: number
  /** Why the record at `nextOffset` cannot be handed out; later records are not included. */
  readonly refused: MillraceError | undefined
}

/** Decodes batch after batch of a topic. */
export class ConsumedRecords<K, V> {
  readonly #topic: ReadableTopic<K, V>
  readonly #decoded: DecodedBatch<K, V>
  readonly #onSkip: () => void

  /** `onSkip` is called for each record that is left out (`onError: 'skip'`). */
  constructor(topic: ReadableTopic<K, V>, onSkip: () => void) {
    this.#topic = topic
    this.#decoded = new DecodedBatch(topic.key, topic.value)
    this.#onSkip = onSkip
  }

  /**
   * The records of a batch, up to the first that cannot be read.
   * @throws MillraceError CORRUPT_BATCH, UNSUPPORTED_FORMAT, LIMIT_EXCEEDED for a batch that cannot be read
   *   at all
   */
  of(fetched: FetchedBatch): ReadableRecords<K, V> {
    const { partition, nextOffset } = fetched
    const { leaderEpoch } = fetched.batch
    this.#decoded.load(fetched)
    const { count, keys, values, headers, offsets, timestamps } = this.#decoded
    const records: ConsumedRecord<K, V>[] = []
    for (let index = 0; index < count; index += 1) {
      const key = keys[index]!
      const value = values[index]!
      const offset = offsets[index]!
      if (key instanceof Malformed || value instanceof Malformed) {
        if (this.#topic.onError !== 'skip')
          return {
            partition,
            records,
            nextOffset: offset,
            leaderEpoch,
            refused: this.#refusal(partition, offset, key, value),
          }
        this.#onSkip()
        continue
      }
      records.push({ key, value, offset, timestamp: timestamps[index]!, partition, headers: headers[index]! })
    }
    this.#decoded.release()
    return { partition, records, nextOffset, leaderEpoch, refused: undefined }
  }

  #refusal(partition: number, offset: number, key: unknown, value: unknown): MillraceError {
    const [what, { reason }] = key instanceof Malformed ? ['key', key] : ['value', value as Malformed]
    const { name } = this.#topic
    return new MillraceError(
      'MALFORMED_RECORD',
      `The ${what} at offset ${offset} of '${name}' partition ${partition} cannot be read: ${reason}. Fix the schema and start again; or declare the topic with onError: 'skip'; or leave this record out with consumer.seek(${partition}, ${offset + 1}), then loop over the consumer again.`,
    )
  }
}
