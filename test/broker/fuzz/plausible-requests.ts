/**
 * Requests of every kind and version for a fuzzer: random values, of which many are such that the request
 * means something to the broker: topics that exist, ids that it gave out, batches that are sound.
 */
import type { Random } from '../../../src/base/index.ts'
import { batchOf } from '../../../src/broker/server/server.test-support.ts'
import { randomMessage } from '../../../src/wire/codec/random-message.test-support.ts'
import { isVersionIn, messages, type Definition } from '../../../src/wire/index.ts'
import type { Field } from '../../../src/wire/definition.ts'

export const topics = ['orders', 'payments', 'compacted', 'times'] as const
const groups = ['billing', 'audit', 'app'] as const
const transactionalIds = ['transfer-1', 'transfer-2'] as const

/** What the broker has told so far. */
export interface Known {
  readonly topicIds: string[]
  readonly memberIds: string[]
  readonly producers: { readonly producerId: number; readonly producerEpoch: number }[]
  readonly fetchSessions: { readonly sessionId: number; epoch: number }[]
}

export const nothingKnown = (): Known => ({
  topicIds: [],
  memberIds: [],
  producers: [],
  fetchSessions: [],
})

type Values = Record<string, unknown>

/** A request; some of its values are as random as its definition allows. */
export function plausibleRequest(
  random: Random,
  definition: Definition,
  version: number,
  known: Known,
): Values {
  const isFlexible = isVersionIn(version, definition.flexible)
  const request = randomMessage(random, definition.request, version, isFlexible)
  return plausible(request, definition.request, { random, known, definition, version })
}

interface Context {
  readonly random: Random
  readonly known: Known
  readonly definition: Definition
  readonly version: number
}

function plausible(values: Values, fields: readonly Field[], context: Context): Values {
  const { random, known, definition, version } = context
  const changed: Values = { ...values }
  const has = (name: string): boolean =>
    fields.some(field => field.name === name && isVersionIn(version, field.versions ?? definition.versions))
  for (const field of fields) {
    // What the version lacks keeps its default.
    const isThere = isVersionIn(version, field.versions ?? definition.versions)
    if (isThere && random.next() < 0.9)
      changed[field.name] = plausibleValue(field, values[field.name], context)
  }
  // What belongs together.
  const producer = oneOf(random, known.producers)
  if (has('producerId') && producer && random.next() < 0.7) {
    changed['producerId'] = producer.producerId
    if (has('producerEpoch')) changed['producerEpoch'] = producer.producerEpoch
  }
  const session = oneOf(random, known.fetchSessions)
  if (definition === messages.fetch && has('sessionId')) {
    const isNew = !session || random.next() < 0.4
    changed['sessionId'] = isNew ? 0 : session.sessionId
    changed['sessionEpoch'] = isNew ? random.int(2) - 1 : session.epoch
  }
  return changed
}

function plausibleValue(field: Field, value: unknown, context: Context): unknown {
  if (value === null) return null
  if ('struct' in field) return plausible(value as Values, field.struct, context)
  if (!('array' in field)) return plausibleScalar(field.name, value, context)
  const { array, name } = field
  return (value as readonly unknown[]).map(item =>
    typeof array === 'string'
      ? plausibleScalar(name, item, context)
      : plausible(item as Values, array, context),
  )
}

function plausibleScalar(name: string, value: unknown, { random, known }: Context): unknown {
  switch (name) {
    case 'name':
    case 'topic':
    case 'topicName':
    case 'resourceName':
      return oneOf(random, topics)
    case 'topics':
      return typeof value === 'string' ? oneOf(random, topics) : value
    case 'topicId':
      return oneOf(random, known.topicIds) ?? value
    case 'groupId':
    case 'group':
    case 'groups':
    case 'groupsNames':
    case 'key':
    case 'coordinatorKeys':
      return typeof value === 'string' ? oneOf(random, groups) : value
    case 'transactionalId':
    case 'transactionalIds':
    case 'v3AndBelowTransactionalId':
      return oneOf(random, transactionalIds)
    case 'memberId':
      return random.next() < 0.3 ? '' : (oneOf(random, known.memberIds) ?? value)
    case 'protocolType':
      return 'consumer'
    case 'index':
    case 'partition':
    case 'partitionIndex':
    case 'partitions':
    case 'partitionIndexes':
      return random.int(3)
    case 'count':
    case 'numPartitions':
      return random.int(5) - 1
    case 'replicationFactor':
      return 1
    case 'generationId':
    case 'generationIdOrMemberEpoch':
      return random.int(4) - 1
    case 'sessionTimeoutMs':
    case 'rebalanceTimeoutMs':
    case 'transactionTimeoutMs':
      return 6000 + random.int(1000)
    case 'acks':
      return random.int(3) - 1
    case 'maxBytes':
    case 'partitionMaxBytes':
      return 1 << random.int(21)
    case 'isolationLevel':
      return random.int(2)
    case 'fetchOffset':
    case 'offset':
    case 'committedOffset':
      return random.int(20) - 1
    case 'leaderEpoch':
    case 'currentLeaderEpoch':
    case 'lastFetchedEpoch':
    case 'committedLeaderEpoch':
      return random.int(3) - 1
    case 'timestamp':
      return random.int(9) - 6
    case 'resourceType':
      return random.int(2) === 0 ? 2 : 4
    case 'records':
      return records(random, known)
    default:
      return value
  }
}

/** A batch as a producer builds it, at times one that lies. */
function records(random: Random, known: Known): Buffer {
  const values = Array.from(
    { length: 1 + random.int(3) },
    (_, n) => `value ${n} ${'x'.repeat(random.int(50))}`,
  )
  const producer = random.next() < 0.5 ? oneOf(random, known.producers) : undefined
  const compression = oneOf(random, ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)!
  const stamp = producer && { ...producer, baseSequence: random.int(4), transactional: random.int(2) === 0 }
  const batch = Buffer.from(batchOf(values, { ...stamp, compression }))
  if (random.next() < 0.1) batch[random.int(batch.length)] = random.int(256)
  return batch
}

function oneOf<T>(random: Random, items: readonly T[]): T | undefined {
  return items[random.int(Math.max(1, items.length))]
}
