/**
 * The graph that the DSL builds: immutable named nodes, each knowing its inputs. The plan cuts it into
 * stages.
 *
 * Nodes are added by {@link Graph.source}, {@link Graph.apply}, {@link Graph.exchange} and {@link
 * Graph.sink}. Only these methods derive what follows from a node's inputs: the form of keys, lateness, and
 * whether keys span partitions or have changed. They also check what can be checked before data flows: that
 * names are unique, that inputs belong to this app, and that no operator allows less lateness than its input.
 */
import { MillraceError } from '../../base/index.ts'
import type { Topic, WritableTopic } from '../../schema/index.ts'
import { jsonKeyCodec, type KeyCodec, topicKeyCodec } from '../operators/key-codec.ts'
import type { Maybe, OperatorSpec } from '../operators/operator.ts'
import type { StreamRecord } from '../operators/record.ts'
import { Cut } from './cut.ts'
import { checkKeyForm } from './key-forms.ts'
import { latenessShrinks } from './lateness.ts'
import type { Shape } from '../operators/value-shape.ts'

export type AnyTopic = Topic<unknown, unknown, unknown, unknown>

/** A specification of an operator on any records. */
export type AnySpec = OperatorSpec<readonly StreamRecord[], readonly StreamRecord[]>

interface NodeBase {
  readonly id: number
  readonly name: string
  /**
   * Whether the name comes from the program or from a topic, of an exchange perhaps through the node that
   * sends to it. Such a name identifies the operator.
   */
  readonly isNamed: boolean
  readonly inputs: readonly Edge[]
  /** How the keys of the output become bytes. */
  readonly keyCodec: KeyCodec
  /**
   * Whether the program has made the keys since the last exchange. Then the next keyed operator sends the
   * records to the tasks that own their keys.
   */
  readonly keyChanged: boolean
  /** The allowed lateness of the windows upstream, in ms: windows downstream must allow at least this. */
  readonly latenessMs: number
  /** For how long the operators up to here hold a record back, in ms at the most. */
  readonly heldMs: number
  /** Whether records of one key can come from several source partitions. */
  readonly acrossPartitions: boolean
}

export interface SourceNode extends NodeBase {
  readonly kind: 'source'
  readonly topic: AnyTopic
  /** The source of a table does not move the watermark, unless its topic declares one. */
  readonly of: 'stream' | 'table'
}

/** What the program says of the values of a state. */
export interface StoredValue {
  /** The shape of the value (value-shape.ts); left out if nothing says it. */
  readonly shape?: () => Shape
  /** The version that the program states. While it stays the same, the shape may change. */
  readonly version?: number
}

export interface OperatorNode extends NodeBase {
  readonly kind: 'operator'
  /** For descriptions, and to tell its state from another operator's: `count, tumbling 1h`. */
  readonly label: () => string
  readonly spec: AnySpec
  /** The names of its outlets, in order. A window operator gains one with each `emit`. */
  readonly outlets: string[]
  readonly stateful: boolean
  /**
   * By outlet: its lateness, if it asks more of the operators downstream than {@link NodeBase.latenessMs}.
   */
  readonly latenessByOutlet: (number | undefined)[]
  /** What its state holds, so that a later program does not misread it. */
  readonly stores: StoredValue
}

/** Sends records to the task that owns their key. */
export interface ExchangeNode extends NodeBase {
  readonly kind: 'exchange'
  /** Whether keys have another form behind it: then their bytes before it do not count. */
  readonly changesForm: boolean
  /**
   * Whether records without a key pass, to the partition with their task's number (modulo): the operators
   * downstream use them.
   */
  readonly keepsKeyless: boolean
  /** Whether each record goes to all tasks, and not to the one that owns its key. */
  readonly toAll?: true
  /** The partitions of the stage behind it. Default: those of the stage's topics, or of the stages before. */
  readonly partitions?: number
}

export interface SinkNode extends NodeBase {
  readonly kind: 'sink'
  readonly topic: WritableTopic<unknown, unknown>
}

export type GraphNode = SourceNode | OperatorNode | ExchangeNode | SinkNode

/** The source of a node's records: an outlet of another node. */
export interface Edge<R extends StreamRecord = StreamRecord> {
  readonly from: GraphNode
  readonly outlet: number
  /** The type of its records: for the compiler only. */
  readonly record?: R
}

/** The edges of inputs of these types. */
type Edges<Records extends readonly StreamRecord[]> = { readonly [I in keyof Records]: Edge<Records[I]> }

/** The edge of an operator's outlet. */
export type OutletOf<R extends StreamRecord = StreamRecord> = Edge<R> & { readonly from: OperatorNode }

/** The lateness of the edge's records, in ms: windows downstream must allow at least this. */
export function latenessOf({ from, outlet }: Edge): number {
  return (from.kind === 'operator' ? from.latenessByOutlet[outlet] : undefined) ?? from.latenessMs
}

