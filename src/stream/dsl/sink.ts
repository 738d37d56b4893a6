/** to: the node that writes to a topic. */
import { checkTopic, type WritableTopic } from '../../schema/index.ts'
import type { Edge, Graph } from '../plan/graph.ts'
import { checkCall } from './arguments.ts'
import type { Named } from './options.ts'

/** Adds it, for streams and tables. */
export function sinkTo(graph: Graph, edge: Edge, topic: WritableTopic<never, never>, options: Named): void {
  checkTopic('to', topic)
  checkCall('to', {}, options)
  graph.sink(edge, topic, options)
}
