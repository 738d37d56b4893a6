/** The error of a failed write, in words for the app that writes. */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import type { GraphNode } from '../plan/graph.ts'

/** The node that writes a record. */
export type OutputNode = Pick<GraphNode, 'name' | 'kind'>

/** Names a topic that was deleted. Other errors already name their place. */
export function outputFailure(topic: string, partition: number, error: unknown): unknown {
  if (!isMillraceError(error, 'UNKNOWN_TOPIC', 'UNKNOWN_PARTITION')) return error
  return new MillraceError(
    error.code,
    `Topic '${topic}', partition ${partition}, which the app writes to, was deleted while the app ran. Nothing after its last commit counts. ` +
      'Start the app again: it creates the topic where it is missing, and continues.',
    { cause: error },
  )
}
