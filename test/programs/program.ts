/**
 * A program of streams and tables as data, so that it runs in millrace and in a peer. Keys are text, and
 * values whole numbers. The functions of a program are those of {@link functions}; most take a number `n`, so
 * that programs differ. The peers have the same functions in their language.
 */

/** The inputs. */
export const streamTopics = ['s', 'r'] as const
export const tableTopics = ['t', 'u'] as const
export type StreamTopic = (typeof streamTopics)[number]
export type TableTopic = (typeof tableTopics)[number]

/** The operators, by their inputs. */
export const streamOps = [
  'filter',
  'filterNot',
  'mapValues',
  'flatMapValues',
  'selectKey',
  'map',
  'flatMap',
  'split',
  'repartition',
  'toTable',
] as const
export const tableOps = ['filter', 'filterNot', 'mapValues', 'toStream'] as const
export const streamTableOps = ['join', 'leftJoin'] as const
export const streamPairOps = ['merge', 'cogroup'] as const
export const joinOps = ['join', 'leftJoin', 'outerJoin'] as const
export const foreignKeyOps = ['join', 'leftJoin'] as const
export const folds = ['count', 'reduce', 'aggregate'] as const

export type StreamOp = (typeof streamOps)[number]
type TableOp = (typeof tableOps)[number]
export type Fold = (typeof folds)[number]

/** An operator over one result before it, which is given by its position in the program. */
interface Unary<On extends string, Op extends string> {
  readonly on: On
  readonly op: Op
  readonly of: number
  readonly n: number
}

/** An operator over two. */
interface Binary<On extends string, Op extends string> extends Unary<On, Op> {
  readonly with: number
}

export type Operation =
  | { readonly on: 'topic'; readonly op: 'stream'; readonly topic: StreamTopic }
  | { readonly on: 'topic'; readonly op: 'table'; readonly topic: TableTopic }
  | Unary<'stream', StreamOp>
  | Unary<'table', TableOp>
  | Unary<'grouped stream', Fold>
  | Unary<'grouped table', Fold>
  | Binary<'stream and table', (typeof streamTableOps)[number]>
  | Binary<'streams', (typeof streamPairOps)[number]>
  | Binary<'tables', (typeof joinOps)[number]>
  /** Tables, of which the first refers to the second. */
  | Binary<'referring tables', (typeof foreignKeyOps)[number]>
  | StreamJoinOperation
  | WindowsOperation

/** A join of two streams. */
export interface StreamJoinOperation extends Binary<'joined streams', (typeof joinOps)[number]> {
  /** So long before and after a record of the first stream. */
  readonly before: number
  readonly after: number
  /** As that of windows. */
  readonly lateness: number
}

/** An aggregate in windows; with a second stream it is a cogroup. */
export interface WindowsOperation extends Unary<'windows', Fold | 'cogroup'> {
  readonly with?: number
  readonly kind: 'tumbling' | 'hopping' | 'sliding' | 'session'
  /** Of a session: the gap. */
  readonly size: number
  /** Of hopping windows. */
  readonly advance: number
  /** The allowed lateness. Kafka Streams' grace is that and the program's `outOfOrderness`. */
  readonly lateness: number
  readonly emit: 'changes' | 'final'
  /** Whether a record is late by its own time alone, not window by window (docs/time.md). */
  readonly isLateByItself: boolean
}

export interface Program {
  readonly operations: readonly Operation[]
  /** The positions of the operations whose results are written, each to a topic `out-` with its position. */
  readonly outputs: readonly number[]
  /** Of all topics of streams. */
  readonly outOfOrderness: number
}

/** A record that goes in. */
export interface Input {
  readonly topic: StreamTopic | TableTopic
  readonly key: string | null
  readonly value: number | null
  readonly timestamp: number
}

/** Records that go in together. */
export type Step = readonly Input[]

/** What a step gives: by output, its records in order, as `key=value@timestamp`. */
export type Answer = Readonly<Record<string, readonly string[]>>

/**
 * The key of records that only tell the time; their value is 0. Functions leave these records as they are, so
 * that each operator sees them.
 */
export const beat = '~'

const letters = 'abcd'

export const functions = {
  keep: (value: number | null, key: string | null, n: number): boolean =>
    key === beat || (value === null ? n % 2 === 0 : value % n !== 0),
  drop: (value: number | null, key: string | null, n: number): boolean => !functions.keep(value, key, n),
  value: (value: number | null, key: string | null, n: number): number | null =>
    key === beat || value === null ? value : value % 7 === n ? null : (value * 3 + n) % 100,
  key: (value: number | null, key: string | null, n: number): string | null =>
    key === beat || value === null ? key : value % 9 === 8 ? null : letters[(value + n) % letters.length]!,
  values: (value: number | null, key: string | null, n: number): (number | null)[] =>
    key === beat
      ? [value]
      : value === null
        ? []
        : Array.from({ length: (value + n) % 3 }, (_, i) => value + i),
  add: (folded: number, value: number, n: number): number | null => orNull((folded * 7 + value) % 9973, n),
  subtract: (folded: number, value: number, n: number): number | null =>
    orNull((folded * 7 + value + 3) % 9973, n),
  /** Joins two sessions. Kafka Streams joins each with the initial value, which is 0, too. */
  merge: (left: number, right: number): number =>
    left === 0 ? right : right === 0 ? left : (left * 5 + right) % 9973,
  join: (left: number | null, right: number | null, key: string | null, n: number): number | null =>
    key === beat ? (left ?? right) : orNull(((left ?? 50) * 3 + (right ?? 60)) % 100, n),
} as const

/** For an n below 10 every tenth result is null, which deletes. */
function orNull(result: number, n: number): number | null {
  return result % 10 === n ? null : result
}
