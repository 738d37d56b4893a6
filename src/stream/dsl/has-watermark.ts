/** Whether a watermark moves with records: whatever waits for one needs that. */
import { MillraceError } from '../../base/index.ts'
import type { GraphNode } from '../plan/graph.ts'

/**
 * Refuses records with which no watermark moves. `what` cannot be without one: `the history of a table`.
 * @throws MillraceError INVALID_TOPOLOGY
 */
export function checkHasWatermark(what: string, from: TableTopic | GraphNode): void {
  if (hasWatermark(from)) return
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `Nothing says when ${what} is over: no watermark moves with the changes of '${from.name}'. ` +
      'Declare its topic with a watermark: { outOfOrderness: 0 } if they come in the order of their times.',
  )
}

/** The topic of a table: it may declare no watermark. */
interface TableTopic {
  readonly name: string
  readonly watermark: unknown
}

function hasWatermark(from: TableTopic | GraphNode): boolean {
  if (!('kind' in from)) return from.watermark !== undefined
  if (from.kind === 'source') return from.of === 'stream' || hasWatermark(from.topic)
  return from.inputs.some(input => hasWatermark(input.from))
}
