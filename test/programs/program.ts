/**
 * A program of streams and tables as data, so that it runs in millrace and in a peer. Keys are text, and
 * values whole numbers. The functions of a program are those of {@link functions}; most take a number `n`, so
 * that programs differ. The peers have the same functions in their language.
 */

/** The inputs. */
export const streamTopics = ['s', 'r'] as const
export const tableTopics = ['t', 'u'] as const
/** Of a table with history, and of a global table. */
export const historyTopic = 'v'
export const globalTopic = 'g'
export type StreamTopic = (typeof streamTopics)[number]
export type TableTopic = (typeof tableTopics)[number]
export type InputTopic = StreamTopic | TableTopic | typeof historyTopic | typeof globalTopic

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
/** Kafka Streams has no `topN`. */
export const foldsUnlikeKafka = [...folds, 'topN'] as const

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
  | TopicOperation
  | Unary<'stream', StreamOp>
  | Unary<'table', TableOp>
  | Unary<'grouped stream', Fold>
  | Unary<'grouped table', Fold>
  | Binary<'stream and table', (typeof streamTableOps)[number]>
  | AsOfOperation
  | GlobalOperation
  | Binary<'streams', (typeof streamPairOps)[number]>
  | Binary<'tables', (typeof joinOps)[number]>
  /** Tables, of which the first refers to the second. */
  | Binary<'referring tables', (typeof foreignKeyOps)[number]>
  | StreamJoinOperation
  | SuppressOperation
  | WindowsOperation

export type TopicOperation =
  | { readonly on: 'topic'; readonly op: 'stream'; readonly topic: StreamTopic }
  | { readonly on: 'topic'; readonly op: 'table'; readonly topic: TableTopic }
  | HistoryOperation

/** How long a table with history remembers, and how late its changes may be. */
interface Remembered {
  readonly history: number
  readonly lateness: number
}

/** A table with history. */
export interface HistoryOperation extends Remembered {
  readonly on: 'topic'
  readonly op: 'history'
  readonly topic: typeof historyTopic
}

/** A join of a stream with a table with history. */
export interface AsOfOperation
  extends Remembered, Binary<'stream and history', (typeof streamTableOps)[number]> {}

/** A join of a stream with the global table, by {@link functions.key}. */
interface GlobalOperation extends Unary<'stream and global', (typeof streamTableOps)[number]> {
  readonly topic: typeof globalTopic
}

/** Changes of a table that are held back. */
export interface SuppressOperation extends Unary<'suppressed', 'suppress'> {
  readonly limit: number
  /** Kafka Streams counts other bytes. So their bound is less than any change has, or there is none. */
  readonly bound:
    | { readonly maxRecords: number; readonly whenFull?: 'fail' }
    | { readonly maxBytes: 1 }
    | Record<string, never>
}

/** A join of two streams. */
export interface StreamJoinOperation extends Binary<'joined streams', (typeof joinOps)[number]> {
  /** So long before and after a record of the first stream, both included. Either may be negative. */
  readonly before: number
  readonly after: number
  /** Which of them millrace gets as a bound that is not included, 1 ms further. */
  readonly exclusive?: 'before' | 'after' | 'both'
  /** As that of windows. */
  readonly lateness: number
}

/**
 * An aggregate in windows; with a second stream it is a cogroup. Its results are a table. A key of it is, in
 * text, `key@start-end`.
 */
export interface WindowsOperation extends Unary<'windows', Fold | 'topN' | 'cogroup'> {
  readonly with?: number
  readonly kind: 'tumbling' | 'hopping' | 'sliding' | 'session' | 'global'
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
  /** Those of them whose results have an order by key alone. */
  readonly unordered: readonly number[]
  /** Of all topics of streams. */
  readonly outOfOrderness: number
}

/** A record that goes in. */
export interface Input {
  readonly topic: InputTopic
  readonly key: string | null
  readonly value: number | null
  readonly timestamp: number
}

/** Records that go in together. */
export type Step = readonly Input[]

/**
 * What a step gives: by output, its records in order, as `key=value@timestamp`. A step that exceeds a bound
 * of changes has no answer, nor have later ones.
 */
export type Answer = Readonly<Record<string, readonly string[]>>

/**
 * The key of records that only tell the time; their value is 0. Functions leave these records as they are, so
 * that each operator sees them.
 */
export const beat = '~'

/** Whether a key is that of a beat, or of one of its windows. */
function isBeat(key: string | null): boolean {
  return key !== null && (key === beat || key.startsWith(`${beat}@`))
}

const letters = 'abcd'

export const functions = {
  keep: (value: number | null, key: string | null, n: number): boolean =>
    isBeat(key) || (value === null ? n % 2 === 0 : value % n !== 0),
  drop: (value: number | null, key: string | null, n: number): boolean => !functions.keep(value, key, n),
  value: (value: number | null, key: string | null, n: number): number | null =>
    isBeat(key) || value === null ? value : value % 7 === n ? null : (value * 3 + n) % 100,
  key: (value: number | null, key: string | null, n: number): string | null =>
    isBeat(key) || value === null ? key : value % 9 === 8 ? null : letters[(value + n) % letters.length]!,
  values: (value: number | null, key: string | null, n: number): (number | null)[] =>
    isBeat(key)
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
  lastDigits: (value: number): number => value % 10_000,
  /** Two numbers as one. */
  topTwo: ([largest = 0, next = 0]: readonly number[]): number =>
    functions.lastDigits(largest) * 10_000 + functions.lastDigits(next),
  join: (left: number | null, right: number | null, key: string | null, n: number): number | null =>
    isBeat(key) ? (left ?? right) : orNull(((left ?? 50) * 3 + (right ?? 60)) % 100, n),
} as const

/** For an n below 10 every tenth result is null, which deletes. */
function orNull(result: number, n: number): number | null {
  return result % 10 === n ? null : result
}
