/**
 * A record that fails under `skip` or `deadLetter` leaves no trace: not in the state of the operators that it
 * passed, not in its windows, and not in any output. The results are the same as without it.
 */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, hopping, type RunOptions, session, type Stream, tumbling } from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })
const windows = topic('windows', { key: windowed(json<string>()), value: json<unknown>(), partitions: 1 })

type Numbers = Stream<string | null, number | null>

/** A bad record is negative, and fails at the end of each program. */
const isBad = (value: unknown): boolean => typeof value === 'number' && value < 0
const fail = (): never => {
  throw new Error('bad')
}
/** Fails on what a bad record led to. A count or a list does not show it, so a flag does. */
const state = { bad: false }
const failIfBad = <V>(value: V): V => (state.bad ? fail() : value)
const see = (value: number | null): void => {
  state.bad = isBad(value)
}

const programs: readonly [name: string, program: (numbers: Numbers) => void][] = [
  ['a count', numbers => numbers.peek(see).groupByKey().count().mapValues(failIfBad).to(output)],
  [
    'two aggregates in a row, with an exchange between',
    numbers =>
      numbers
        .peek(see)
        .groupByKey()
        .aggregate(0, (sum, value) => sum + value)
        .toStream((key, sum) => `${key} ${String(sum)}`)
        .groupByKey()
        .count()
        .mapValues(failIfBad)
        .to(output),
  ],
  [
    'a branch that has written before another one fails',
    numbers => {
      const counted = numbers.peek(see).groupByKey().count()
      counted.to(output)
      counted.toStream().mapValues(failIfBad).to(output)
    },
  ],
  ['a table', numbers => numbers.peek(see).toTable().mapValues(failIfBad).to(output)],
  [
    'joined tables, of which a bad record changes both',
    numbers => {
      const seen = numbers.peek(see)
      seen
        .toTable()
        .outerJoin(seen.groupByKey().count(), (value, count) => [value, count])
        .mapValues(failIfBad)
        .to(output)
    },
  ],
  [
    'a stream joined to itself',
    numbers => {
      const seen = numbers.peek(see)
      const pairs = seen.join(seen, (one, other) => `${one} ${other}`, { within: 6 })
      pairs.mapValues(failIfBad).to(output)
    },
  ],
  [
    'a grouped table, of which a bad record changes two groups',
    numbers =>
      numbers
        .peek(see)
        .toTable()
        .groupBy(value => [value < 0 ? 0 : value % 2, value])
        .aggregate(
          [] as readonly number[],
          (list, value) => [...list, value],
          (list, value) => list.filter(each => each !== value),
        )
        .mapValues(failIfBad)
        .to(output),
  ],
  [
    'a row that a bad record deletes',
    numbers =>
      numbers
        .peek(see)
        .groupByKey()
        .aggregate([] as readonly number[], (list, value) => (value < 0 ? null : [...list, value]))
        .toStream()
        .mapValues(failIfBad)
        .to(output),
  ],
  [
    'hopping windows, of which the second fails',
    numbers => {
      let windowsOfRecord = 0
      numbers
        .peek(value => {
          see(value)
          windowsOfRecord = 0
        })
        .groupBy((_, key) => key)
        .windowedBy(hopping(10, 5))
        .aggregate(0, (sum, value) => {
          windowsOfRecord += 1
          return state.bad && windowsOfRecord === 2 ? fail() : sum + value
        })
        .emit('changes')
        .to(windows)
    },
  ],
  [
    'windows, early and final',
    numbers => {
      const counted = numbers
        .peek(see)
        .groupBy((_, key) => key)
        .windowedBy(tumbling(10))
        .count()
      counted.emit({ early: 5 }).to(windows)
      counted
        .emit('changes')
        .mapValues(failIfBad)
        .filter(() => false)
        .to(windows)
    },
  ],
  [
    'sessions that a bad record brings together',
    numbers =>
      numbers
        .peek(see)
        .groupBy((_, key) => key)
        .windowedBy(session(3))
        .aggregate(
          0,
          (sum, value) => sum + value,
          (left, right) => left + right,
        )
        .emit('changes')
        .mapValues(failIfBad)
        .to(windows),
  ],
]

const hasExchange = new Set([
  'a grouped table, of which a bad record changes two groups',
  'two aggregates in a row, with an exchange between',
  'hopping windows, of which the second fails',
  'windows, early and final',
  'sessions that a bad record brings together',
])

