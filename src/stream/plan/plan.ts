/**
 * The plan: the graph cut into **stages** at its exchanges. Within a stage a record stays in the task that
 * owns its key, so a stage runs as one task per partition. Between stages a record goes to the task that owns
 * its new key.
 */
import { assert, MillraceError } from '../../base/index.ts'
import { Cut } from './cut.ts'
import { checkEnds } from './endless-loops.ts'
import type { AnyTopic, ExchangeNode, Graph, GraphNode, SourceNode } from './graph.ts'

export interface Stage {
  readonly id: number
  /** In the order in which records pass. */
  readonly nodes: readonly GraphNode[]
  readonly sources: readonly SourceNode[]
  /** Exchanges that bring records into this stage, each with the stage that sends them. */
  readonly incoming: readonly { readonly exchange: ExchangeNode; readonly from: Stage }[]
}

export interface Plan {
  /** The topics of global tables, which every instance reads as a whole, beside its stages. */
  readonly globals: readonly AnyTopic[]
  /** Upstream stages come before the stages that they feed. */
  readonly stages: readonly Stage[]
  stageOf(node: GraphNode): Stage
}

/** Whether all records of a stage come from tables without event time: for them time is always over. */
export function isTimeless({ sources, incoming }: Stage): boolean {
  return (
    sources.every(({ of, topic }) => of === 'table' && !topic.watermark) &&
    incoming.every(({ from }) => isTimeless(from))
  )
}

/** @throws MillraceError INVALID_TOPOLOGY for a graph without a source, or one that feeds itself for ever */
export function planOf(graph: Graph, app: string): Plan {
  const { nodes } = graph
  if (!nodes.some(node => node.kind === 'source'))
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The app '${app}' reads nothing: begin with app.stream(topic) or app.table(topic).`,
    )

  checkEnds(nodes, app)

  const cut = new Cut(nodes)
  const stages = new Map<
    number,
    Stage & { nodes: GraphNode[]; sources: SourceNode[]; incoming: { exchange: ExchangeNode; from: Stage }[] }
  >()
  for (const node of nodes) {
    // A group of which nothing was asked: its records would go nowhere.
    if (node.kind === 'exchange' && !cut.feeds(node)) continue
    const id = cut.stageOf(node)
    const stage = stages.get(id) ?? { id: 0, nodes: [], sources: [], incoming: [] }
    stages.set(id, stage)
    stage.nodes.push(node)
    if (node.kind === 'source') stage.sources.push(node)
  }
  const stageOf = (node: GraphNode): Stage => {
    const stage = stages.get(cut.stageOf(node))
    assert(stage, 'every node has a stage')
    return stage
  }
  for (const stage of stages.values())
    for (const node of stage.nodes)
      for (const { from } of node.inputs)
        if (from.kind === 'exchange' && !stage.incoming.some(({ exchange }) => exchange === from))
          stage.incoming.push({ exchange: from, from: stageOf(from) })

  const ordered = upstreamFirst([...stages.values()])
  ordered.forEach((stage, id) => Object.assign(stage, { id }))
  return { globals: graph.globals, stages: ordered, stageOf }
}

function upstreamFirst(stages: readonly Stage[]): Stage[] {
  const ordered: Stage[] = []
  let rest = [...stages]
  while (rest.length > 0) {
    const ready = rest.filter(stage => stage.incoming.every(({ from }) => ordered.includes(from)))
    assert(ready.length > 0, 'no stage waits for itself: Graph.apply sees to it')
    ordered.push(...ready)
    rest = rest.filter(stage => !ready.includes(stage))
  }
  return ordered
}
