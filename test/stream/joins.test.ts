/**
 * Joins of streams against a naive model: all pairs of records that are not late. Random times, bounds, late
 * records, partitions, exchanges, interleavings, batch sizes, commits and crashes. In every case each result
 * comes once, windows over the results take all of them, and no state is left.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForBinary, type Random } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import {
  App,
  hopping,
  type JoinOptions,
  type RecordContext,
  type Stream,
  tumbling,
} from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { type OracleRecord, withWatermarks } from './oracle.ts'
import { runAtRandom } from './random-run.ts'
import { TaskHarness } from './task-harness.ts'

type Numbers = Stream<string | null, number | null>
type Kind = 'join' | 'leftJoin' | 'outerJoin'
type Result = readonly [key: string | null, left: number | null, right: number | null, timestamp: number]

type Results = Stream<string, Result> | Stream<string | null, Result>

interface Event extends OracleRecord {
  /** Empty for none. */
  readonly key: string
}

const resultOf = (
  left: number | null,
  right: number | null,
  key: string | null,
  at: RecordContext,
): Result => [key, left, right, at.timestamp]

const joins: Readonly<Record<Kind, (left: Numbers, right: Numbers, times: JoinOptions) => Results>> = {
  join: (left, right, times) => left.join(right, resultOf, times),
  leftJoin: (left, right, times) => left.leftJoin(right, resultOf, times),
  outerJoin: (left, right, times) => left.outerJoin(right, resultOf, times),
}

const outputs = topic('outputs', { key: text(), value: json<Result>() })
const counts = topic('counts', { key: windowed(text()), value: json<number>() })
/** Of the windows over the results. */
const sizeMs = 20

/** One side at random: its records by partition, with their watermarks, and those that are not late. */
function sideAtRandom(name: string, random: Random, partitions: number, allowedLateness: number) {
  const outOfOrderness = random.int(60)
  const records: Event[][] = Array.from({ length: partitions }, () => [])
  const total = random.int(25)
  const [disorder, step] = [random.int(80), [1, 5, 10][random.int(3)]!]
  for (let value = 0; value < total; value += 1) {
    const key = ['a', 'b', 'c', ''][random.int(4)]!
    const timestamp = Math.max(0, value * (400 / total) - random.int(disorder + 1))
    records[key === '' ? random.int(partitions) : partitionForBinary(key, partitions)]!.push({
      key,
      value,
      timestamp: step * Math.floor(timestamp / step),
    })
  }
  const judged = records.flatMap(each => withWatermarks(each, outOfOrderness))
  const taken = judged
    .filter(
      ({ record: { key, timestamp }, watermark }) => key === '' || watermark <= timestamp + allowedLateness,
    )
    .map(({ record }) => record)
  return {
    judged,
    taken,
    input: topic(name, { key: text(), value: json<number>(), watermark: { outOfOrderness } }),
    records: records.map(each =>
      each.map(({ key, value, timestamp }) => ({ key: key === '' ? null : key, value, timestamp })),
    ),
  }
}

/** All pairs, and what is alone on a preserved side. */
function resultsOf(
  kind: Kind,
  lefts: readonly Event[],
  rights: readonly Event[],
  before: number,
  after: number,
) {
  const meet = (left: Event, right: Event): boolean =>
    left.key !== '' &&
    left.key === right.key &&
    right.timestamp >= left.timestamp - before &&
    right.timestamp <= left.timestamp + after
  const found: Result[] = []
  for (const left of lefts) {
    const matches = rights.filter(right => meet(left, right))
    for (const right of matches)
      found.push([left.key, left.value, right.value, Math.max(left.timestamp, right.timestamp)])
    if (matches.length === 0 && kind !== 'join')
      found.push([left.key || null, left.value, null, left.timestamp])
  }
  if (kind === 'outerJoin')
    for (const right of rights)
      if (!lefts.some(left => meet(left, right)))
        found.push([right.key || null, null, right.value, right.timestamp])
  return found
}

const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)
const inOrder = (results: readonly unknown[]): string[] =>
  results.map(each => JSON.stringify(each)).toSorted()

