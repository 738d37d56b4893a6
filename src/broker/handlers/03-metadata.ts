/**
 * Metadata (3), versions 0-13: the broker, and topics with their partitions. This broker leads all of them.
 *
 * - A topic that is asked for by name is created if `auto.create.topics.enable` says so and the client admits
 *   it; before version 4 every client does. It is answered at once: Apache Kafka says LEADER_NOT_AVAILABLE
 *   first.
 * - The topics of apps and of the log are internal: consumers that subscribe by a pattern leave them out.
 * - There are no ACLs: authorized operations are not told (the least int32), as without an authorizer.
 */
import { isMillraceError } from '../../base/index.ts'
import type { TopicDescription } from '../../port/index.ts'
import { messages, type Request, type ResponseInput } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Message = typeof messages.metadata
type Topic = ResponseInput<Message>['topics'][number]
type Asked = NonNullable<Request<Message>['topics']>[number]

export const metadata: Handler = handler(messages.metadata, async (request, context) => {
  const { broker, endpoint, nodeId, version } = context
  const { clusterId } = await broker.admin.describeCluster()
  // In version 0 an empty list asks for all topics, later null does.
  const isAll = request.topics === null || (version === 0 && request.topics.length === 0)
  const topics = isAll
    ? broker.listTopics(true).map(topic => described(topic, context))
    : await Promise.all(request.topics.map(topic => answer(topic, request.allowAutoTopicCreation, context)))
  return {
    brokers: [{ nodeId, host: endpoint.host, port: endpoint.port }],
    clusterId,
    controllerId: nodeId,
    topics,
  }
})

async function answer(
  { name, topicId }: Asked,
  isCreationAllowed: boolean,
  context: RequestContext,
): Promise<Topic> {
  const { broker } = context
  const asked = name ?? broker.topicName(topicId)
  if (asked === undefined)
    return { errorCode: errorCodes.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] }
  const missing = { name: asked, topicId, partitions: [] }
  const topic = broker.describeTopic(asked)
  if (topic) return described(topic, context)
  if (!isCreationAllowed || !broker.autoCreatesTopics)
    return { ...missing, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  try {
    await broker.createTopic(asked, { partitions: broker.defaultPartitions })
  } catch (error) {
    // Another client was faster.
    if (!isMillraceError(error, 'TOPIC_EXISTS'))
      return { ...missing, errorCode: codeOf(error, { INVALID_ARGUMENT: 'INVALID_TOPIC_EXCEPTION' }) }
  }
  const created = broker.describeTopic(asked)
  return created
    ? described(created, context)
    : { ...missing, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
}

function described(
  { name, id, partitions, internal }: TopicDescription,
  { broker, nodeId }: RequestContext,
): Topic {
  return {
    errorCode: errorCodes.NONE,
    name,
    topicId: id,
    isInternal: internal,
    partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
      errorCode: errorCodes.NONE,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch: broker.leaderEpoch(name, partitionIndex),
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
    })),
  }
}
