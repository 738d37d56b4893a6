/**
 * The plan as it is kept with an app's commits: it says what the state was made of. A later run compares its
 * own plan with it before anything is read (previous-run.ts).
 *
 * It names each operator that keeps state, with its kind, its inputs, its keys and values, and the changelogs
 * that hold the state. It also names each topic that the app reads or keeps for itself, with the topic's id.
 */
import { crc32c, fromUtf8 } from '../../base/index.ts'
import { changelogTopic } from '../../state/index.ts'
import { type AnyPolicy, kindOfPolicy, type PolicyKind } from '../operators/emit-policy.ts'
import type { Edge, GraphNode, OperatorNode } from './graph.ts'
import type { Plan } from './plan.ts'
import type { Layout } from '../operators/operator.ts'
import type { Shape } from '../operators/value-shape.ts'

/** An operator that keeps state. */
export interface SavedOperator {
  readonly name: string
  /** Whether the program gave the name, which then identifies the operator at any place. */
  readonly isNamed: boolean
  /** The kind of the operator: `count, tumbling 1h`. */
  readonly kind: string
  /** The form of its keys. */
  readonly keys: string
  /** The path of records to the operator: `orders › filter › count`. */
  readonly place: string
  /** The topics at which this path begins; the first is the topic that its records come from. */
  readonly reads: readonly string[]
  /** The topics that its results go to. */
  readonly writes: readonly string[]
  readonly shape?: Shape
  readonly version?: number
  /** What else its state depends on, by its name in messages. Left out for nothing. */
  readonly layout?: Layout
  /**
   * The operators and topics of whose rows it keeps all, by their names. Left out for an operator that never
   * keeps any.
   */
  readonly keepsRowsOf?: readonly string[]
  /** Of windows: the policies whose results reach a topic through no other state, by the topic. */
  readonly shownIn?: Readonly<Record<string, readonly PolicyKind[]>>
  /** The topics of its state. */
  readonly changelogs: readonly string[]
}

/** A topic between two stages. */
export interface SavedExchange {
  readonly name: string
  /** Whether its name identifies it: the program named it, or the node that sends to it. */
  readonly isNamed: boolean
  readonly place: string
}

/** The version of the format. `plan-topic.ts` reads it. */
export const planFormat: number = 1

export interface SavedPlan {
  readonly format: number
  readonly operators: readonly SavedOperator[]
  /** Operators of earlier programs that this one does not have; their state is still there. */
  readonly unclaimed: readonly SavedOperator[]
  /** The exchanges between the stages, if they are topics. */
  readonly exchanges?: readonly SavedExchange[]
  /** The ids of all topics that the app reads, or keeps for itself. */
  readonly topics: Readonly<Record<string, string>>
  /**
   * State of 0.1.0 was taken over. Its commits did not say how far changelogs went, so a task that has not
   * committed since may have such changelogs.
   */
  readonly adopted?: true
  /** The app has run with at-least-once: a crash may have left changelogs further than the commit says. */
  readonly atLeastOnce?: true
}

/** A plan that no commit holds yet. */
export interface UnsavedPlan {
  readonly plan: SavedPlan
  /** Whether a commit must be made for this plan, even if no record comes. */
  readonly isDue: boolean
}

/** The digest of a plan's content, to tell it from another plan. */
export function digestOf(plan: SavedPlan): string {
  return crc32c(fromUtf8(JSON.stringify(plan))).toString(16)
}

/** The operators of a plan that keep state. `states`: the names of each operator's states. */
export function operatorsOf(
  app: string,
  plan: Plan,
  states: ReadonlyMap<GraphNode, readonly string[]>,
): SavedOperator[] {
  return plan.stages
    .flatMap(({ nodes }) => nodes)
    .filter(node => node.kind === 'operator' && states.has(node))
    .map(node => savedOperator(app, node as OperatorNode, plan, states.get(node) ?? []))
}

