/**
 * The result that an outlet of a window sends for a change: its pane, timestamp and watermark, and how it is
 * counted.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedState } from '../../state/index.ts'
import type { OperatorContext } from './operator.ts'
import { neverLate } from './record.ts'
import { type Emission, emission, type WindowResult } from './emission.ts'
import type { AnyPolicy } from './emit-policy.ts'

const result: WindowResult<string, number> = {
  rawKey: 'k',
  key: 'k',
  place: 0,
  start: 0,
  end: 100,
  value: 1,
  previous: null,
  timestamp: 40,
  lastInstant: 99,
}
/** The record that caused a change. */
const cause = { watermark: 70, raised: true }

type Act = (out: Emission<string, number>) => void
const changed: Act = out => out.changed(result, false, cause)
const corrected: Act = out => out.changed(result, true, cause)
const fired: Act = out => out.onTime(result)
const takenBack: Act = out => out.retracted(result, true, cause)
const dissolved: Act = out => out.retracted(result, false, cause)

/** The output, `pane @timestamp W<watermark>`, with `!` if idleness had raised that; and the counts. */
type Row = readonly [policy: AnyPolicy, acts: readonly Act[], sent: string, counted: string]
const never = `W${neverLate}`

const rows: readonly Row[] = [
  ['final', [changed], '', ''],
  ['final', [fired], `on-time @99 ${never}`, 'on-time'],
  ['final', [corrected], 'late @99 W70!', 'late'],
  ['final', [takenBack], 'late @99 W70!', 'late'],
  ['final', [dissolved], '', ''],
  ['changes', [changed], 'early @40 W70!', 'changes'],
  ['changes', [fired], '', ''],
  ['changes', [corrected], 'late @40 W70!', 'changes'],
  ['changes', [takenBack], 'late @40 W70!', 'changes'],
  ['changes', [dissolved], 'early @40 W70!', 'changes'],
  [{ early: 1 }, [changed], 'early @99 W70!', 'early'],
  [{ early: 1, time: 'event' }, [changed], '', ''],
  [{ early: 1 }, [changed, fired], `on-time @99 ${never}`, 'on-time'],
  [{ early: 1 }, [corrected], 'late @99 W70!', 'late'],
  [{ early: 1 }, [takenBack], 'late @99 W70!', 'late'],
  [{ early: 1 }, [changed, dissolved], '', ''],
]

for (const [policy, acts, sent, counted] of rows)
  test(`${JSON.stringify(policy)}: '${sent}'`, () => {
    const found: string[] = []
    const counts: string[] = []
    const ticks: (() => void)[] = []
    const context: OperatorContext = {
      state: name => new KeyedState(name),
      view: () => ({ get: () => undefined, asOf: () => undefined }),
      global: () => ({ get: () => undefined }),
      rawKey: () => '',
      keyOf: () => undefined as never,
      acrossPartitions: false,
      watermark: () => 0,
      drop: () => {},
      late: () => {},
      emitted: kind => counts.push(kind),
      wakeAt: () => {},
      rowsPerTurn: () => 1,
      attempt: () => {},
      hold: () => {},
      wake: () => {},
      now: () => 0,
      monotonic: () => 0,
      alarm: () => () => {},
      every: (_, callback) => ticks.push(callback),
    }
    const out = emission<string, number>(
      context,
      [policy],
      [
        ({ pane, timestamp, watermark, raised }) =>
          found.push(`${pane} @${timestamp} W${watermark}${raised ? '!' : ''}`),
      ],
    )
    for (const act of acts) act(out)
    for (const tick of ticks) tick()
    deepEqual([found.join(', '), counts.join(', ')], [sent, counted])
  })
