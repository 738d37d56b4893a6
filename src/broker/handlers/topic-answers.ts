/** What the answers about topics share. */
import { errorCodes } from './error-codes.ts'
import type { RequestContext } from './handler.ts'

export interface DescribedPartition {
  readonly errorCode: number
  readonly partitionIndex: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/** The partitions of a topic from `first` on, up to `end`: this broker leads them all. */
export function describedPartitions(
  topic: string,
  first: number,
  end: number,
  { broker, nodeId }: RequestContext,
): DescribedPartition[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, n) => ({
    errorCode: errorCodes.NONE,
    partitionIndex: first + n,
    leaderId: nodeId,
    leaderEpoch: broker.leaderEpoch(topic, first + n),
    replicaNodes: [nodeId],
    isrNodes: [nodeId],
    offlineReplicas: [],
  }))
}