/** The exchanges of a plan. */
export function exchangesOf(plan: Plan): SavedExchange[] {
  const exchanges = new Set(plan.stages.flatMap(({ incoming }) => incoming.map(({ exchange }) => exchange)))
  return Array.from(exchanges, ({ name, isNamed, inputs }) => ({
    name,
    isNamed,
    place: inputs.map(placeOf).join(' and '),
  }))
}

function savedOperator(
  app: string,
  node: OperatorNode,
  plan: Plan,
  states: readonly string[],
): SavedOperator {
  const {
    name,
    isNamed,
    label,
    spec: { layout, keepsRowsOf, policies },
    stores: { shape, version },
    inputs,
  } = node
  return {
    name,
    isNamed,
    kind: label(),
    keys: inputs[0]?.from.keyCodec.form ?? '',
    place: inputs.map(placeOf).join(' and '),
    reads: [...new Set(sourcesOf(node))],
    writes: [...sinksOf(plan, ({ from }) => from === node)].sort(),
    ...(shape && { shape: shape() }),
    ...(version !== undefined && { version }),
    ...(layout && { layout: layout() }),
    ...(keepsRowsOf && { keepsRowsOf: rowsBefore(keepsRowsOf, inputs) }),
    ...(policies && { shownIn: shownIn(node, policies, plan) }),
    changelogs: states.map(state => changelogTopic(app, `${name}-${state}`)),
  }
}

/** The path of records to an edge, beginning with the topic. */
function placeOf({ from, outlet }: Edge): string {
  if (from.kind === 'source') return from.topic.name
  const before = from.inputs.map(placeOf)
  const way = before.length === 1 ? before[0] : `(${before.join(' and ')})`
  if (from.kind !== 'operator') return `${way} › ${from.kind}`
  const label = from.isNamed ? `${from.label()} '${from.name}'` : from.label()
  return `${way} › ${label}${from.outlets.length > 1 ? `.${from.outlets[outlet]}` : ''}`
}

function sourcesOf(node: GraphNode): string[] {
  return node.kind === 'source' ? [node.topic.name] : node.inputs.flatMap(({ from }) => sourcesOf(from))
}

function rowsBefore(keepsRowsOf: readonly number[], inputs: readonly Edge[]): string[] {
  return [...new Set(keepsRowsOf.flatMap(index => keepersBefore(inputs[index]!)))].sort()
}

/** The nearest nodes before an edge that keep rows, or have them: operators with state, and topics. */
function keepersBefore({ from }: Edge): string[] {
  const keeps = from.kind === 'source' || (from.kind === 'operator' && from.stateful)
  return keeps ? [from.name] : from.inputs.flatMap(keepersBefore)
}

/** The policies whose results each topic gets. Operators with state in between answer for themselves. */
function shownIn(
  node: OperatorNode,
  policies: readonly AnyPolicy[],
  plan: Plan,
): Record<string, PolicyKind[]> {
  const shown: Record<string, PolicyKind[]> = {}
  policies.forEach((policy, index) => {
    const isResult = ({ from, outlet }: Edge): boolean => from === node && outlet === index + 1
    const passes = (each: GraphNode): boolean => each.kind !== 'operator' || !each.stateful
    for (const topic of sinksOf(plan, isResult, passes)) (shown[topic] ??= []).push(kindOfPolicy(policy))
  })
  return shown
}

/** The topics that the records of some edges reach, by any path of nodes that pass them on. */
function sinksOf(
  plan: Plan,
  begins: (edge: Edge) => boolean,
  passes: (node: GraphNode) => boolean = () => true,
): Set<string> {
  const reached = new Set<GraphNode>()
  const sinks = new Set<string>()
  // Nodes come after their inputs.
  for (const each of plan.stages.flatMap(({ nodes }) => nodes).toSorted((a, b) => a.id - b.id)) {
    if (!each.inputs.some(edge => begins(edge) || reached.has(edge.from))) continue
    if (passes(each)) reached.add(each)
    if (each.kind === 'sink') sinks.add(each.topic.name)
  }
  return sinks
}
