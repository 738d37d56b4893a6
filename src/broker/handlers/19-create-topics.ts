/**
 * CreateTopics (19), versions 2-7: creates topics, by counts or by an assignment of each partition to this
 * broker. Counts of -1 are the broker's defaults. From version 5 on the answer has the topic's configs, and
 * from version 7 on its id, which a topic that is only validated has none of.
 *
 * Deviations: the answer comes when the topic is there, whatever `timeoutMs` says. A count past the bound of
 * a topic is INVALID_PARTITIONS, for which Apache Kafka says POLICY_VIOLATION.
 */
import { checkTopicName, inParallel } from '../../base/index.ts'
import type { TopicConfigs } from '../../port/index.ts'
import { messages, type Request, type ResponseInput } from '../../wire/index.ts'
import { partitionsMax } from '../topics/topic-checks.ts'
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

function refused(name: string, error: KafkaError, errorMessage: string): Answer {
  return { name, errorCode: errorCodes[error], errorMessage, configs: [] }
}

/** What the broker itself would not notice, or has another error for. */
function wrongIn(topic: Asked, { broker, nodeId }: RequestContext): Refusal | undefined {
  const { name, numPartitions, replicationFactor, assignments, configs } = topic
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
  if (partitions === byDefault || (partitions > 0 && partitions <= partitionsMax)) return undefined
  return [
    'INVALID_PARTITIONS',
    `The number of partitions must be from 1 to ${partitionsMax}, or -1 for the default, not ${partitions}.`,
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
