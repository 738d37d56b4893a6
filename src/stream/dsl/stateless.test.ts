/** Operators without state: how they treat keys, values and nulls, and which parts of a record they keep. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { Stream } from './stream.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })
const counts = topic('counts', { key: json<unknown>(), value: json<number>() })

type Numbers = Stream<string, number>

/** The output for these values, each with key `k` and its index as timestamp, as `key value @time`. */
function check(
  name: string,
  program: (numbers: Numbers) => Stream<unknown, unknown>,
  given: readonly (number | null)[],
  expected: readonly string[],
): void {
  test(name, () => {
    const app = new App('app')
    program(app.stream(input) as Numbers).to(output)
    const run = testApp(app)
    given.forEach((value, timestamp) => run.input(input).push({ key: 'k', value, timestamp }))
    deepEqual(
      run
        .output(output)
        .read()
        .map(({ key, value, timestamp }) => `${JSON.stringify(key)} ${JSON.stringify(value)} @${timestamp}`),
      expected,
    )
  })
}

check(
  'filter',
  numbers => numbers.filter((n, key) => n > 1 && key === 'k'),
  [1, 2, 3],
  ['"k" 2 @1', '"k" 3 @2'],
)
check('filterNot', numbers => numbers.filterNot((n, key) => n > 1 && key === 'k'), [1, 2], ['"k" 1 @0'])
check('mapValues', numbers => numbers.mapValues((n, key) => `${key}${n}`), [1], ['"k" "k1" @0'])
check('mapValues to null', numbers => numbers.mapValues(() => null), [1], ['"k" null @0'])
check('map', numbers => numbers.map((n, key) => [n, key]), [7], ['7 "k" @0'])
check('selectKey', numbers => numbers.selectKey((n, key) => ({ key, n })), [7], ['{"key":"k","n":7} 7 @0'])
check('selectKey to null', numbers => numbers.selectKey(() => null), [7], ['null 7 @0'])
check(
  'flatMap: none, one and many, each with the timestamp of its input',
  numbers => numbers.flatMap((n, key) => Array.from({ length: n }, (_, i) => [`${key}${i}`, n] as const)),
  [0, 1, 2],
  ['"k0" 1 @1', '"k0" 2 @2', '"k1" 2 @2'],
)
check(
  'flatMap of a generator, with keys and values of null',
  numbers =>
    numbers.flatMap(function* (n) {
      yield [null, n]
      yield [n, null]
    }),
  [1],
  ['null 1 @0', '1 null @0'],
)
check(
  'a null value is a record like any other',
  numbers => numbers.mapValues(n => n === null),
  [null],
  ['"k" true @0'],
)

test('peek sees every record and changes nothing', () => {
  const seen: unknown[] = []
  const app = new App('app')
  app
    .stream(input)
    .peek((n, key) => seen.push([key, n]))
    .to(output)
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1 }, { key: 'b', value: null })
  deepEqual(seen, [
    ['a', 1],
    ['b', null],
  ])
  equal(run.output(output).read().length, 2)
})

test('every operator that needs a key drops and counts keys of null and undefined', () => {
  for (const none of [null, undefined]) {
    const app = new App('app')
    const keyless = app.stream(input).selectKey((): unknown => none)
    keyless.groupByKey().count().to(counts)
    keyless.toTable().to(output)
    keyless.join(app.table(counts), (_, count) => count).to(output)
    app
      .stream(input)
      .groupBy(() => none)
      .reduce((_, last) => last)
      .to(counts)
    const run = testApp(app)
    run.input(input).push({ key: 'k', value: 1 })
    deepEqual([run.output(counts).read(), run.output(output).read()], [[], []])
    equal(run.metrics.dropped['null-key'], 4)
  }
})

