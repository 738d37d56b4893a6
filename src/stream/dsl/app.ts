/**
 * An app: a program over topics. Declaring it builds a graph and touches nothing; `run` does the work.
 */
import { checkOption, inWords, MillraceError } from '../../base/index.ts'
import { checkTopic, type Topic } from '../../schema/index.ts'
import { checkCall } from './arguments.ts'
import { describePlan, type DescriptionFormat } from '../plan/describe.ts'
import { Graph, type AnyTopic, type OperatorNode, type SourceNode } from '../plan/graph.ts'
import { topicKeyCodec } from '../operators/key-codec.ts'
import { materialize } from '../operators/table-source.ts'
import { planOf, type Plan } from '../plan/plan.ts'
import { type Named, Stream } from './stream.ts'
import { Table } from './table.ts'

export class App {
  readonly name: string
  readonly #graph: Graph
  readonly #streams = new Map<string, Stream<unknown, unknown>>()
  readonly #tables = new Map<string, Table<unknown, unknown>>()
  readonly #topics = new Map<string, AnyTopic>()

  /** @internal Use {@link createApp}. */
  constructor(name: string) {
    if (typeof name !== 'string' || !/^[a-zA-Z0-9._-]{1,100}$/.test(name))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `createApp needs a name of letters, digits, '.', '_' and '-', 100 at most, got ${inWords(name)}. ` +
          'It becomes part of topic names.',
      )
    this.name = name
    this.#graph = new Graph(name)
  }

  /**
   * The records of a topic, as a stream. A record of a topic may lack a key, and one without a value (null)
   * says that its key is deleted. `groupByKey` and joins drop those by themselves;
   * `filter(value => value !== null)` does it for what follows. Event time and watermark are as the topic
   * declares them. Asking again gives the same stream.
   * @throws MillraceError INVALID_ARGUMENT, INVALID_TOPOLOGY
   */
  stream<K, V>(topic: Topic<K, V, never, never>, options: Named = {}): Stream<K | null, V | null> {
    checkTopic('stream', topic)
    checkCall('stream', {}, options)
    const known = this.#streams.get(topic.name)
    if (known) return this.#again(known, topic as never)
    const node = this.#source(topic as never, 'stream', options)
    const stream = new Stream<K | null, V | null>(this.#graph, { from: node, outlet: 0 }, false)
    this.#streams.set(topic.name, stream)
    return stream
  }

  /**
   * The latest value per key of a topic, as a table; null deletes. It is kept as state, and holds back no
   * watermark unless the topic declares one.
   */
  table<K, V>(topic: Topic<K, V, never, never>, options: Named = {}): Table<NonNullable<K>, NonNullable<V>> {
    checkTopic('table', topic)
    checkCall('table', {}, options)
    const known = this.#tables.get(topic.name)
    if (known) return this.#again(known, topic as never)
    const source = this.#source(topic as never, 'table', {})
    const node = this.#graph.add<OperatorNode>(
      {
        kind: 'operator',
        label: 'table',
        factory: materialize(source.keyCodec),
        inputs: [{ from: source, outlet: 0 }],
        outlets: ['changes'],
        stateful: true,
        keyCodec: source.keyCodec,
        latenessMs: 0,
        acrossPartitions: false,
      },
      options.name ?? `${topic.name}-table`,
    )
    const table = new Table<NonNullable<K>, NonNullable<V>>(this.#graph, { from: node, outlet: 0 })
    this.#tables.set(topic.name, table)
    return table
  }

  /** The plan: stages, operators and what flows between them, as text, as a Mermaid flowchart, or as JSON. */
  describe(format: DescriptionFormat = 'text'): string {
    checkOption('describe', 'format', format, ['text', 'mermaid', 'json'])
    return describePlan(this.name, this.plan(), format)
  }

  /** @internal */
  plan(): Plan {
    return planOf(this.#graph, this.name)
  }

  /** A topic is read once, as it was declared then: what another declaration of it says would go unheard. */
  #again<T>(known: unknown, topic: AnyTopic): T {
    if (this.#topics.get(topic.name) !== topic)
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The app '${this.name}' reads topic '${topic.name}' by two declarations, of which only one can hold: declare it once, as a constant, and give that to both.`,
      )
    return known as T
  }

  #source(topic: AnyTopic, of: 'stream' | 'table', options: Named): SourceNode {
    if (this.#streams.has(topic.name) || this.#tables.has(topic.name))
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The app '${this.name}' reads topic '${topic.name}' both as a stream and as a table: take the stream and make the table with toTable().`,
      )
    this.#topics.set(topic.name, topic)
    return this.#graph.add<SourceNode>(
      {
        kind: 'source',
        topic,
        of,
        inputs: [],
        keyCodec: topicKeyCodec(topic.key),
        latenessMs: 0,
        acrossPartitions: false,
      },
      options.name ?? topic.name,
    )
  }
}
