/**
 * ElectLeaders (43), versions 0-2. The one replica of each partition is its leader already, so every answer
 * is ELECTION_NOT_NEEDED. Who asks for all partitions is told of none, as by Apache Kafka.
 */
import { messages } from '../../wire/index.ts'
import { askedOnce } from './asked-partitions.ts'
import { codeOf, errorCodes, partitionMessageOf } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

/** Preferred, unclean. */
const electionTypes = [0, 1]

export const electLeaders: Handler = handler(messages.electLeaders, (request, context) => {
  const { electionType, topicPartitions } = request
  const isKnown = electionTypes.includes(electionType)
  const unknown = {
    errorCode: errorCodes.INVALID_REQUEST,
    errorMessage: `Unknown election type ${electionType}: use 0 (preferred) or 1 (unclean).`,
  }
  const topics =
    topicPartitions ?? context.broker.listTopics(true).map(({ name }) => ({ topic: name, partitions: [] }))
  const asked = askedOnce(topics.map(({ topic, partitions }) => ({ topic, indexes: partitions })))
  return {
    throttleTimeMs: 0,
    errorCode: isKnown ? errorCodes.NONE : unknown.errorCode,
    replicaElectionResults: Array.from(asked, ([topic, partitions]) => ({
      topic,
      partitionResult: Array.from(partitions, partitionId => ({
        partitionId,
        ...(isKnown ? electionOf(topic, partitionId, context) : unknown),
      })),
    })),
  }
})

function electionOf(topic: string, index: number, { broker }: RequestContext) {
  try {
    broker.checkPartition(topic, index)
    return {
      errorCode: errorCodes.ELECTION_NOT_NEEDED,
      errorMessage: 'The partition has one replica, which leads it.',
    }
  } catch (error) {
    return { errorCode: codeOf(error), errorMessage: partitionMessageOf(error) }
  }
}
