/* oxlint-disable import/no-cycle -- merge makes one stream of several. */
/** merge: how streams become one, and the checks of them. */
import { merge } from '../operators/merge.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import type { Named } from './options.ts'
import { Stream } from './stream.ts'

/** One stream of several. If one of them stays in its partitions, the others come to these. */
export function merged<K, V>(stream: Stream<K, V>, given: readonly (Stream<K, V> | Named)[]): Stream<K, V> {
  const { streams, options } = streamsOf(given)
  const { graph } = stream
  const edges = [stream.edge, ...streams.map(({ edge }) => edge)]
  graph.check(merge(edges.length, true), edges, options)
  const unmoved = edges.find(({ from }) => !from.keyChanged)
  const meeting = unmoved ? edges.map(edge => graph.exchange(edge, unmoved.from.keyCodec, true)) : edges
  const forms = new Set(meeting.map(({ from }) => from.keyCodec.form))
  return new Stream(graph, graph.apply(merge<K, V>(edges.length, forms.size === 1), meeting, options))
}

/** The streams that merge was given, and its options, which may come last. */
function streamsOf<K, V>(
  given: readonly (Stream<K, V> | Named)[],
): { readonly streams: readonly Stream<K, V>[]; readonly options: Named } {
  const isStream = (one: Stream<K, V> | Named): one is Stream<K, V> => one instanceof Stream
  const last = given.at(-1)
  const options = given.length > 1 && last !== undefined && !isStream(last) ? last : undefined
  const others = options === undefined ? given : given.slice(0, -1)
  const streams = others.filter(isStream)
  const wrong = others.length === 0 ? [undefined] : others.filter(one => !isStream(one))
  if (wrong.length > 0) throw wrongArgument('merge', 'argument', 'a stream', wrong[0])
  checkCall('merge', {}, options)
  return { streams, options: options ?? {} }
}
