/* oxlint-disable import/no-cycle -- streams are joined to streams: a method of one makes another. */
/** Joins of a stream with a table or another stream: their options, and how both sides meet. */
import { type Duration, durationMs, MillraceError } from '../../base/index.ts'
import type { JoinBounds, Joiner, JoinKind } from '../operators/join-bounds.ts'
import { streamJoin } from '../operators/stream-join.ts'
import { valued } from '../plan/graph.ts'
import { checkCall, type Method, wrongArgument } from './arguments.ts'
import { latenessMs, signedMs } from './durations.ts'
import { type GlobalJoinCall, GlobalTable, joinGlobally } from './global-table.ts'
import { innerJoinOf, keptAgain, leftJoinOf } from './history.ts'
import { bothCopartitioned, checkKept, copartitioned } from './co-partitioning.ts'
import { lateOf } from './side-outputs.ts'
import type { Named, Versioned } from './options.ts'
import { Stream } from './stream.ts'
import { Table } from './table.ts'

/**
 * Which records of two streams a join brings together: those whose times are near each other.
 * @example { within: '5m' }  // five minutes before to five minutes after, both included
 * @example { before: 0, after: '1h' }  // the other record comes at the same time or up to an hour later
 */
export type JoinOptions = Versioned & JoinTimes & MoreJoinOptions

/** From when to when the other stream's records match, as seen from a record of this one. */
type JoinTimes =
  | {
      /** How far before and after it. */
      readonly within: Duration
      /** How far before it; default: `within`. Negative: only records after it match. */
      readonly before?: Duration
      /** How far after it; default: `within`. Negative: only records before it match. */
      readonly after?: Duration
    }
  | { readonly within?: undefined; readonly before: Duration; readonly after: Duration }

interface MoreJoinOptions {
  /** Which of these bounds do not match themselves. Default: both do. */
  readonly exclusive?: 'before' | 'after' | 'both'
  /**
   * A record takes part until the watermark of its partition has passed it by more than this. Later ones are
   * late. A record without a match waits as long before it goes out. Default 0.
   */
  readonly allowedLateness?: Duration
}

/** The results of a join of a stream of V with one of W, and what came too late for it. */
export interface JoinedStream<K, R, V, W> extends Stream<K, R> {
  /** The side output of records of this stream that came too late. A second call returns the same stream. */
  lateLeft(): Stream<NonNullable<K>, V>
  /** The side output of records of the other stream that came too late. */
  lateRight(): Stream<NonNullable<K>, W>
}

/** What a join of a stream is called with, after the other side, unless that is a global table. */
type JoinCall<K, V, T, R> = readonly [joiner: Joiner<K, V, T, R>, options?: Named]

/** Joins a stream to a table or to another stream, for the method of this kind. */
export function joinTo<K, V, T, R>(
  kind: 'join' | 'leftJoin',
  stream: Stream<K, V>,
  other: Table<NonNullable<K>, NonNullable<T>> | Stream<K, T> | GlobalTable<unknown, T>,
  given: JoinCall<K, NonNullable<V>, NonNullable<T>, R> | GlobalJoinCall<K, NonNullable<V>, unknown, T, R>,
): Stream<K, R> {
  if (other instanceof GlobalTable)
    return joinGlobally(kind, stream, other, given as GlobalJoinCall<K, NonNullable<V>, unknown, T, R>)
  const [joiner, options = {}] = given as JoinCall<K, NonNullable<V>, NonNullable<T>, R>
  if (other instanceof Stream) return joinStreams(kind, stream, other, joiner, options as JoinOptions)
  if (!(other instanceof Table)) throw wrongArgument(kind, 'table', tableOrStream, other)
  if (typeof options === 'function')
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${kind} finds the row of a table by the stream's key. For another key, change it: selectKey(value => value.customer).${kind}(table, (value, row) => …), or join app.globalTable(topic) by any key.`,
    )
  checkCall(kind, { joiner }, options)
  const { graph, edge } = stream
  const operator = (kind === 'join' ? innerJoinOf : leftJoinOf)(other, edge, joiner)
  graph.check(operator, [edge, other.edge], options)
  checkKept('stream', other)
  const met = copartitioned(graph, edge, other, kind === 'leftJoin')
  const rows = graph.leadsTo(other.edge, met) ? keptAgain(graph, other, options) : other.edge
  const joined = graph.apply(operator, [valued(met), rows], options)
  const results = new Stream<K, R>(graph, joined)
  if (kind === 'leftJoin' || !other.history) return results
  return Object.assign(results, { late: lateOf<K, V>(graph, joined, 1, joined) })
}

/** Joins two streams, for the method of this kind. */
export function joinStreams<K, V, W, R>(
  kind: JoinKind,
  left: Stream<K, V>,
  right: Stream<K, W>,
  joiner: Joiner<K, NonNullable<V>, NonNullable<W>, R>,
  options: JoinOptions,
): JoinedStream<K, R, V, W> {
  const method = `${kind} of streams` as const
  if (!(right instanceof Stream)) throw wrongArgument(method, 'stream', 'a stream', right)
  checkCall(method, { joiner }, options)
  const operator = streamJoin(kind, boundsOf(method, options), joiner)
  const { graph } = left
  graph.check(operator, [left.edge, right.edge], options)
  const sides = bothCopartitioned(graph, left.edge, right.edge, [kind !== 'join', kind === 'outerJoin'])
  const joined = graph.apply(operator, [valued(sides[0]), valued(sides[1])], options)
  return Object.assign(new Stream(graph, joined), {
    lateLeft: lateOf<NonNullable<K>, V>(graph, joined, 1, sides[0]),
    lateRight: lateOf<NonNullable<K>, W>(graph, joined, 2, sides[1]),
  })
}

const tableOrStream = 'a table, as app.table(topic), toTable() and aggregates give one, or a stream'

/** From when to when the records of the other stream match. */
function boundsOf(method: Method, options: Partial<JoinOptions> = {}): JoinBounds {
  const { within, before = within, after = within, exclusive } = options
  if (before === undefined || after === undefined)
    throw wrongArgument(method, 'options', 'an object with { within }, or with { before, after }', options)
  if (within !== undefined) durationMs(within)
  const boundMs = (side: 'before' | 'after', bound: Duration): number => {
    const ms = signedMs(bound, `'${side}' of a join`)
    return exclusive === side || exclusive === 'both' ? ms - 1 : ms
  }
  const beforeMs = boundMs('before', before)
  const afterMs = boundMs('after', after)
  if (beforeMs + afterMs < 0)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `No record could match in a join from ${before} before to ${after} after a record${exclusive ? ', without the bounds' : ''}: ` +
        "the sum of both must not be negative. To join records that come 5 to 10 minutes later, write { before: '-5m', after: '10m' }.",
    )
  return { beforeMs, afterMs, allowedLatenessMs: latenessMs(options) }
}
