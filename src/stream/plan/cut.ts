/**
 * Where a graph is cut into stages: at its exchanges. Nodes are in one stage if an edge that is not an
 * exchange joins them, or if one exchange feeds both. An exchange is in the stage that sends to it.
 */
import type { Edge, GraphNode } from './graph.ts'

/** The stages of a graph, each known by the number of one of its nodes. */
export class Cut {
  readonly #nodes: readonly GraphNode[]
  readonly #parents: number[]
  /** By exchange: a node that it feeds. */
  readonly #fed = new Map<number, number>()

  constructor(nodes: readonly GraphNode[]) {
    this.#nodes = nodes
    this.#parents = nodes.map(node => node.id)
    for (const node of nodes)
      for (const { from } of node.inputs) {
        if (from.kind !== 'exchange') this.#unite(node.id, from.id)
        else {
          const other = this.#fed.get(from.id)
          if (other !== undefined) this.#unite(node.id, other)
          this.#fed.set(from.id, node.id)
        }
      }
  }

  stageOf({ id }: GraphNode): number {
    return this.#root(id)
  }

  /** Whether an exchange feeds any node. */
  feeds({ id }: GraphNode): boolean {
    return this.#fed.has(id)
  }

  /** Whether the stage that gets the records of `edge` sends any to the stage that gets those of `other`. */
  leadsTo(edge: Edge, other: Edge): boolean {
    const stage = this.#stageBehind(edge)
    const behind = this.#stageBehind(other)
    const upstream = new Set(behind === undefined ? [this.stageOf(other.from)] : this.#sendersTo(behind))
    // A set that grows while it is read: the senders of senders follow.
    for (const sender of upstream) for (const each of this.#sendersTo(sender)) upstream.add(each)
    return stage !== undefined && upstream.has(stage)
  }

  /** The stage that gets the records of an edge; undefined for an exchange that feeds no node yet. */
  #stageBehind({ from }: Edge): number | undefined {
    if (from.kind !== 'exchange') return this.stageOf(from)
    const fed = this.#fed.get(from.id)
    return fed === undefined ? undefined : this.#root(fed)
  }

  #sendersTo(stage: number): number[] {
    return this.#nodes
      .filter(node => this.stageOf(node) === stage)
      .flatMap(({ inputs }) =>
        inputs.flatMap(({ from }) => (from.kind === 'exchange' ? [this.stageOf(from)] : [])),
      )
  }

  #root(id: number): number {
    let at = id
    while (this.#parents[at] !== at) at = this.#parents[at] as number
    return at
  }

  #unite(a: number, b: number): void {
    const [low, high] = [Math.min(this.#root(a), this.#root(b)), Math.max(this.#root(a), this.#root(b))]
    this.#parents[high] = low
  }
}