/** The same edge, for an operator that drops records without a key or without a value. */
export function present<K, V>({
  from,
  outlet,
}: Edge<StreamRecord<K, V>>): Edge<StreamRecord<Maybe<NonNullable<K>>, Maybe<NonNullable<V>>>> {
  return { from, outlet }
}

/** The same edge, for an operator that drops records without a value. */
export function valued<K, V>({
  from,
  outlet,
}: Edge<StreamRecord<K, V>>): Edge<StreamRecord<K, Maybe<NonNullable<V>>>> {
  return { from, outlet }
}

/** The label of an operator, as it is now. */
function labelOf({ name, label = name }: Pick<AnySpec, 'name' | 'label'>): string {
  return typeof label === 'string' ? label : label()
}

/** What a program says of an operator. */
interface Said {
  /** Default: the specification's name and a number. */
  readonly name?: string
  /** The version of the values that it keeps. */
  readonly version?: number
}

/** A node before it has its place in the graph. */
type New<N extends GraphNode> = N extends GraphNode ? Omit<N, 'id' | 'name' | 'isNamed'> : never

export class Graph {
  /** The app's name, for messages. */
  readonly app: string
  readonly nodes: GraphNode[] = []
  /** The topics of global tables. */
  readonly globals: AnyTopic[] = []
  readonly #names = new Set<string>()

  constructor(app: string) {
    this.app = app
  }