for (const kind of ['join', 'leftJoin', 'outerJoin'] as const)
  test(`${kind} of streams`, () =>
    forSeeds(3000, random => {
      const before = random.int(60) - 20
      const after = random.int(60) - Math.min(before, 20)
      const allowedLateness = random.int(2) * random.int(60)
      const reKeys = [random.int(2) === 0, random.int(2) === 0] as const
      const partitions = 1 + random.int(3)
      const left = sideAtRandom('lefts', random, partitions, allowedLateness)
      const ofRight = reKeys[0] || reKeys[1] ? 1 + random.int(3) : partitions
      const right = sideAtRandom('rights', random, ofRight, allowedLateness)

      const app = new App('app')
      const side = ({ input }: typeof left, reKey: boolean): Numbers =>
        reKey ? app.stream(input).selectKey((_, key) => key) : app.stream(input)
      const joined = joins[kind](side(left, reKeys[0]), side(right, reKeys[1]), {
        before,
        after,
        allowedLateness,
      })
      joined.to(outputs)
      const reach = { join: 0, leftJoin: after, outerJoin: Math.max(before, after) }[kind]
      joined
        .groupByKey()
        .windowedBy(tumbling(sizeMs, { allowedLateness: allowedLateness + Math.max(0, reach) }))
        .count()
        .emit('final')
        .to(counts)

      const rowsPerTurn = [undefined, 1, 3][random.int(3)]
      const harness = new TaskHarness(
        app,
        new Map([
          ['lefts', left.records],
          ['rights', right.records],
        ]),
        rowsPerTurn === undefined ? {} : { rowsPerTurn },
      )
      runAtRandom(harness, random)

      const expected = resultsOf(kind, left.taken, right.taken, before, after)
      const found = harness.outputs.filter(each => each.topic === 'outputs')
      deepEqual(inOrder(found.map(({ value }) => value)), inOrder(expected))
      deepEqual(
        found.filter(({ timestamp, value }) => timestamp !== (value as Result)[3]),
        [],
      )
      const byWindow = Map.groupBy(
        expected.filter(([key]) => key !== null),
        ([key, , , timestamp]) => `${key} ${Math.floor(timestamp / sizeMs) * sizeMs}`,
      )
      deepEqual(
        inOrder(
          [...harness.table('counts')].map(([key, [count]]) => {
            const window = JSON.parse(key) as { key: string; start: number }
            return [`${window.key} ${window.start}`, count]
          }),
        ),
        inOrder([...byWindow].map(([window, { length }]) => [window, length])),
      )
      deepEqual(harness.rows('stream-'), [])
    }))

/** The records of a side that are in a window, and not late for it. */
const inWindow = (
  { judged }: ReturnType<typeof sideAtRandom>,
  start: number,
  end: number,
  lateness: number,
) =>
  judged
    .filter(
      ({ record: { timestamp }, watermark }) =>
        timestamp >= start && timestamp < end && watermark < end + lateness,
    )
    .map(({ record }) => record)

test('coGroup of streams: both sides of each window, and each pair of it once', () =>
  forSeeds(2000, random => {
    const advance = 5 * (1 + random.int(8))
    const size = advance * (1 + random.int(3))
    const allowedLateness = random.int(2) * random.int(60)
    const partitions = 1 + random.int(3)
    const left = sideAtRandom('lefts', random, partitions, 0)
    const isReKeyed = random.int(2) === 0
    const right = sideAtRandom('rights', random, isReKeyed ? 1 + random.int(3) : partitions, 0)
    const app = new App('app')
    const rights = app.stream(right.input)
    const both = app
      .stream(left.input)
      .coGroup(
        isReKeyed ? rights.selectKey((_, key) => key) : rights,
        hopping(size, advance, { allowedLateness }),
      )
    const sides = topic('sides', { key: windowed(text()), value: json<[number[], number[]]>() })
    const pairs = topic('pairs', { key: windowed(text()), value: json<string>() })
    both
      .emit('final')
      .mapValues(({ left: lefts, right: others }): [number[], number[]] => [
        ascending(lefts),
        ascending(others),
      ])
      .to(sides)
    both.join((one, other) => `${one} ${other}`).to(pairs)
    const harness = new TaskHarness(
      app,
      new Map([
        ['lefts', left.records],
        ['rights', right.records],
      ]),
    )
    runAtRandom(harness, random)

    const expectedSides: unknown[] = []
    const expectedPairs: unknown[] = []
    for (const key of ['a', 'b', 'c'])
      for (let start = -size; start < 500; start += advance) {
        const window = { key, start, end: start + size }
        const [lefts, others] = [left, right].map(side =>
          inWindow(side, start, start + size, allowedLateness)
            .filter(each => each.key === key)
            .map(({ value }) => value),
        ) as [number[], number[]]
        if (lefts.length + others.length > 0)
          expectedSides.push([
            JSON.stringify(window),
            [[ascending(lefts), ascending(others)], start + size - 1],
          ])
        for (const one of lefts) for (const other of others) expectedPairs.push([window, `${one} ${other}`])
      }
    deepEqual(inOrder([...harness.table('sides')]), inOrder(expectedSides))
    const foundPairs = harness.outputs.filter(each => each.topic === 'pairs')
    deepEqual(inOrder(foundPairs.map(({ key, value }) => [key, value])), inOrder(expectedPairs))
    deepEqual(harness.rows('co-group'), [])
  }))
