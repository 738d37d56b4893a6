/**
 * CreateTopics (19), versions 2-7: creates topics, by counts or by an assignment of each partition to this
 * broker. Counts of -1 are the broker's defaults. From version 5 on the answer has the topic's configs, and
 * from version 7 on its id, which a topic that is only validated has none of.
 *
 * A request for more than 10,000 partitions in all is POLICY_VIOLATION.
 *
 * Deviation: the answer comes when the topic is there, whatever `timeoutMs` says.
 */
import { checkTopicName, inParallel, partitionsMax } from '../../base/index.ts'
import type { TopicConfigs } from '../../port/index.ts'
import { messages, type Request, type ResponseInput } from '../../wire/index.ts'
import { clusterMetadataTopic } from '../internal/topic-names.ts'
import { briefConfig } from './config-answers.ts'
import { codeOf, errorCodes, messageOf, type KafkaError } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { wrongReplicas } from './replicas.ts'

type Message = typeof messages.createTopics
type Asked = Request<Message>['topics'][number]
type Answer = ResponseInput<Message>['topics'][number]
type Refusal = readonly [KafkaError, string]

/** Topics that are made at a time. */
const concurrency = 4
const byDefault = -1
const replicas = 1

export const createTopics: Handler = handler(messages.createTopics, async (request, context) => {
  const byName = Map.groupBy(request.topics, ({ name }) => name)
  if (partitionsIn(request.topics, context) > partitionsMax) {
    const why = `All topics of a request may have ${partitionsMax} partitions together: send several requests.`
    const topics = Array.from(byName.keys(), name => refused(name, 'POLICY_VIOLATION', why))
    return { throttleTimeMs: 0, topics }
  }
  const answers = new Map<string, Answer>()
  await inParallel(byName, concurrency, async ([name, [topic, ...others]]) => {
    const answer =
      others.length === 0
        ? await created(topic!, request.validateOnly, context)
        : refused(name, 'INVALID_REQUEST', 'The topic is named twice.')
    answers.set(name, answer)
  })
  return { throttleTimeMs: 0, topics: Array.from(byName.keys(), name => answers.get(name)!) }
})

async function created(topic: Asked, validateOnly: boolean, context: RequestContext): Promise<Answer> {
  const { broker } = context
  const { name } = topic
  try {
    checkTopicName(name)
    const wrong = wrongIn(topic, context)
    if (wrong) return refused(name, ...wrong)
    const partitions = partitionsOf(topic, context)
    const configs: TopicConfigs = Object.fromEntries(topic.configs.map(each => [each.name, each.value!]))
    await broker.createTopic(name, { partitions, configs }, validateOnly)
    const id = validateOnly ? undefined : broker.describeTopic(name)?.id
    return {
      name,
      ...(id === undefined ? {} : { topicId: id }),
      errorCode: errorCodes.NONE,
      errorMessage: null,
      numPartitions: partitions,
      replicationFactor: replicas,
      configs: broker.admin.describeTopicConfigs(configs).map(briefConfig),
    }
  } catch (error) {
    const errorCode = codeOf(error, { INVALID_ARGUMENT: 'INVALID_TOPIC_EXCEPTION' })
    return { name, errorCode, errorMessage: messageOf(error), configs: [] }
  }
}

/** Counts that are wrong do not count. */
function partitionsIn(topics: readonly Asked[], context: RequestContext): number {
  return topics.reduce((sum, topic) => sum + Math.max(0, partitionsOf(topic, context)), 0)
}

function refused(name: string, error: KafkaError, errorMessage: string): Answer {
  return { name, errorCode: errorCodes[error], errorMessage, configs: [] }
}

/** What the broker itself would not notice, or has another error for. */
function wrongIn(topic: Asked, { broker, nodeId }: RequestContext): Refusal | undefined {
  const { name, numPartitions, replicationFactor, assignments, configs } = topic
  if (name === clusterMetadataTopic)
    return ['INVALID_REQUEST', `'${name}' is Apache Kafka's own: no client can create it.`]
  if (broker.describeTopic(name)) return ['TOPIC_ALREADY_EXISTS', `Topic '${name}' exists already.`]
  const unset = configs.find(({ value }) => value === null)
  if (unset) return ['INVALID_CONFIG', `Config '${unset.name}' has no value.`]
  if (assignments.length === 0) return wrongCounts(numPartitions, replicationFactor)
  if (numPartitions !== byDefault || replicationFactor !== byDefault)
    return ['INVALID_REQUEST', 'Give either an assignment of replicas or counts: -1 beside an assignment.']
  return wrongAssignments(assignments, nodeId)
}

function wrongCounts(partitions: number, replicationFactor: number): Refusal | undefined {
  if (replicationFactor !== byDefault && replicationFactor !== replicas)
    return [
      'INVALID_REPLICATION_FACTOR',
      `The replication factor must be ${replicas}, or -1 for the default, not ${replicationFactor}: there is one broker.`,
    ]
  if (partitions === byDefault || partitions > 0) return undefined
  return [
    'INVALID_PARTITIONS',
    `The number of partitions must be at least 1, or -1 for the default, not ${partitions}.`,
  ]
}

function wrongAssignments(assignments: Asked['assignments'], nodeId: number): Refusal | undefined {
  const { length } = assignments
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex))
  for (const { partitionIndex, brokerIds } of assignments) {
    if (partitionIndex < 0 || partitionIndex >= length || indexes.size < length)
      return [
        'INVALID_REPLICA_ASSIGNMENT',
        `${length} assignments must be those of the partitions 0 to ${length - 1}, once each.`,
      ]
    const wrong = wrongReplicas(brokerIds, nodeId)
    if (wrong !== undefined) return ['INVALID_REPLICA_ASSIGNMENT', `Partition ${partitionIndex}: ${wrong}`]
  }
  return undefined
}

function partitionsOf({ numPartitions, assignments }: Asked, { broker }: RequestContext): number {
  if (assignments.length > 0) return assignments.length
  return numPartitions === byDefault ? broker.defaultPartitions : numPartitions
}
