/**
 * Metadata (3), versions 0-13: the broker, and topics with their partitions. This broker leads all of them.
 *
 * - A topic that is asked for by name is created if `auto.create.topics.enable` says so and the client admits
 *   it; before version 4 every client does. It is answered at once: Apache Kafka says
 *   UNKNOWN_TOPIC_OR_PARTITION first.
 * - A topic is asked for by its id from version 12 on. Versions 10 and 11 have the field, and answer
 *   INVALID_REQUEST for all topics.
 * - A topic that is named twice is answered once. Beside ids names do not count.
 * - The topics of apps and of the log are internal: consumers that subscribe by a pattern leave them out.
 */
import { isMillraceError, isTopicName } from '../../base/index.ts'
import type { TopicDescription } from '../../port/index.ts'
import { messages, zeroUuid, type Request, type ResponseInput } from '../../wire/index.ts'
import { clusterMetadataTopic } from '../internal/topic-names.ts'
import { clusterOperations, notAsked, topicOperations } from './authorized-operations.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'
import { describedPartitions } from './topic-answers.ts'

type Message = typeof messages.metadata
type Topic = ResponseInput<Message>['topics'][number]

/** The first version that asks for topics by their ids. */
const byIdVersion = 12

export const metadata: Handler = handler(messages.metadata, async (request, context) => {
  const { endpoint, nodeId } = context
  const clusterId = await clusterIdOf(context)
  const topics = await answers(request, context)
  const operations = request.includeTopicAuthorizedOperations ? topicOperations : notAsked
  return {
    brokers: [{ nodeId, host: endpoint.host, port: endpoint.port }],
    clusterId,
    controllerId: nodeId,
    topics: topics.map(topic => ({ ...topic, topicAuthorizedOperations: operations })),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : notAsked,
  }
})

/** Null: the disk refuses to keep a new id. Clients that only read need none. */
async function clusterIdOf({ broker }: RequestContext): Promise<string | null> {
  try {
    return (await broker.admin.describeCluster()).clusterId
  } catch (error) {
    if (isMillraceError(error, 'DISK_FULL', 'DISK_FAILED')) return null
    throw error
  }
}

async function answers(request: Request<Message>, context: RequestContext): Promise<readonly Topic[]> {
  const { broker, version } = context
  const { topics, allowAutoTopicCreation } = request
  // In version 0 an empty list asks for all topics, later null does.
  if (topics === null || (version === 0 && topics.length === 0))
    return broker.listTopics(true).map(topic => described(topic, context))
  const isById = topics.some(({ name, topicId }) => name === null || topicId !== zeroUuid)
  if (isById && version < byIdVersion)
    return topics.map(({ name, topicId }) => ({
      errorCode: errorCodes.INVALID_REQUEST,
      name: name ?? '',
      topicId,
      partitions: [],
    }))
  if (isById) {
    const ids = new Set(topics.map(({ topicId }) => topicId))
    // Beside ids names do not count.
    if (ids.size > 1) ids.delete(zeroUuid)
    return Array.from(ids, id => byId(id, context))
  }
  const names = new Set(topics.flatMap(({ name }) => name ?? []))
  return inTurns(names, context, name => byName(name, allowAutoTopicCreation, context))
}

function byId(topicId: string, context: RequestContext): Topic {
  const { broker } = context
  const found = broker.describeTopic(broker.topicName(topicId) ?? '')
  if (found) return described(found, context)
  return { errorCode: errorCodes.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] }
}

async function byName(name: string, isCreationAllowed: boolean, context: RequestContext): Promise<Topic> {
  const { broker } = context
  const missing = { name, topicId: zeroUuid, partitions: [] }
  const topic = broker.describeTopic(name)
  if (topic) return described(topic, context)
  if (!isTopicName(name)) return { ...missing, errorCode: errorCodes.INVALID_TOPIC_EXCEPTION }
  if (!isCreationAllowed || !broker.autoCreatesTopics || name === clusterMetadataTopic)
    return { ...missing, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  try {
    await broker.createTopic(name, { partitions: broker.defaultPartitions })
  } catch (error) {
    // Another client was faster.
    if (!isMillraceError(error, 'TOPIC_EXISTS'))
      return { ...missing, errorCode: codeOf(error, { INVALID_ARGUMENT: 'INVALID_TOPIC_EXCEPTION' }) }
  }
  const created = broker.describeTopic(name)
  return created
    ? described(created, context)
    : { ...missing, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
}

function described({ name, id, partitions, internal }: TopicDescription, context: RequestContext): Topic {
  return {
    errorCode: errorCodes.NONE,
    name,
    topicId: id,
    isInternal: internal,
    partitions: describedPartitions(name, 0, partitions, context),
  }
}