const good = [1, 2, 0, 3, 4, 5, 6].map((value, n) => ({ key: `k${n % 2}`, value, timestamp: n * 2 }))
/** Each good record after a bad one, which has its key and time, or the other key. */
const mixed = good.flatMap((record, n) => [
  { ...record, value: -1 },
  ...(n % 2 === 0 ? [{ ...record, key: 'k0', value: -2 }] : []),
  record,
])

function appOf(program: (numbers: Numbers) => void): App {
  const app = new App('app')
  program(app.stream(input))
  return app
}

async function inProduction(
  program: (numbers: Numbers) => void,
  records: typeof good,
  options: RunOptions,
): Promise<unknown> {
  const world = await World.open()
  // In two runs, so that the second reads the state back.
  const half = Math.floor(records.length / 2)
  for (const part of [records.slice(0, half), records.slice(half)]) {
    await world.write('input', part)
    await world.run(appOf(program), { ...options, until: 'now' })
  }
  await world.run(appOf(program), { ...options, until: 'end' })
  return [...(await world.read('output')), ...(await world.read('windows'))].map(({ key, value }) => [
    key,
    value,
  ])
}

function underTest(program: (numbers: Numbers) => void, records: typeof good, onError: 'skip'): unknown {
  const tested = testApp(appOf(program), { onError })
  tested.input(input).push(...records)
  tested.advanceWallClock(5)
  tested.advanceTime(Number.POSITIVE_INFINITY)
  return [output, windows].flatMap(each => {
    try {
      return tested.output(each).read()
    } catch {
      return [] // the program does not write to it
    }
  })
}

for (const [name, program] of programs) {
  // Over topics a record that fails behind an exchange fails alone: the stage that sent it has committed.
  for (const exchange of hasExchange.has(name) ? (['memory'] as const) : (['memory', 'topic'] as const))
    test(`${name}: the results are those without the bad records (${exchange})`, async () => {
      const found = await inProduction(program, mixed, { onError: 'skip', exchange })
      deepEqual(found, await inProduction(program, good, { exchange }))
    })
  test(`${name}: the results are those without the bad records (testApp)`, () => {
    deepEqual(underTest(program, mixed, 'skip'), underTest(program, good, 'skip'))
  })
}

test('a result that is due and fails downstream leaves no trace there', () => {
  const app = new App('app')
  app
    .stream(input)
    .groupByKey()
    .windowedBy(tumbling(10))
    .count()
    .emit('final')
    .toStream(({ key }) => key)
    .groupByKey()
    .count()
    .mapValues(count => (count === 2 ? fail() : count))
    .to(output)
  const tested = testApp(app, { onError: 'skip' })
  tested.input(input).push(...[0, 10, 20].map(timestamp => ({ key: 'k', value: 1, timestamp })))
  tested.advanceTime(Number.POSITIVE_INFINITY)
  deepEqual(
    tested
      .output(output)
      .read()
      .map(({ value }) => value),
    [1],
  )
  equal(tested.metrics.dropped.failed, 2)
})

/** The results of a program for records 1, 2 and 3 at 1, 2 and 3, and how many failed. */
function resultsOfThree(program: (numbers: Numbers, others: Numbers) => Stream<string | null, number>) {
  const app = new App('app')
  const timed = topic('timed', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
  const empty = topic('empty', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
  program(app.stream(timed), app.stream(empty)).to(output)
  const tested = testApp(app, { onError: 'skip' })
  tested.input(timed).push(...[1, 2, 3].map(value => ({ key: 'k', value, timestamp: value })))
  tested.advanceTime(Number.POSITIVE_INFINITY)
  const values = tested
    .output(output)
    .read()
    .map(({ value }) => value)
  return { values, failed: tested.metrics.dropped.failed }
}

const failAtTwo = (value: number): number => (value === 2 ? fail() : value)

test('a function of a join that fails when the wait of a record is over: the others go out', () => {
  deepEqual(
    resultsOfThree((numbers, others) => numbers.leftJoin(others, failAtTwo, { within: 10 })),
    { values: [1, 3], failed: 1 },
  )
  deepEqual(
    resultsOfThree((numbers, others) => numbers.leftJoin(others.toTable({ history: 10 }), failAtTwo)),
    { values: [1, 3], failed: 1 },
  )
})
