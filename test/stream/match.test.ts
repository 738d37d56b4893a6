/**
 * Random events, out of order and late: the matches of each key, and what times out, are those of naive
 * models, for any interleaving of partitions, turns, commits and crashes; and nothing is left.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, pattern } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { inTime } from './oracle.ts'
import { runAtRandom } from './random-run.ts'
import { type InputRecord, TaskHarness } from './task-harness.ts'

const outOfOrderness = 12
const watermark = { outOfOrderness }
const input = topic('input', { key: text(), value: json<number>(), watermark })
/** Holds back the time of the tasks. */
const names = topic('names', { key: text(), value: json<number>(), watermark })
const found = topic('found', { key: text(), value: json<string>() })
const withinMs = 30

/** An event of the model: the rest of its value says what it is. */
interface Event extends InputRecord {
  readonly value: number
}

const isKind = (kind: number) => (value: number) => value % 4 === kind
const begin = pattern<number>().begin('a', isKind(0))

/** The naive models: the matches of events in order, and what is not complete in its time. */
const models = {
  'a followedByAny b': {
    said: begin.followedByAny('b', isKind(1)).within(withinMs),
    *matches(events: readonly Event[]) {
      for (const [i, one] of events.entries())
        for (const other of events.slice(i + 1))
          if (isKind(0)(one.value) && isKind(1)(other.value) && other.timestamp - one.timestamp < withinMs)
            yield `${one.value} ${other.value} @${other.timestamp}`
    },
    isTimedOut: () => true,
  },
  'a next b': {
    said: begin.next('b', isKind(1)).within(withinMs),
    *matches(events: readonly Event[]) {
      for (const [i, one] of events.entries()) {
        const other = events[i + 1]
        if (
          other &&
          isKind(0)(one.value) &&
          isKind(1)(other.value) &&
          other.timestamp - one.timestamp < withinMs
        )
          yield `${one.value} ${other.value} @${other.timestamp}`
      }
    },
    isTimedOut: (events: readonly Event[], i: number) => {
      const other = events[i + 1]
      return !other || other.timestamp - events[i]!.timestamp >= withinMs
    },
  },
  'a not followedBy b': {
    said: begin.notFollowedBy(isKind(1)).within(withinMs),
    *matches(events: readonly Event[]) {
      for (const [i, { value, timestamp }] of events.entries()) {
        const last = timestamp + withinMs - 1
        const hasB = events.slice(i + 1).some(other => isKind(1)(other.value) && other.timestamp <= last)
        if (isKind(0)(value) && !hasB) yield `${value} @${last}`
      }
    },
    isTimedOut: () => false,
  },
} as const

function oneCase(random: Random): void {
  const model = Object.values(models)[random.int(3)]!
  const app = new App('app')
  const both = app
    .stream(input)
    .leftJoin(app.table(names), n => n)
    .match(model.said)
  both.matches
    .mapValues((match, _key, { timestamp }) => `${Object.values(match).flat().join(' ')} @${timestamp}`)
    .to(found)
  both.timedOut.mapValues(({ a }, _key, { timestamp }) => `timed out: ${a.join(' ')} @${timestamp}`).to(found)
  let n = 0
  const recordsOf = (count: number, disorder: number, keys: string): Event[] =>
    Array.from({ length: count }, (_, i) => ({
      key: keys[random.int(2)]!,
      // Unique, and of a random kind.
      value: 4 * (n += 1) + random.int(3),
      timestamp: Math.max(0, i * 4 + random.int(disorder) - disorder / 2),
    }))
  const partitions = [recordsOf(40, 40, 'ab'), recordsOf(40, 40, 'xy')]
  const inputs = new Map([
    ['input', partitions],
    ['names', [recordsOf(10, 20, 'ab'), recordsOf(10, 20, 'xy')]],
  ])
  const harness = new TaskHarness(app, inputs, { rowsPerTurn: 1 + random.int(4) })
  runAtRandom(harness, random)

  const expected = new Map<unknown, string[]>()
  for (const [key, own] of Map.groupBy(inTime(partitions, outOfOrderness), each => each.key)) {
    const events = own.toSorted((one, other) => one.timestamp - other.timestamp)
    const timedOut = events.flatMap(({ value, timestamp }, i) =>
      isKind(0)(value) && model.isTimedOut(events, i)
        ? [`timed out: ${value} @${timestamp + withinMs - 1}`]
        : [],
    )
    expected.set(key, [...model.matches(events), ...timedOut].toSorted())
  }
  const told = Map.groupBy(harness.outputs, each => each.key)
  for (const [key, all] of expected)
    deepEqual((told.get(key) ?? []).map(each => String(each.value)).toSorted(), all, String(key))
  deepEqual(harness.rows('match-1'), [], 'all is forgotten')
}

test('the matches, and what times out, are those of naive models', () => forSeeds(1500, oneCase))
