/**
 * Finds a pattern in the events of each key, in the order of event time: an event waits until the watermark
 * has passed it. Events with one time keep the order in which they came. A record whose own watermark has
 * passed it is late.
 *
 * A match has the time of its last event. With a time limit a run begins at its first event, and its last
 * instant is the limit later, less 1: events at or past the limit do not belong to it. Then the run is timed
 * out, or matches if it waited for something not to come.
 *
 * State: `waiting`, namespace = time, key → events; `timers`, a letter and the key: `e` for events, `r` for
 * runs that time out then, which is after the events of that time (timers.ts); `runs`, `links` and `events`
 * (pattern-runs.ts).
 */
import { durationInWords } from '../../base/index.ts'
import { frozen, storable } from '../../state/index.ts'
import { keyed, type Maybe, type OperatorSpec } from './operator.ts'
import { machineOf, type Nots, type Step, type Taken } from './pattern-machine.ts'
import { type AfterMatch, patternRuns, type Results } from './pattern-runs.ts'
import { neverLate, noHeaders, StreamRecord } from './record.ts'
import { timers } from './timers.ts'

/** A pattern, as a program has said it. */
export interface PatternSpec {
  readonly steps: readonly Step[]
  readonly ending: Nots
  readonly withinMs: number | undefined
  /** The names of its steps, in order. */
  readonly names: readonly string[]
  /** In words: state of another pattern is refused. */
  readonly words: string
}

type Found<K> = StreamRecord<K, Taken>

export const matchPattern = <K, V>(
  { steps, ending, withinMs, names, words }: PatternSpec,
  afterMatch: AfterMatch,
): OperatorSpec<[StreamRecord<Maybe<K>, Maybe<V>>], [Found<K>, Found<K>, StreamRecord<K, V>]> => ({
  name: 'match',
  label: withinMs === undefined ? 'match' : `match within ${durationInWords(withinMs)}`,
  outlets: ['matches', 'timedOut', 'late'],
  stateful: true,
  shape: () => `${words}, ${JSON.stringify(afterMatch)}`,
  latenessMs: 0,
  allowedLatenessMs: 0,
  make(context, [matches, timedOut, late]) {
    const runs = patternRuns(context, machineOf(steps, ending), names, afterMatch)
    const waiting = context.state<readonly V[]>('waiting')
    const pending = timers(context, 'timers', (id, time) => {
      const rawKey = id.slice(1)
      if (id.startsWith('e')) return eventsAt(time, rawKey)
      attempt(rawKey, null, time, () => runs.timeOut(rawKey, time + 1 - withinMs!))
      return 1
    })

    const eventsAt = (time: number, rawKey: string): number => {
      const events = waiting.get(time, rawKey) ?? []
      waiting.delete(time, rawKey)
      for (const event of events) attempt(rawKey, event, time, () => runs.event(rawKey, event, time))
      return events.length
    }

    /** An event on which a condition fails leaves no trace. */
    const attempt = (rawKey: string, value: V | null, time: number, run: () => Results): void => {
      const key = context.keyOf<K>(rawKey)
      const recordOf = <T>(of: T): StreamRecord<K, T> =>
        new StreamRecord(key, of, null, time, neverLate, false, noHeaders, undefined, rawKey)
      context.attempt(recordOf(value), () => {
        const found = run()
        if (found.hasBegun && withinMs !== undefined) pending.set(time + withinMs - 1, `r${rawKey}`)
        for (const one of found.matched) matches(recordOf(frozen(one)))
        for (const one of found.timedOut) timedOut(recordOf(frozen(one)))
      })
    }

    return {
      inputs: [
        keyed<K, V>(context, (record, rawKey) => {
          const { timestamp, value } = record
          if (record.watermark > timestamp) return context.late(record, late)
          const before = waiting.get(timestamp, rawKey)
          waiting.put(timestamp, rawKey, [...(before ?? []), storable(value, record.key)])
          if (before === undefined) pending.set(timestamp, `e${rawKey}`)
        }),
      ],
      advance: pending.advance,
      deadline: pending.deadline,
    }
  },
})
