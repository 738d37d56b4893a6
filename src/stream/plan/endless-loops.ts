/**
 * Programs that feed themselves for ever: each record of a topic that the app reads leads to another one
 * there. A topic may well be written by the app that reads it, as that of retries, if something on the way
 * decides: a filter, a split, a flatMap, a window, a join. Where every record passes, no input ends it.
 */
import { MillraceError } from '../../base/index.ts'
import type { GraphNode } from './graph.ts'

/** Operators that forward a record for each that has a key and a value, whatever their functions return. */
const passing: ReadonlySet<string> = new Set([
  'map',
  'map-values',
  'select-key',
  're-key',
  'to-stream',
  'with-headers',
  'with-timestamp',
  'peek',
  'merge',
  'table',
  'to-table',
  'count',
])

/** @throws MillraceError INVALID_TOPOLOGY */
export function checkEnds(nodes: readonly GraphNode[], app: string): void {
  const takers = Map.groupBy(
    nodes.flatMap(node => node.inputs.map(({ from }) => ({ from, node }))),
    ({ from }) => from,
  )
  const next = (node: GraphNode): GraphNode[] =>
    node.kind === 'sink'
      ? nodes.filter(each => each.kind === 'source' && each.topic.name === node.topic.name)
      : (takers.get(node) ?? []).map(each => each.node).filter(passesAll)

  for (const source of nodes) {
    if (source.kind !== 'source') continue
    const reached = new Set(next(source))
    // A set that grows while it is read.
    for (const node of reached) for (const each of next(node)) reached.add(each)
    if (reached.has(source))
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The app '${app}' feeds itself for ever: each record of '${source.topic.name}' leads to another one there, and so to the next. ` +
          'Write to another topic, or filter what comes back.',
      )
  }
}

function passesAll(node: GraphNode): boolean {
  if (node.kind === 'exchange') return true
  // Windows have a policy for what they forward.
  return (
    node.kind === 'sink' || (node.kind === 'operator' && passing.has(node.spec.name) && !node.spec.policies)
  )
}