  /** Adds a topic to read. `name`: default the topic's. */
  source<K, V>(
    topic: Topic<K, V, never, never>,
    of: 'stream' | 'table',
    name?: string,
  ): Edge<StreamRecord<K | null, V | null>> {
    // From here on, only the edge knows the types of the topic.
    const any = topic as unknown as AnyTopic
    const node: New<SourceNode> = {
      kind: 'source',
      topic: any,
      of,
      inputs: [],
      keyCodec: topicKeyCodec(any.key),
      keyChanged: false,
      latenessMs: 0,
      heldMs: 0,
      acrossPartitions: false,
    }
    return { from: this.#add(node, name ?? topic.name), outlet: 0 }
  }

  /**
   * Adds an operator over its inputs. Whatever its specification leaves out follows from the inputs. Returns
   * the edge of its first outlet.
   * @throws MillraceError as {@link check}
   */
  apply<In extends readonly StreamRecord[], Out extends readonly StreamRecord[]>(
    spec: OperatorSpec<In, Out>,
    given: Edges<In>,
    said: Said = {},
  ): OutletOf<Out[0]> {
    this.check(spec, given, said)
    const inputs = this.#meeting(given)
    const first = inputs[0]!
    const { name, outlets = ['out'], stateful = false, keys, shape } = spec
    const node: New<OperatorNode> = {
      kind: 'operator',
      label: () => labelOf(spec),
      spec,
      inputs,
      outlets: [...outlets],
      stateful,
      stores: { ...(shape && { shape }), ...(said.version !== undefined && { version: said.version }) },
      keyCodec: keys === 'made' ? jsonKeyCodec : (keys?.(first.from.keyCodec) ?? first.from.keyCodec),
      keyChanged: keys === 'made' || inputs.some(({ from }) => from.keyChanged),
      latenessMs: spec.latenessMs ?? Math.max(...inputs.map(latenessOf)),
      heldMs: (spec.heldMs ?? 0) + Math.max(...inputs.map(({ from }) => from.heldMs)),
      latenessByOutlet: [],
      acrossPartitions: spec.acrossPartitions ?? first.from.acrossPartitions,
    }
    return { from: this.#add<OperatorNode>(node, said.name ?? { stem: name }), outlet: 0 }
  }

  /**
   * Checks the operator that {@link apply} is about to add: for a caller that adds something else before it.
   * @throws MillraceError DUPLICATE_OPERATOR, INVALID_ARGUMENT for a name; INVALID_TOPOLOGY for inputs of
   *   another app; LATENESS_SHRINKS
   */
  check(spec: Omit<AnySpec, 'make'>, inputs: readonly Edge[], said: Said = {}): void {
    const { name, allowedLatenessMs = Number.POSITIVE_INFINITY } = spec
    if (said.name !== undefined) this.#checkName(said.name)
    for (const edge of inputs) {
      this.#checkOwn(edge.from, said.name ?? name)
      const latenessMs = latenessOf(edge)
      if (allowedLatenessMs < latenessMs) throw latenessShrinks(labelOf(spec), edge.from.name, latenessMs)
    }
  }

  /**
   * Whether the records of `edge` are in a stage that sends to that of `other`. Where the two meet, those of
   * `edge` pass an exchange, too: a stage cannot wait for itself.
   */
  leadsTo(edge: Edge, other: Edge): boolean {
    return new Cut(this.nodes).leadsTo(edge, other)
  }

  /** The inputs of one operator, in one stage. */
  #meeting(inputs: readonly Edge[]): readonly Edge[] {
    if (inputs.length === 1) return inputs
    const cut = new Cut(this.nodes)
    const early = inputs.filter(edge => inputs.some(other => cut.leadsTo(edge, other)))
    return inputs.map(edge => (early.includes(edge) ? this.repartition(edge) : edge))
  }

  /**
   * Adds an outlet to an operator. `latenessMs`: given if the outlet asks more of the operators downstream
   * than the others.
   */
  addOutlet<R extends StreamRecord>(node: OperatorNode, name: string, latenessMs?: number): OutletOf<R> {
    const outlet = node.outlets.push(name) - 1
    node.latenessByOutlet[outlet] = latenessMs
    return { from: node, outlet }
  }

  /**
   * The same records in the tasks that own their keys: through an exchange if their keys have changed.
   * `keyCodec`: how keys become bytes from there on, by default as JSON.
   */
  exchange<R extends StreamRecord>(
    edge: Edge<R>,
    keyCodec: KeyCodec = jsonKeyCodec,
    keepsKeyless = false,
  ): Edge<R> {
    return edge.from.keyChanged ? this.#exchange(edge, { keyCodec, keepsKeyless }) : edge
  }

  /**
   * The same records, records without a key included, behind an exchange: in the tasks of another partition
   * count, if it is stated.
   */
  repartition<R extends StreamRecord>(edge: Edge<R>, partitions?: number, name?: string): Edge<R> {
    const { keyCodec } = edge.from
    const stated = partitions === undefined ? {} : { partitions }
    return this.#exchange(edge, { keyCodec, keepsKeyless: true, ...stated }, name)
  }

  /** The same records in all tasks of the stage that takes them. */
  broadcast<R extends StreamRecord>(edge: Edge<R>): Edge<R> {
    return this.#exchange(edge, { keyCodec: edge.from.keyCodec, keepsKeyless: false, toAll: true })
  }

  /**
   * Adds a topic to write.
   * @throws MillraceError INVALID_TOPOLOGY for keys that the topic cannot take
   */
  sink(edge: Edge, taker: WritableTopic<never, never>, { name }: Said = {}): void {
    // The DSL has compared the types. A record that the topic refuses all the same is found when it is
    // written.
    const topic = taker as unknown as WritableTopic<unknown, unknown>
    const { keyCodec, keyChanged, acrossPartitions } = edge.from
    checkKeyForm(edge.from, topic)
    const node: New<SinkNode> = {
      kind: 'sink',
      topic,
      inputs: [edge],
      keyCodec,
      keyChanged,
      latenessMs: latenessOf(edge),
      heldMs: edge.from.heldMs,
      acrossPartitions,
    }
    this.#add(node, name ?? { stem: 'to' })
  }

  #exchange<R extends StreamRecord>(
    edge: Edge<R>,
    of: Pick<ExchangeNode, 'keyCodec' | 'keepsKeyless' | 'partitions' | 'toAll'>,
    name?: string,
  ): Edge<R> {
    const node: New<ExchangeNode> = {
      ...of,
      kind: 'exchange',
      changesForm: of.keyCodec.form !== edge.from.keyCodec.form,
      inputs: [edge],
      keyChanged: false,
      latenessMs: latenessOf(edge),
      heldMs: edge.from.heldMs,
      acrossPartitions: true,
    }
    const isNamed = name !== undefined || edge.from.isNamed
    return { from: this.#add(node, name ?? this.#nameAfter(edge.from.name, 'exchange'), isNamed), outlet: 0 }
  }

  /** Adds a node. `name` is the program's name for it, or a stem that gets its own number. */
  #add<N extends GraphNode>(
    node: New<N>,
    name: string | { readonly stem: string },
    isNamed: boolean = typeof name === 'string',
  ): N {
    const given = typeof name === 'string' ? name : this.#numbered(name.stem)
    this.#checkName(given)
    this.#names.add(given)
    const added = { ...node, id: this.nodes.length, name: given, isNamed } as unknown as N
    this.nodes.push(added)
    return added
  }

  #checkName(name: string): void {
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

  /** Checks that a node belongs to this graph, before `taker` gets its records. */
  #checkOwn(node: GraphNode, taker: string): void {
    if (this.nodes[node.id] === node) return
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The app '${this.app}' gives '${node.name}', which belongs to another app, to '${taker}'. ` +
        'Read that topic in this app as well, with app.stream(topic) or app.table(topic). Results of another app come through a topic that it writes.',
    )
  }

  /**
   * A name for something that belongs to the node `name`, such as `by-city-exchange`; numbered if there are
   * several. The name stays the same when other nodes come and go.
   */
  #nameAfter(name: string, suffix: string): string {
    // Short enough for a name.
    const whole = `${name.slice(0, 80)}-${suffix}`
    return this.#names.has(whole) ? this.#numbered(whole) : whole
  }

  #numbered(stem: string): string {
    for (let n = 1; ; n += 1) if (!this.#names.has(`${stem}-${n}`)) return `${stem}-${n}`
  }
}
