/* oxlint-disable import/no-cycle -- mapAsync makes another stream of a stream. */
/** mapAsync: its options, the checks of them, and the stage in which it runs. */
import { type Duration, durationMs } from '../../base/index.ts'
import { type AsyncCalls, mapAsync } from '../operators/map-async.ts'
import type { Unary } from '../operators/operator.ts'
import type { RecordContext, StreamRecord } from '../operators/record.ts'
import type { Edge, Graph } from '../plan/graph.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import { positiveMs } from './durations.ts'
import type { Named } from './options.ts'
import { Stream } from './stream.ts'

/** Options of `mapAsync`. */
export interface MapAsyncOptions extends Named {
  /**
   * Whether results have the order of the records in their task. Default true. False: each comes once it is
   * there; a watermark still does not overtake it.
   */
  readonly ordered?: boolean
  /**
   * How many calls of a task are in flight at most. While more records wait, no others are read. Default 100.
   */
  readonly capacity?: number
  /** A call that takes longer has failed. Default: it may take as long as it does. */
  readonly timeout?: Duration
  /** How often a call is made again that has failed. Default 0. */
  readonly retries?: number
  /** The time before the first of these, which doubles with each. Default 100 ms. */
  readonly backoff?: Duration
}

/** The results of an asynchronous function, under the keys of the records. */
export function mappedAsync<K, V, R>(
  stream: Stream<K, V>,
  mapper: (value: V, key: K, record: RecordContext) => R | Promise<R>,
  options: MapAsyncOptions,
): Stream<K, R> {
  const { graph, edge } = stream
  const operator = mappingAsync(mapper, options)
  graph.check(operator, [edge], options)
  return new Stream(graph, graph.apply(operator, [apart(graph, edge)], options))
}

/** @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION */
function mappingAsync<K, V, R>(
  mapper: (value: V, key: K, record: RecordContext) => R | Promise<R>,
  options: MapAsyncOptions,
): Unary<StreamRecord<K, V>, StreamRecord<K, R>> {
  if (typeof mapper !== 'function') throw wrongArgument('mapAsync', 'mapper', 'a function', mapper)
  checkCall('mapAsync', {}, options)
  const { ordered = true, capacity = 100, timeout, retries = 0, backoff = 100 } = options
  const calls: AsyncCalls = {
    isOrdered: ordered,
    capacity,
    timeoutMs:
      timeout === undefined ? Number.POSITIVE_INFINITY : positiveMs(timeout, 'the timeout of mapAsync'),
    retries,
    backoffMs: durationMs(backoff),
  }
  return mapAsync(mapper, calls)
}

/**
 * The same records, in another stage if results that become due with time are among them: such a
 * result goes out ahead of the watermark, which cannot wait for it within one stage.
 */
function apart<R extends StreamRecord>(graph: Graph, edge: Edge<R>): Edge<R> {
  return firesIn(edge) ? graph.repartition(edge) : edge
}

/** Whether an operator with state is before this edge, in its stage. */
function firesIn({ from }: Edge): boolean {
  return from.kind === 'operator' && (from.stateful || from.inputs.some(firesIn))
}
