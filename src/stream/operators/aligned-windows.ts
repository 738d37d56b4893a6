/**
 * Aggregates in windows whose bounds depend on the time alone: tumbling, hopping, cumulative and global.
 *
 * For each of its windows, in ascending order, a record is judged by its own watermark. An aggregate of null
 * deletes the key's row in the window, and retracts its results.
 *
 * State: namespace = the window's place in the grid, key → row; so firing and forgetting are range scans over
 * places. Whether a window has fired is not stored: it has fired if the task's watermark has reached its end.
 * Two parts of it are other states: rows that overlapping windows share (window-slices.ts), and full pages of
 * an aggregate that grows with each value (window-pages.ts).
 */
import { frozen } from '../../state/index.ts'
import type { Aggregation } from './aggregation.ts'
import { emission, type WindowResult } from './emission.ts'
import { type AnyPolicy, kindOfPolicy } from './emit-policy.ts'
import { inTurns, keyed, stateBegin } from './operator.ts'
import { windowSlices } from './window-slices.ts'
import { windowAggregate, type WindowAggregate } from './window-aggregate.ts'
import { gridOf } from './window-grid.ts'
import type { Row } from './window-row.ts'
import type { AlignedWindows } from './windows.ts'

export const alignedWindows = <K, V, A>(
  name: string,
  windows: AlignedWindows,
  aggregation: Aggregation<K, V, A>,
  policies: readonly AnyPolicy[],
): WindowAggregate<K, V, A> => ({
  ...windowAggregate(name, windows, aggregation, policies),
  make(context, [lateOutput, ...results]) {
    const state = context.state<Row<A>>('windows', { isScanned: true })
    const { allowedLatenessMs } = windows
    const grid = gridOf(windows)
    const pages = aggregation.pages?.(context)
    const slices = windowSlices(context, windows, grid, aggregation, state)
    /** Whether nothing goes out of a window before it is complete. */
    const isQuiet = policies.every(policy => kindOfPolicy(policy) === 'final')
    const out = emission(context, policies, results, {
      discard: ({ place, rawKey }) => state.delete(place, rawKey),
      read: pages?.read,
    })
    /** The row that fired last, of the windows that fire now. */
    let firedLast: FiredLast | undefined

    const resultOf = (rawKey: string, place: number, { value, timestamp }: Row<A>): WindowResult<K, A> => {
      const end = grid.endOf(place)
      return {
        rawKey,
        key: context.keyOf<K>(rawKey),
        place,
        start: grid.startOf(place),
        end,
        value,
        previous: null,
        timestamp,
        lastInstant: end - 1,
      }
    }

    /** Forwards the results and makes the deletions that are due, in turns. */
    function* advance(to: number): Generator<void> {
      const ended = grid.endedBelow(to)
      const over = grid.endedBelow(to - allowedLatenessMs)
      const from = Math.max(stateBegin, firedLast?.start ?? grid.endedBelow(context.watermark()))
      let rows = 0
      const due = (slices ?? state).scan(from, ended, firedLast?.key)
      for (const { namespace: place, key: rawKey, value: row } of due) {
        out.onTime(resultOf(rawKey, place, row))
        // While its key is at hand: what allowed lateness keeps is deleted below.
        if (!slices && place < over) state.delete(place, rawKey)
        firedLast = { start: place, key: rawKey }
        if (++rows < context.rowsPerTurn()) continue
        yield
        rows = 0
      }
      yield* state.deleteInTurns(stateBegin, over, () => context.rowsPerTurn())
      if (pages) yield* pages.deleteInTurns(over)
      if (slices) yield* slices.deleteInTurns(to - allowedLatenessMs)
      firedLast = undefined
    }

    /**
     * The next end at which windows fire or are forgotten. It is computed, not looked up, so that its cost
     * does not depend on the size of the state.
     */
    const deadline = (): number => {
      const watermark = context.watermark()
      if (!Number.isFinite(watermark)) return watermark
      return Math.min(
        grid.nextEnd(watermark),
        grid.nextEnd(watermark - allowedLatenessMs) + allowedLatenessMs,
      )
    }

    return {
      inputs: aggregation.folds.map(({ first, add }) =>
        keyed<K, V>(context, (record, rawKey) => {
          const { key, timestamp } = record
          const watermark = context.watermark()
          let place = grid.first(timestamp)
          if (slices && isQuiet && Math.max(record.watermark, watermark) < grid.endOf(place))
            return slices.add(record, rawKey, { first, add })
          // Several windows get the same value, one after the other.
          if (windows.kind !== 'tumbling') frozen(record.value)
          let start = grid.startOf(place)
          const isBetween = start > timestamp
          let taken = false
          for (; start <= timestamp; place = grid.next(place), start = grid.startOf(place)) {
            const end = grid.endOf(place)
            if (record.watermark >= end + allowedLatenessMs) continue
            taken = true
            const row = state.get(place, rawKey)
            const grown =
              (row === undefined
                ? first(record.value, key, record)
                : add(row.value, record.value, key, record)) ?? null
            const value = pages && grown !== null ? pages.keep({ rawKey, place }, grown) : grown
            const latest = row === undefined ? timestamp : Math.max(row.timestamp, timestamp)
            if (value !== null) state.put(place, rawKey, { value, timestamp: latest })
            else if (row !== undefined) state.delete(place, rawKey)
            else continue
            const hasFired = watermark >= end
            if (isQuiet && !hasFired) continue
            const own: WindowResult<K, A> = {
              rawKey,
              key,
              place,
              start,
              end,
              value,
              previous: row === undefined ? null : row.value,
              timestamp: latest,
              lastInstant: end - 1,
            }
            const result = slices ? slices.whole(own) : own
            if (value !== null) out.changed(result, hasFired, record)
            else out.retracted(result, hasFired, record)
          }
          if (taken) return
          if (isBetween && record.watermark <= timestamp + allowedLatenessMs)
            return context.drop('not-sampled')
          context.late(record, lateOutput)
        }),
      ),
      ...out.timed({ advance: inTurns(advance), deadline }),
      place: () => firedLast,
      resume: place => {
        firedLast = place as FiredLast
      },
    }
  },
})

interface FiredLast {
  /** Its place in the grid, under the name that commits of earlier versions have for it. */
  readonly start: number
  readonly key: string
}
