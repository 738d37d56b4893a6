/** mapAsync, as a program calls it. */
import { durationMs } from '../../base/index.ts'
import { type AsyncCalls, mapAsync } from '../operators/map-async.ts'
import type { Unary } from '../operators/operator.ts'
import type { RecordContext, StreamRecord } from '../operators/record.ts'
import type { Edge, Graph } from '../plan/graph.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import type { MapAsyncOptions } from './options.ts'
import { positive } from './windows.ts'

/** @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION */
export function mappingAsync<K, V, R>(
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
      timeout === undefined ? Number.POSITIVE_INFINITY : positive(timeout, 'the timeout of mapAsync'),
    retries,
    backoffMs: durationMs(backoff),
  }
  return mapAsync(mapper, calls)
}

/**
 * The same records, in another stage if results that become due with time are among them: such a
 * result goes out ahead of the watermark, which cannot wait for it within one stage.
 */
export function apart<R extends StreamRecord>(graph: Graph, edge: Edge<R>): Edge<R> {
  return firesIn(edge) ? graph.repartition(edge) : edge
}

/** Whether an operator with state is before this edge, in its stage. */
function firesIn({ from }: Edge): boolean {
  return from.kind === 'operator' && (from.stateful || from.inputs.some(firesIn))
}
