/**
 * An app: a program over topics. Declaring it builds a graph and touches nothing; `run` does the work.
 */
import { checkOption, inWords, MillraceError } from '../../base/index.ts'
import { checkTopic, type Topic } from '../../schema/index.ts'
import { checkCall } from './arguments.ts'
import { describePlan, type DescriptionFormat } from '../plan/describe.ts'
import { type AnyTopic, type Edge, Graph, present } from '../plan/graph.ts'
import { planOf, type Plan } from '../plan/plan.ts'
import type { StreamRecord } from '../operators/record.ts'
import type { History } from '../operators/versioned-table.ts'
import { GlobalTable } from './global-table.ts'
import {
  type HistoryOptions,
  historyOf,
  isSameHistory,
  pastOf,
  rowsOf,
  type TableOptions,
  type TableWithHistory,
} from './history.ts'
import type { Named } from './options.ts'
import { Stream } from './stream.ts'
import { Table } from './table.ts'

export class App {
  readonly name: string
  readonly #graph: Graph
  readonly #streams = new Map<string, unknown>()
  readonly #tables = new Map<string, { readonly history: History | undefined }>()
  readonly #globals = new Map<string, unknown>()
  readonly #topics = new Map<string, unknown>()

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
   * The records of a topic, as a stream. A record of a topic may lack a key, and a record without a value
   * (null) deletes its key. `groupByKey` and joins drop such records themselves;
   * `filter(value => value !== null)` drops deletions for all later operators. Event time and watermark are
   * as the topic declares them. A second call for the topic returns the same stream.
   * @throws MillraceError INVALID_ARGUMENT, INVALID_TOPOLOGY
   */
  stream<K, V>(topic: Topic<K, V, never, never>, options: Named = {}): Stream<K | null, V | null> {
    checkTopic('stream', topic)
    checkCall('stream', {}, options)
    const known = this.#streams.get(topic.name)
    if (known) return this.#again(known, topic)
    const stream = new Stream(this.#graph, this.#source(topic, 'stream', options.name))
    this.#streams.set(topic.name, stream)
    return stream
  }

  /**
   * The latest value per key of a topic, as a table; null deletes. The table is kept as state. It holds back
   * no watermark unless the topic declares one. With `history`, which needs that, it also keeps the rows
   * before: {@link TableOptions}.
   * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION, INVALID_TOPOLOGY
   */
  table<K, V>(
    topic: Topic<K, V, never, never>,
    options: HistoryOptions,
  ): TableWithHistory<NonNullable<K>, NonNullable<V>>
  table<K, V>(topic: Topic<K, V, never, never>, options?: TableOptions): Table<NonNullable<K>, NonNullable<V>>
  table<K, V>(
    topic: Topic<K, V, never, never>,
    options: TableOptions = {},
  ): Table<NonNullable<K>, NonNullable<V>> {
    checkTopic('table', topic)
    checkCall('table', {}, options)
    const history = historyOf(topic, options)
    const known = this.#tables.get(topic.name)
    if (known) {
      if (history && !isSameHistory(history, known.history))
        throw new MillraceError(
          'INVALID_TOPOLOGY',
          `The app '${this.name}' reads topic '${topic.name}' as a table with another history already, or with none: give the history where the table is made first.`,
        )
      return this.#again(known, topic)
    }
    const source = present(this.#source(topic, 'table'))
    const operator = rowsOf<NonNullable<K>, NonNullable<V>>({ name: 'table', label: 'table' }, history)
    const rows = this.#graph.apply({ ...operator, keepsRowsOf: [0] }, [source], {
      name: options.name ?? `${topic.name}-table`,
    })
    const table = new Table(this.#graph, rows, true, pastOf(this.#graph, rows, history))
    this.#tables.set(topic.name, table)
    return table
  }

  /**
   * A topic as a table of which every instance has all rows. A run reads the topic from its beginning before
   * it processes anything, and a live run follows it. Streams are joined to it by any key:
   * `orders.join(cities, order => order.city, …)`. It holds back no time, and a record meets the row as it is
   * then. The app may read the topic as a stream or a table, too. As Kafka Streams' `GlobalKTable`.
   * @throws MillraceError INVALID_ARGUMENT, INVALID_TOPOLOGY
   */
  globalTable<K, V>(topic: Topic<K, V, never, never>): GlobalTable<NonNullable<K>, NonNullable<V>> {
    checkTopic('globalTable', topic)
    const known = this.#globals.get(topic.name)
    if (known) return this.#again(known, topic)
    this.#declare(topic)
    const table = new GlobalTable<NonNullable<K>, NonNullable<V>>(this.#graph, topic.name)
    this.#globals.set(topic.name, table)
    // From here on, only the table knows the types of the topic.
    this.#graph.globals.push(topic as unknown as AnyTopic)
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

  #again<T>(known: unknown, topic: { readonly name: string }): T {
    this.#declare(topic)
    return known as T
  }

  /** A topic is read by its first declaration: a second one would have no effect. */
  #declare(topic: { readonly name: string }): void {
    const known = this.#topics.get(topic.name) ?? topic
    if (known !== topic)
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The app '${this.name}' reads topic '${topic.name}' by two declarations, of which only one can hold: declare it once, as a constant, and give that to both.`,
      )
    this.#topics.set(topic.name, topic)
  }

  #source<K, V>(
    topic: Topic<K, V, never, never>,
    of: 'stream' | 'table',
    name?: string,
  ): Edge<StreamRecord<K | null, V | null>> {
    if (this.#streams.has(topic.name) || this.#tables.has(topic.name))
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The app '${this.name}' reads topic '${topic.name}' both as a stream and as a table: take the stream and make the table with toTable().`,
      )
    this.#declare(topic)
    return this.#graph.source(topic, of, name)
  }
}