test('values of null are dropped by aggregates, and counted', () => {
  const app = new App('app')
  const grouped = app.stream(input).groupByKey()
  grouped.count().to(counts)
  grouped.reduce((a, b) => a + b).to(counts)
  grouped.aggregate(10, (sum, n) => sum + n).to(counts)
  const run = testApp(app)
  run.input(input).push({ key: 'k', value: null }, { key: 'k', value: 3 }, { key: 'k', value: null })
  deepEqual(
    run
      .output(counts)
      .read()
      .map(({ value }) => value),
    [1, 3, 13],
  )
  equal(run.metrics.dropped['null-value'], 6)
})

test('an aggregate carries the largest timestamp of its records', () => {
  const app = new App('app')
  app.stream(input).groupByKey().count().to(counts)
  const run = testApp(app)
  for (const timestamp of [5, 9, 7, 10]) run.input(input).push({ key: 'k', value: 1, timestamp })
  deepEqual(
    run
      .output(counts)
      .read()
      .map(({ timestamp }) => timestamp),
    [5, 9, 9, 10],
  )
})

test('an initial value that is a function is called for each key', () => {
  const app = new App('app')
  app
    .stream(input)
    .groupByKey()
    .aggregate(
      () => [] as number[],
      (all, n) => [...all, n],
    )
    .to(output)
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1 }, { key: 'b', value: 2 }, { key: 'a', value: 3 })
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    [[1], [2], [1, 3]],
  )
})

test('equal keys are one, whatever the order of their properties; 1 and "1" are two', () => {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(n => (n < 3 ? (n === 1 ? { a: 1, b: 2 } : { b: 2, a: 1 }) : n === 3 ? 1 : '1'))
    .count()
    .to(counts)
  const run = testApp(app)
  for (const value of [1, 2, 3, 4]) run.input(input).push({ key: 'k', value })
  deepEqual(
    run
      .output(counts)
      .read()
      .map(({ key, value }) => [key, value]),
    [
      [{ a: 1, b: 2 }, 1],
      [{ a: 1, b: 2 }, 2],
      [1, 1],
      ['1', 1],
    ],
  )
})

test('a key that its schema transforms is grouped by the result, or fails with that advice', () => {
  const numbered = topic('numbered', { key: z.string().transform(Number), value: json<number>() })
  const raw = topic('numbered', { key: text(), value: json<number>() })
  const direct = new App('direct')
  direct.stream(numbered).groupByKey().count().to(counts)
  throws(() => testApp(direct).input(raw).push({ key: '7', value: 1 }), {
    code: 'USER_FUNCTION_FAILED',
    message: /key of topic 'numbered'.*transforms.*groupBy/,
  })
  const again = new App('again')
  again
    .stream(numbered)
    .groupBy((_, key) => key)
    .count()
    .to(counts)
  const run = testApp(again)
  run.input(raw).push({ key: '7', value: 1 }, { key: '07', value: 1 })
  deepEqual(
    run
      .output(counts)
      .read()
      .map(({ key, value }) => [key, value]),
    [
      [7, 1],
      [7, 2],
    ],
  )
})

test('the error for a record that the output topic refuses names the output', () => {
  const app = new App('app')
  const keyless = topic('keyless', { value: json<number>() })
  app
    .stream(input)
    .selectKey(() => 'k')
    .to(keyless as never, { name: 'out' })
  throws(() => testApp(app).input(input).push({ key: 'k', value: 1 }), {
    message: /operator 'out' failed: The key of topic 'keyless' .*pass null\. Fix/,
  })
})

test('a key that JSON cannot write fails its record, by the policy', () => {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(n => (n === 1 ? 1n : n))
    .count()
    .to(counts)
  const failing = testApp(app)
  throws(() => failing.input(input).push({ key: 'k', value: 1 }), {
    code: 'USER_FUNCTION_FAILED',
    message: /input-0, offset 0,.*select-key-1.*BigInt/,
  })
  const run = testApp(app, { onError: 'skip' })
  run.input(input).push({ key: 'k', value: 1 }, { key: 'k', value: 2 })
  equal(run.output(counts).read().length, 1)
  equal(run.metrics.dropped.failed, 1)
})
