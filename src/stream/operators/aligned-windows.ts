/**
 * Aggregates in windows whose bounds depend on the time alone: tumbling and hopping.
 *
 * A record is judged for each of its windows by its own watermark, in ascending order. An aggregate of null
 * deletes the window of its key, and takes back what went out for it.
 *
 * State: namespace = window start, key → row; so firing and forgetting are range scans over starts. Whether a
 * window has fired is not stored: it has when the task's watermark has reached its end.
 */
import { frozen } from '../../state/index.ts'
import type { KeyCodec } from './key-codec.ts'
import { rawKeyOf } from './key-codec.ts'
import { type Forward, type OperatorFactory, stateBegin } from './operator.ts'
import { gridOf } from './window-grid.ts'
import type { AlignedWindows } from './windows.ts'
import type { Aggregation } from './aggregate.ts'
import { emission, type EmitPolicy, type WindowResult } from './emission.ts'
import type { Row } from './window-row.ts'

/** Outlet 0 is the side output of late records, then comes one per policy. */
export const alignedWindows =
  (
    keyCodec: KeyCodec,
    windows: AlignedWindows,
    { initial, add }: Aggregation,
    policies: readonly EmitPolicy[],
  ): OperatorFactory =>
  (context, forwards) => {
    const state = context.state<Row>('windows')
    const { allowedLatenessMs } = windows
    const grid = gridOf(windows)
    const out = emission(
      context,
      policies.map((policy, i) => ({ policy, forward: forwards[i + 1] as Forward })),
    )
    const lateOutput = forwards[0] as Forward
    /** The results and deletions that are due, in turns. */
    let advancing: Iterator<void> | undefined
    /** The row that fired last, of the windows that fire now. */
    let firedLast: Place | undefined

    const resultOf = (rawKey: string, key: unknown, start: number, row: Row): WindowResult => {
      const end = grid.endOf(start)
      return { rawKey, key, start, end, lastInstant: end - 1, previous: null, ...row }
    }

    function* advance(to: number): Generator<void> {
      const ended = grid.endedBelow(to)
      const from = Math.max(stateBegin, firedLast?.start ?? grid.endedBelow(context.watermark()))
      let rows = 0
      for (const { namespace: start, key: rawKey, value: row } of state.scan(from, ended, firedLast?.key)) {
        out.onTime(resultOf(rawKey, keyCodec.decode(rawKey), start, row))
        firedLast = { start, key: rawKey }
        if (++rows < context.rowsPerTurn()) continue
        yield
        rows = 0
      }
      for (const _ of state.deleteInTurns(stateBegin, grid.endedBelow(to - allowedLatenessMs), () =>
        context.rowsPerTurn(),
      ))
        yield
      firedLast = undefined
    }

    return {
      inputs: [
        record => {
          const { key, timestamp } = record
          if (key === null || key === undefined) return context.drop('null-key')
          if (record.value === null) return context.drop('null-value')
          // The windows that it is in are given it one after the other.
          if (windows.kind === 'hopping') frozen(record.value)
          const rawKey = rawKeyOf(record, keyCodec)
          const watermark = context.watermark()
          let start = grid.firstStart(timestamp)
          const isBetween = start > timestamp
          let taken = false
          for (; start <= timestamp; start = grid.next(start)) {
            const end = grid.endOf(start)
            if (record.watermark >= end + allowedLatenessMs) continue
            taken = true
            const row = state.get(start, rawKey)
            const value = add(row === undefined ? initial() : row.value, record.value, key) ?? null
            const latest = row === undefined ? timestamp : Math.max(row.timestamp, timestamp)
            const result: WindowResult = {
              rawKey,
              key,
              start,
              end,
              value,
              previous: row === undefined ? null : row.value,
              timestamp: latest,
              lastInstant: end - 1,
            }
            if (value !== null) {
              state.put(start, rawKey, { value, timestamp: latest })
              out.changed(result, watermark >= end, record)
            } else if (row !== undefined) {
              state.delete(start, rawKey)
              out.retracted(result, watermark >= end, record)
            }
          }
          if (taken) return
          if (isBetween && record.watermark <= timestamp + allowedLatenessMs)
            return context.drop('not-sampled')
          context.late(record, lateOutput)
        },
      ],
      advance(to) {
        advancing ??= advance(to)
        if (!advancing.next().done) return false
        advancing = undefined
        return true
      },
      // The next end that fires or is forgotten: computed, not looked up, so that it costs the same however
      // much state there is.
      deadline: () => {
        const watermark = context.watermark()
        if (!Number.isFinite(watermark)) return watermark
        return Math.min(
          grid.nextEnd(watermark),
          grid.nextEnd(watermark - allowedLatenessMs) + allowedLatenessMs,
        )
      },
      place: () => firedLast,
      resume: place => {
        firedLast = place as Place
      },
    }
  }

interface Place {
  readonly start: number
  readonly key: string
}
