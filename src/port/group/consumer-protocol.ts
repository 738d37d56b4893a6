/**
 * What members of protocol type `consumer` say of themselves, and what the leader assigns to them, in Kafka's
 * format, so that Java's members in one group with ours understand it. The kinds of fields: wire/fields.ts.
 *
 * ```
 * subscription  version int16 = 3 | topics [ string ] | user data bytes (null: none) |
 *               owned [ topic | partitions [ int32 ] ] | generation int32 (-1: none) | rack (null: none)
 * assignment    version int16 = 3 | partitions [ topic | partitions [ int32 ] ] | user data bytes (null: none)
 * ```
 *
 * Of a subscription, owned partitions came with version 1, the generation with 2, the rack with 3. A newer
 * version is read as 3, as by Java's client: later fields come after these.
 */
import { FieldReader, FieldWriter } from '../../wire/index.ts'
import type { TopicPartition } from '../log-port.ts'

export interface Subscription {
  readonly topics: readonly string[]
  /** What the assignor adds. */
  readonly userData: Uint8Array | undefined
  /** What the member has, and had in {@link generation}. */
  readonly owned: readonly TopicPartition[]
  /** -1: none. */
  readonly generation: number
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  readonly userData: Uint8Array | undefined
}

const version = 3

export function encodeSubscription({ topics, userData, owned, generation }: Subscription): Uint8Array {
  const to = new FieldWriter().int16(version)
  to.array(topics, (each, topic) => each.string(topic)).nullableBytes(userData)
  return writePartitions(to, owned).int32(generation).nullableString(undefined).finish()
}

/** @throws MillraceError CORRUPT_BATCH */
export function decodeSubscription(bytes: Uint8Array): Subscription {
  const from = new FieldReader(bytes)
  const found = from.int16()
  return {
    topics: from.array(each => each.string()),
    userData: from.nullableBytes(),
    owned: found >= 1 ? readPartitions(from) : [],
    generation: found >= 2 ? from.int32() : -1,
  }
}

export function encodeAssignment({ partitions, userData }: Assignment): Uint8Array {
  return writePartitions(new FieldWriter().int16(version), partitions).nullableBytes(userData).finish()
}

/**
 * Empty bytes are an empty assignment: a member that its leader left out.
 * @throws MillraceError CORRUPT_BATCH
 */
export function decodeAssignment(bytes: Uint8Array): Assignment {
  if (bytes.length === 0) return { partitions: [], userData: undefined }
  const from = new FieldReader(bytes)
  from.int16()
  return { partitions: readPartitions(from), userData: from.nullableBytes() }
}

export function writePartitions(to: FieldWriter, partitions: readonly TopicPartition[]): FieldWriter {
  const byTopic = [...Map.groupBy(partitions, ({ topic }) => topic)]
  return to.array(byTopic, (each, [topic, ofTopic]) =>
    each.string(topic).array(ofTopic, (item, { partition }) => item.int32(partition)),
  )
}

export function readPartitions(from: FieldReader): TopicPartition[] {
  return from
    .array(each => ({ topic: each.string(), partitions: each.array(item => item.int32()) }))
    .flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}
