/* oxlint-disable import/no-cycle -- deduplicate makes another stream of a stream. */
/** deduplicate: its options, and its two outputs. */
import type { Duration } from '../../base/index.ts'
import { deduplicate } from '../operators/deduplicate.ts'
import { checkCall } from './arguments.ts'
import { latenessMs, positiveMs } from './durations.ts'
import type { Named } from './options.ts'
import { lateOf, type StreamWithLate } from './side-outputs.ts'
import { Stream } from './stream.ts'
import type { WindowOptions } from './windows.ts'

/** Options of `deduplicate`. */
export interface DeduplicateOptions extends Named, WindowOptions {
  /**
   * A record takes part until the watermark has passed it by more than this. Later records are dropped, and
   * counted as `late`. Default 0.
   */
  readonly allowedLateness?: Duration
}

/** The first record of each key, in the tasks that own the keys. */
export function deduplicated<K, V>(
  stream: Stream<K, V>,
  within: Duration,
  options: DeduplicateOptions,
): StreamWithLate<NonNullable<K>, V> {
  checkCall('deduplicate', {}, options)
  const { graph, edge } = stream
  const withinMs = positiveMs(within, 'the time of deduplicate')
  const operator = deduplicate<NonNullable<K>, V>(withinMs, latenessMs(options))
  graph.check(operator, [edge], options)
  const { from, outlet } = graph.exchange(edge)
  const first = graph.apply(operator, [{ from, outlet }], options)
  return Object.assign(new Stream(graph, first), {
    late: lateOf<NonNullable<K>, V>(graph, first, 1, first),
  })
}
