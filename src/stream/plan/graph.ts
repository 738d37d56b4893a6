/**
 * The graph that the DSL builds: immutable named nodes, each knowing its inputs. The plan cuts it into
 * stages.
 *
 * Everything that can be told before data flows is checked while it is built: two operators with one name, a
 * window that allows less lateness than what feeds it.
 */
import { MillraceError } from '../../base/index.ts'
import type { Topic, WritableTopic } from '../../schema/index.ts'
import type { KeyCodec } from '../operators/key-codec.ts'
import type { OperatorFactory } from '../operators/operator.ts'
import type { Shape } from '../operators/value-shape.ts'

export type AnyTopic = Topic<unknown, unknown, unknown, unknown>

interface NodeBase {
  readonly id: number
  readonly name: string
  /** Whether the program gave the name, or it follows from a topic's: then it says which operator this is. */
  readonly isNamed: boolean
  readonly inputs: readonly Edge[]
  /** How the keys of what comes out become bytes. */
  readonly keyCodec: KeyCodec
  /** The allowed lateness of the windows upstream, in ms: windows downstream must allow at least this. */
  readonly latenessMs: number
  /** Whether records of one key can come from several source partitions. */
  readonly acrossPartitions: boolean
}

export interface SourceNode extends NodeBase {
  readonly kind: 'source'
  readonly topic: AnyTopic
  /** A table's source has no say in the watermark unless its topic declares one. */
  readonly of: 'stream' | 'table'
}

/** What the values of a state are, as far as the program says so. */
export interface StoredValue {
  /** The shape of the value (value-shape.ts); left out where nothing says it. */
  readonly shape?: () => Shape
  /** The version that the program states: in its place the shape may change. */
  readonly version?: number
}

export interface OperatorNode extends NodeBase {
  readonly kind: 'operator'
  /** For descriptions, and to tell its state from another operator's: `count, tumbling 1h`. */
  readonly label: string
  readonly factory: OperatorFactory
  /**
   * The names of the outlets that the factory is given, in order. A window operator gains one with each
   * `emit`.
   */
  readonly outlets: string[]
  readonly stateful: boolean
  /** By outlet, where one asks more of what follows than {@link NodeBase.latenessMs}. */
  readonly latenessByOutlet?: (number | undefined)[]
  /** What its state holds, so that a later program does not misread it. */
  readonly stores?: StoredValue
}

/** Sends records to the task that owns their key. */
export interface ExchangeNode extends NodeBase {
  readonly kind: 'exchange'
  /**
   * Whether records without a key pass, to the partition with their task's number (modulo): what follows has
   * a use for them.
   */
  readonly keepsKeyless: boolean
}

export interface SinkNode extends NodeBase {
  readonly kind: 'sink'
  readonly topic: WritableTopic<unknown, unknown>
}

export type GraphNode = SourceNode | OperatorNode | ExchangeNode | SinkNode

/** Where a node gets its records from: an outlet of another node. */
export interface Edge {
  readonly from: GraphNode
  readonly outlet: number
}

/** The lateness of what comes out there, in ms: windows downstream must allow at least this. */
export function latenessOf({ from, outlet }: Edge): number {
  return (from.kind === 'operator' ? from.latenessByOutlet?.[outlet] : undefined) ?? from.latenessMs
}

type NodeOf<N extends GraphNode> = N extends GraphNode ? Omit<N, 'id' | 'name' | 'isNamed'> : never

export class Graph {
  /** The app's name, for messages. */
  readonly app: string
  readonly nodes: GraphNode[] = []
  readonly #names = new Set<string>()

  constructor(app: string) {
    this.app = app
  }

  /** Adds a node. `name` is the user's, or a stem that gets a number of its own. */
  add<N extends GraphNode>(node: NodeOf<N>, name: string | { readonly stem: string }): N {
    const given = typeof name === 'string' ? name : this.#numbered(name.stem)
    this.checkName(given)
    for (const { from } of node.inputs) this.checkOwn(from, given)
    this.#names.add(given)
    const isNamed = typeof name === 'string'
    const added = { ...node, id: this.nodes.length, name: given, isNamed } as unknown as N
    this.nodes.push(added)
    return added
  }

  /**
   * Checks a name that an operator is about to get; undefined is none.
   * @throws MillraceError DUPLICATE_OPERATOR, INVALID_ARGUMENT
   */
  checkName(name: string | undefined): void {
    if (name === undefined) return
    if (this.#names.has(name))
      throw new MillraceError(
        'DUPLICATE_OPERATOR',
        `Two operators of the app are named '${name}'. Names keep state apart: give one of them another { name }.`,
      )
    if (!/^[a-zA-Z0-9._-]{1,100}$/.test(name))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `'${name}' cannot name an operator: use letters, digits, '.', '_' and '-', 100 at most.`,
      )
  }

  /**
   * Checks that a node is of this graph: `taker` is to get its records.
   * @throws MillraceError INVALID_TOPOLOGY
   */
  checkOwn(node: GraphNode, taker: string): void {
    if (this.nodes[node.id] === node) return
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The app '${this.app}' gives '${node.name}', which belongs to another app, to '${taker}'. ` +
        'Read that topic in this app as well, with app.stream(topic) or app.table(topic). Results of another app come through a topic that it writes.',
    )
  }

  /**
   * A name for what belongs to the node of that name, and stays with it when others come and go:
   * `by-city-exchange`, numbered where there are several.
   */
  nameAfter(name: string, suffix: string): string {
    // Short enough to be one.
    const whole = `${name.slice(0, 80)}-${suffix}`
    return this.#names.has(whole) ? this.#numbered(whole) : whole
  }

  #numbered(stem: string): string {
    for (let n = 1; ; n += 1) if (!this.#names.has(`${stem}-${n}`)) return `${stem}-${n}`
  }
}
