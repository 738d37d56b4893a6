/**
 * What members of protocol type `consumer` say of themselves, and what the leader assigns to them, in Kafka's
 * format (wire/structures/consumer-protocol.ts), so that Java's members in one group with ours understand it.
 */
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  encodeVersioned,
  readStructure,
  structureReader,
  type Decoded,
  type Structure,
} from '../../wire/index.ts'
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

/** The newest one. A newer one is read as this one, as by Java's client: later fields come after these. */
const version = 3

/** The partitions of one topic, as Kafka's structures have them. */
export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/**
 * What a member of ours adds as user data. Undefined: there is none, or a client of another kind has written
 * it, in its own way.
 */
export function readNote<S extends Structure>(
  structure: S,
  noteVersion: number,
  userData: Uint8Array | undefined,
): Decoded<S['fields']> | undefined {
  if (!userData) return undefined
  try {
    return readStructure(structure, noteVersion, structureReader(userData, 'the note of a member'))
  } catch {
    return undefined
  }
}

export function encodeSubscription({ topics, userData, owned, generation }: Subscription): Uint8Array {
  return encodeVersioned(consumerProtocolSubscription, version, {
    topics,
    userData: userData ?? null,
    ownedPartitions: byTopic(owned),
    generationId: generation,
  })
}

/**
 * A subscription. There are clients that write version 1 without its fields: they own nothing.
 * @throws MillraceError CORRUPT_BATCH, UNSUPPORTED_FORMAT
 */
export function decodeSubscription(bytes: Uint8Array): Subscription {
  const from = structureReader(bytes, 'the subscription of a member')
  const found = Math.min(from.int16(), version)
  const { at } = from
  let subscription = readStructure(consumerProtocolSubscription, 0, from)
  if (found > 0 && from.bytesLeft > 0) {
    from.at = at
    subscription = readStructure(consumerProtocolSubscription, found, from)
  }
  return {
    topics: subscription.topics,
    userData: subscription.userData ?? undefined,
    owned: eachPartition(subscription.ownedPartitions),
    generation: subscription.generationId,
  }
}

/**
 * The topics of a subscription, all that a broker needs of it. They come first in every version. The rest is
 * not looked at: Apache Kafka does not, and there are clients that write version 1 without its fields.
 * @throws MillraceError CORRUPT_BATCH
 */
export function decodeSubscribedTopics(bytes: Uint8Array): readonly string[] {
  const from = structureReader(bytes, 'the subscription of a member')
  from.int16()
  return readStructure(consumerProtocolSubscription, 0, from).topics
}

export function encodeAssignment({ partitions, userData }: Assignment): Uint8Array {
  return encodeVersioned(consumerProtocolAssignment, version, {
    assignedPartitions: byTopic(partitions),
    userData: userData ?? null,
  })
}

/**
 * Empty bytes are an empty assignment: a member that its leader left out.
 * @throws MillraceError CORRUPT_BATCH, UNSUPPORTED_FORMAT
 */
export function decodeAssignment(bytes: Uint8Array): Assignment {
  if (bytes.length === 0) return { partitions: [], userData: undefined }
  const from = structureReader(bytes, 'the assignment of a member')
  const found = Math.min(from.int16(), version)
  const { assignedPartitions, userData } = readStructure(consumerProtocolAssignment, found, from)
  return { partitions: eachPartition(assignedPartitions), userData: userData ?? undefined }
}

export function byTopic(partitions: readonly TopicPartition[]): readonly TopicPartitions[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }))
}

export function eachPartition(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}
