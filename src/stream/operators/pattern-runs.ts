/**
 * The runs of a pattern: how far each attempt to match it has come, by key. An event moves each run, and may
 * begin one.
 *
 * After a match, a skip strategy drops runs that overlap with it. Then matches are given in the order of
 * their first events: a match waits for the runs that began before it.
 *
 * State: `runs`, namespace 0, key → its runs; what they have taken is in shared-history.ts.
 */
import { given } from '../../state/index.ts'
import type { OperatorContext } from './operator.ts'
import type { Machine, State, Taken } from './pattern-machine.ts'
import { canEnd, isAbsence, movesOf } from './pattern-moves.ts'
import { sharedHistory, type TakenEvent } from './shared-history.ts'

/** Which runs a match leaves; by name: those that began with the first, or last, event of a step or later. */
export type AfterMatch =
  | 'noSkip'
  | 'skipToNext'
  | 'skipPastLastEvent'
  | { readonly skipToFirst: string }
  | { readonly skipToLast: string }

interface Run {
  readonly state: number
  /** Its last link. */
  readonly last: number
  /** The number and the time of its first event. */
  readonly first: number
  readonly since: number
}

interface KeyRuns {
  /** The next number of an event or a link. */
  readonly next: number
  readonly live: readonly Run[]
  /** Matches that wait for runs that began before them. */
  readonly matched: readonly Run[]
}

/** What the runs of a key have come to. */
export interface Results {
  readonly matched: readonly Taken[]
  readonly timedOut: readonly Taken[]
  /** Whether the event has begun a run. */
  readonly hasBegun: boolean
}

export interface PatternRuns {
  /** The event comes after all events before it, by time. */
  event(rawKey: string, value: unknown, time: number): Results
  /** Ends the runs that began at `since` or earlier. */
  timeOut(rawKey: string, since: number): Results
}

export function patternRuns(
  context: OperatorContext,
  { start, states }: Machine,
  names: readonly string[],
  afterMatch: AfterMatch,
): PatternRuns {
  // Asked for before other state: the task keeps its own entries in an operator's first.
  const runs = context.state<KeyRuns>('runs')
  const history = sharedHistory(context)

  function byName(events: readonly TakenEvent[]): Taken {
    const found: Record<string, unknown[]> = Object.fromEntries(names.map(name => [name, []]))
    for (const { name, value } of events) found[name]!.push(given(value))
    return found
  }

  /** Stores the runs, and gives the matches that are due. */
  function settle(rawKey: string, next: number, runsLeft: readonly Run[], matches: readonly Run[]): Taken[] {
    const due: Taken[] = []
    let live = runsLeft
    let matched = matches
    for (let [one] = matched; one !== undefined; [one] = matched) {
      const { first, last } = one
      if (afterMatch !== 'noSkip' && live.some(run => run.first < first)) break
      const events = history.upTo(rawKey, last)
      due.push(byName(events))
      history.release(rawKey, last)
      const from = keptFrom(events, afterMatch)
      const drop = (all: readonly Run[]): Run[] => {
        for (const run of all) if (run.first < from) history.release(rawKey, run.last)
        return all.filter(run => run.first >= from)
      }
      live = drop(live)
      matched = drop(matched.slice(1))
    }
    if (live.length + matched.length > 0) runs.put(0, rawKey, { next, live, matched })
    else runs.delete(0, rawKey)
    return due
  }

  return {
    event(rawKey, value, time) {
      const known = runs.get(0, rawKey) ?? { next: 0, live: [], matched: [] }
      const event = known.next
      let next = event + 1
      const live: Run[] = []
      const matched = [...known.matched]

      /** What becomes of a run; undefined: of one that begins. */
      const move = (state: State, run: Run | undefined): void => {
        const last = run?.last ?? null
        const { moves, isStopped } = movesOf(state, value, () => byName(history.upTo(rawKey, last)))
        for (const each of moves) {
          if (each.kind === 'take') {
            const taken = {
              last: next,
              first: run?.first ?? event,
              since: run?.since ?? time,
              state: each.to.id,
            }
            history.add(rawKey, next, { name: each.name, event, value }, last)
            next += 1
            const isMatch = canEnd(each.to)
            const isOver = each.to.kind === 'end' || isStopped
            if (isMatch) matched.push(taken)
            if (isMatch && !isOver) history.use(rawKey, taken.last)
            if (!isOver) live.push(taken)
            else if (!isMatch) history.release(rawKey, taken.last)
          } else if (run && (each.kind === 'end' || !isStopped)) {
            history.use(rawKey, run.last)
            if (each.kind === 'end') matched.push(run)
            else live.push({ ...run, state: each.to.id })
          }
        }
        if (run) history.release(rawKey, run.last)
      }
      for (const run of known.live) move(states[run.state]!, run)
      move(start, undefined)
      const hasBegun = live.some(({ first }) => first === event)
      return { matched: settle(rawKey, next, live, matched.toSorted(byFirst)), timedOut: [], hasBegun }
    },

    timeOut(rawKey, since) {
      const known = runs.get(0, rawKey)
      if (!known) return { matched: [], timedOut: [], hasBegun: false }
      const over = known.live.filter(run => run.since <= since)
      const timedOut: Taken[] = []
      const matched = [...known.matched]
      for (const run of over) {
        if (isAbsence(states[run.state]!)) {
          matched.push(run)
          continue
        }
        timedOut.push(byName(history.upTo(rawKey, run.last)))
        history.release(rawKey, run.last)
      }
      const live = known.live.filter(run => run.since > since)
      return {
        matched: settle(rawKey, known.next, live, matched.toSorted(byFirst)),
        timedOut,
        hasBegun: false,
      }
    },
  }
}

function byFirst(one: Run, other: Run): number {
  return one.first - other.first
}

/** Runs that began before this number of an event are dropped after a match. */
function keptFrom(events: readonly TakenEvent[], afterMatch: AfterMatch): number {
  const none = Number.NEGATIVE_INFINITY
  const first = events[0]?.event ?? none
  if (afterMatch === 'noSkip') return none
  if (afterMatch === 'skipToNext') return first + 1
  if (afterMatch === 'skipPastLastEvent') return (events.at(-1)?.event ?? none) + 1
  const isFirst = 'skipToFirst' in afterMatch
  const name = isFirst ? afterMatch.skipToFirst : afterMatch.skipToLast
  const of = events.filter(each => each.name === name)
  return (isFirst ? of[0] : of.at(-1))?.event ?? none
}
