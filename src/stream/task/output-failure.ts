/** What an output has failed with, said for the app that writes it. */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import type { GraphNode } from '../plan/graph.ts'

/** What writes a record. */
export type OutputNode = Pick<GraphNode, 'name' | 'kind'>

/** Names a topic that is gone. Other failures say where they were already. */
export function outputFailure(topic: string, partition: number, error: unknown): unknown {
  if (!isMillraceError(error, 'UNKNOWN_TOPIC', 'UNKNOWN_PARTITION')) return error
  return new MillraceError(
    error.code,
    `Topic '${topic}', partition ${partition}, which the app writes to, was deleted while the app ran. Nothing after its last commit counts. ` +
      'Start the app again: it creates the topic where it is missing, and continues.',
    { cause: error },
  )
}
