/* oxlint-disable import/no-cycle -- matches are streams, which match patterns. */
/** match: its options, the matches of a pattern, and what did not become one. */
import { checkOption, checkOptions } from '../../base/index.ts'
import { matchPattern, type PatternSpec } from '../operators/match-pattern.ts'
import type { Taken } from '../operators/pattern-machine.ts'
import type { AfterMatch } from '../operators/pattern-runs.ts'
import type { StreamRecord } from '../operators/record.ts'
import { type Graph, type OutletOf, present } from '../plan/graph.ts'
import { checkCall } from './arguments.ts'
import type { Named } from './options.ts'
import { type EarlierEvents, pattern, type PatternOf, type PatternStart, specOf } from './pattern.ts'
import { lateOf } from './side-outputs.ts'
import { Stream } from './stream.ts'

/** Options of `match`. */
export interface MatchOptions<Names extends PropertyKey = string> extends Named {
  /**
   * Which attempts a match leaves of those that have begun and overlap with it:
   *
   * - `'noSkip'` (default): all of them;
   * - `'skipToNext'`: none that began with the same event;
   * - `'skipPastLastEvent'`: none;
   * - `{ skipToFirst: 'a' }`, `{ skipToLast: 'a' }`: those that began with the first event of a step, or the
   *   last one, or later.
   *
   * With another than `'noSkip'` matches are given in the order of their first events: one waits for the
   * attempts that began before it.
   */
  readonly afterMatch?:
    | Extract<AfterMatch, string>
    | { readonly skipToFirst: Names }
    | { readonly skipToLast: Names }
}

/** What a pattern finds in a stream. */
export function matchesOf<K, V, M>(
  stream: Stream<K, V>,
  given:
    | PatternOf<NonNullable<V>, M>
    | ((pattern: PatternStart<NonNullable<V>>) => PatternOf<NonNullable<V>, M>),
  options: MatchOptions<keyof M>,
): Matches<NonNullable<K>, M, NonNullable<V>> {
  const spec = specOf(typeof given === 'function' ? given(pattern()) : given)
  checkCall('match', {}, options)
  const { graph, edge } = stream
  const operator = matchPattern<NonNullable<K>, NonNullable<V>>(spec, afterMatchOf(options, spec))
  graph.check(operator, [edge], options)
  return new Matches(graph, graph.apply(operator, [present(graph.exchange(edge))], options))
}

/** @throws MillraceError INVALID_ARGUMENT for a step that the pattern does not have */
function afterMatchOf(
  { afterMatch = 'noSkip' }: MatchOptions<PropertyKey>,
  { names }: PatternSpec,
): AfterMatch {
  if (typeof afterMatch === 'string') {
    checkOption('match', 'afterMatch', afterMatch, ['noSkip', 'skipToNext', 'skipPastLastEvent'])
    return afterMatch
  }
  checkOptions('afterMatch of match', afterMatch, { skipToFirst: names, skipToLast: names })
  // Its names were checked.
  return afterMatch as AfterMatch
}

/** What a pattern has found. */
export class Matches<K, M, V> {
  /** The matches, each with the time of its last event. */
  readonly matches: Stream<K, M>
  /**
   * What has begun to match, and was not complete when the time of `within` was over. It has the last
   * millisecond of that time.
   */
  readonly timedOut: Stream<K, EarlierEvents<V, keyof M>>
  readonly #late: () => Stream<K, V>

  /** @internal */
  constructor(graph: Graph, matched: OutletOf<StreamRecord<K, Taken>>) {
    const { from } = matched
    this.matches = new Stream(graph, { from, outlet: 0 })
    this.timedOut = new Stream(graph, { from, outlet: 1 })
    this.#late = lateOf(graph, matched, 2, matched)
  }

  /**
   * The records that came after the watermark of their partition had passed them. A second call returns the
   * same stream.
   */
  late(): Stream<K, V> {
    return this.#late()
  }
}
