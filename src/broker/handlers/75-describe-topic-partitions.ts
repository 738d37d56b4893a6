/**
 * DescribeTopicPartitions (75), version 0: topics by name, with their partitions, in portions (KIP-966). The
 * response ends with the cursor at which the next request continues. No names ask for all topics.
 *
 * Deviation: a topic that is named twice is answered once.
 */
import { isTopicName } from '../../base/index.ts'
import { messages, zeroUuid, type Request, type ResponseInput } from '../../wire/index.ts'
import { topicOperations } from './authorized-operations.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { describedPartitions } from './topic-answers.ts'

type Message = typeof messages.describeTopicPartitions
type Topic = ResponseInput<Message>['topics'][number]

export const describeTopicPartitions: Handler = handler(
  messages.describeTopicPartitions,
  ({ topics, responsePartitionLimit, cursor }, context) => {
    const { broker } = context
    const isAll = topics.length === 0
    const asked = (isAll ? broker.listTopics(true) : topics).map(({ name }) => name)
    const names = [...new Set(asked)].sort().filter(name => !cursor || name >= cursor.topicName)
    if (cursor && (cursor.partitionIndex < 0 || (!isAll && names[0] !== cursor.topicName)))
      return { throttleTimeMs: 0, topics: asked.map(name => refused(name, errorCodes.INVALID_REQUEST)) }
    const answered: Topic[] = []
    const partitionsMax = broker.configNumber('max.request.partition.size.limit')
    let room = Math.max(1, Math.min(responsePartitionLimit, partitionsMax))
    for (const name of names) {
      const first = cursor?.topicName === name ? cursor.partitionIndex : 0
      if (room === 0)
        return { throttleTimeMs: 0, topics: answered, nextCursor: { topicName: name, partitionIndex: first } }
      const topic = described(name, first, room, context)
      answered.push(topic)
      room -= topic.partitions.length
      const next = first + topic.partitions.length
      if (next < (broker.describeTopic(name)?.partitions ?? 0))
        return { throttleTimeMs: 0, topics: answered, nextCursor: { topicName: name, partitionIndex: next } }
    }
    return { throttleTimeMs: 0, topics: answered }
  },
)

function described(name: string, first: number, room: number, context: RequestContext): Topic {
  const topic = context.broker.describeTopic(name)
  if (!topic) {
    const code = isTopicName(name) ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION'
    return { ...refused(name, errorCodes[code]), topicAuthorizedOperations: topicOperations }
  }
  const end = Math.min(topic.partitions, first + room)
  return {
    errorCode: errorCodes.NONE,
    name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: describedPartitions(name, first, end, context).map(partition => ({
      ...partition,
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    })),
    topicAuthorizedOperations: topicOperations,
  }
}

function refused(name: Request<Message>['topics'][number]['name'], errorCode: number): Topic {
  return { errorCode, name, topicId: zeroUuid, partitions: [] }
}
