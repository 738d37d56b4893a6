/**
 * AlterPartitionReassignments (45), versions 0-1. A partition can only be where it is, on this broker: that
 * is done at once. No move is ever in progress, so that there is none to cancel.
 */
import { messages } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { wrongReplicas } from './replicas.ts'

export const alterPartitionReassignments: Handler = handler(
  messages.alterPartitionReassignments,
  ({ allowReplicationFactorChange, topics }, context) => ({
    throttleTimeMs: 0,
    allowReplicationFactorChange,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => ({
        partitionIndex,
        ...reassigned(name, partitionIndex, replicas, context),
      })),
    })),
  }),
)

function reassigned(
  topic: string,
  index: number,
  replicas: readonly number[] | null,
  { broker, nodeId }: RequestContext,
) {
  try {
    broker.checkPartition(topic, index)
  } catch (error) {
    return { errorCode: codeOf(error), errorMessage: null }
  }
  if (replicas === null) return { errorCode: errorCodes.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null }
  const wrong = wrongReplicas(replicas, nodeId)
  return wrong === undefined
    ? { errorCode: errorCodes.NONE, errorMessage: null }
    : { errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT, errorMessage: wrong }
}
