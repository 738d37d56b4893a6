/**
 * Random records through process, with timers and states that expire. What each key gets, in order, is that
 * of a naive model of one partition, for any interleaving of partitions, turns, commits and crashes.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, mapState, output, valueState } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { runAtRandom } from './random-run.ts'
import { type InputRecord, TaskHarness } from './task-harness.ts'

const outOfOrderness = 12
const watermark = { outOfOrderness }
const input = topic('input', { key: text(), value: json<number>(), watermark })
/** Holds back the time of the tasks. */
const names = topic('names', { key: text(), value: json<number>(), watermark })
const results = topic('results', { key: text(), value: json<string>() })

const gapMs = 15
const ttlMs = 20
/** A chain of timers has so many. */
const echoesMax = 2

/** Tells of each record how many came before it within the time to live, and when a key was silent. */
function program(): App {
  const app = new App('app')
  const { told } = app
    .stream(input)
    .leftJoin(app.table(names), n => n)
    .process({
      state: { echoes: valueState<number>(), recent: mapState<number, number>({ ttl: ttlMs }) },
      outputs: { told: output<string>() },
      timers: {
        silence: (_key, { state, timers, emit, timestamp }) => {
          const echoes = (state.echoes.get() ?? 0) + 1
          state.echoes.set(echoes)
          emit.told(`silence ${echoes} of ${state.recent.entries().length} @${timestamp}`)
          if (echoes < echoesMax) timers.silence.set(timestamp + gapMs)
          else state.echoes.clear()
        },
        alarm: (_key, { emit, timestamp }) => emit.told(`alarm @${timestamp}`),
      },
      onRecord: (value, _key, { state, timers, emit, timestamp }) => {
        emit.told(`${value} of ${state.recent.entries().length}`)
        state.recent.set(value, timestamp)
        timers.silence.set(timestamp + gapMs)
        if (value % 3 === 0) timers.alarm.set(timestamp - 5)
        if (value % 3 === 1) timers.alarm.cancel()
      },
    })
  told.to(results)
  return app
}

/** What each key is told in one partition. */
function expected(records: readonly InputRecord[]): Map<string, string[]> {
  const told = new Map<string, string[]>()
  const keys = new Map<string, { echoes: number; recent: number[]; silence?: number; alarm?: number }>()
  const due = (key: string, watermarkNow: number): void => {
    const state = keys.get(key)!
    const out = told.get(key)!
    for (;;) {
      const { alarm = Infinity, silence = Infinity } = state
      const time = Math.min(alarm, silence)
      if (time >= watermarkNow) return
      // With one time, by name.
      if (alarm === time) {
        delete state.alarm
        out.push(`alarm @${time}`)
        continue
      }
      delete state.silence
      state.echoes += 1
      const recent = state.recent.filter(at => at + ttlMs >= time + 1)
      out.push(`silence ${state.echoes} of ${recent.length} @${time}`)
      if (state.echoes >= echoesMax) state.echoes = 0
      else if (watermarkNow < Infinity) state.silence = time + gapMs
    }
  }
  let now = Number.NEGATIVE_INFINITY
  for (const { key, value, timestamp } of records as { key: string; value: number; timestamp: number }[]) {
    const state = keys.get(key) ?? { echoes: 0, recent: [] }
    keys.set(key, state)
    const out = told.get(key) ?? []
    told.set(key, out)
    due(key, now)
    const recent = state.recent.filter(at => at + ttlMs >= now)
    out.push(`${value} of ${recent.length}`)
    state.recent.push(timestamp)
    state.silence = Math.max(timestamp + gapMs, now)
    if (value % 3 === 0) state.alarm = Math.max(timestamp - 5, 0, now)
    if (value % 3 === 1) delete state.alarm
    now = Math.max(now, timestamp - outOfOrderness)
  }
  for (const end of [now, Number.POSITIVE_INFINITY]) for (const key of keys.keys()) due(key, end)
  return told
}

function oneCase(random: Random): void {
  let value = 0
  /** The last one is far ahead, so that all chains of timers but its own have ended before the input ends. */
  const recordsOf = (count: number, disorder: number, keys: string): InputRecord[] => [
    ...Array.from({ length: count }, (_, n) => ({
      key: keys[random.int(3)]!,
      value: (value += 1),
      timestamp: Math.max(0, n * 4 + random.int(disorder) - disorder / 2),
    })),
    { key: `end of ${keys}`, value: (value += 1), timestamp: 10_000 },
  ]
  const partitions = [recordsOf(40, 60, 'abc'), recordsOf(40, 60, 'xyz')]
  const inputs = new Map([
    ['input', partitions],
    ['names', [recordsOf(10, 20, 'abc'), recordsOf(10, 20, 'xyz')]],
  ])
  const harness = new TaskHarness(program(), inputs, { rowsPerTurn: 1 + random.int(4) })
  runAtRandom(harness, random)
  const told = new Map<unknown, unknown[]>()
  for (const one of harness.outputs) told.set(one.key, [...(told.get(one.key) ?? []), one.value])
  for (const records of partitions)
    for (const [key, of] of expected(records)) deepEqual(told.get(key), of, key)
  for (const state of ['set', 'timers', 'expiry', 'state-recent'])
    deepEqual(harness.rows(`process-1-${state}`), [], `${state} is forgotten`)
}

test('what each key is told is that of a naive model', () => forSeeds(1000, oneCase))
