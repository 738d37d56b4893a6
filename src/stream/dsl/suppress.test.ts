/** suppress in programs: fewer changes, its bounds, and what it asks of windows behind it. */
import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { SuppressOptions } from './suppress.ts'
import { tumbling } from './windows.ts'

const input = topic('input', { key: text(), value: json<number>() })
const rows = topic('rows', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

function counting(options: SuppressOptions): ReturnType<typeof testApp> {
  const app = new App('app')
  app.stream(input).groupByKey().count().suppress(10, options).to(output)
  return testApp(app)
}

const written = (run: ReturnType<typeof testApp>): string[] =>
  run
    .output(output)
    .read()
    .map(({ key, value, timestamp }) => `${JSON.stringify(key)} ${JSON.stringify(value)} @${timestamp}`)

test('of many changes of a row, the last one goes out', () => {
  const run = counting({})
  for (const timestamp of [0, 5, 9, 10]) run.input(input).push({ key: 'a', value: 1, timestamp })
  deepEqual(written(run), [])
  run.input(input).push({ key: 'b', value: 1, timestamp: 11 }, { key: 'b', value: 1, timestamp: 12 })
  deepEqual(written(run), ['"a" 4 @10'])
  run.advanceTime(Infinity)
  deepEqual(written(run), ['"b" 2 @12'])
})

test('over its bounds, changes go out early, or the run ends as its message says', () => {
  const push = (run: ReturnType<typeof testApp>): void => {
    for (const key of ['a', 'b', 'c']) run.input(input).push({ key, value: 1, timestamp: 1 })
  }
  for (const bounds of [{ maxRecords: 1 }, { maxBytes: 3 }]) {
    throws(() => push(counting({ ...bounds, whenFull: 'fail' })), {
      code: 'LIMIT_EXCEEDED',
      message: /holds 2 changes.*whenFull: 'emitEarly'/s,
    })
    const run = counting({ ...bounds, whenFull: 'emitEarly' })
    push(run)
    deepEqual(written(run).slice(0, 2), ['"a" 1 @1', '"b" 1 @1'])
  }
})

test('what happens over a bound is not said without a bound', () => {
  for (const whenFull of ['emitEarly', 'fail'] as const)
    throws(() => counting({ whenFull }), { code: 'INVALID_ARGUMENT', message: /maxRecords or maxBytes/ })
})

test('results of windows are held back by window; a stream that is joined sees what went out', () => {
  const asked = topic('asked', { key: text(), value: json<number>() })
  const app = new App('app')
  const grouped = app.stream(input).groupByKey()
  grouped.windowedBy(tumbling(100)).count().emit('changes').suppress(10).to(output)
  app
    .stream(asked)
    .leftJoin(grouped.count().suppress(10), (n, count) => [n, count])
    .to(output)
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1, timestamp: 0 }, { key: 'a', value: 1, timestamp: 5 })
  run.input(asked).push({ key: 'a', value: 1, timestamp: 5 })
  deepEqual(written(run), ['"a" [1,null] @5'])
  run.advanceTime(20)
  run.input(input).push({ key: 'a', value: 1, timestamp: 20 })
  run.input(asked).push({ key: 'a', value: 2, timestamp: 20 })
  deepEqual(written(run), ['{"end":100,"key":"a","start":0} 2 @5', '"a" [2,2] @20'])
})

test('windows behind it allow its time more; a table that moves no watermark is refused', () => {
  const build = (allowedLateness: number): void => {
    new App('app')
      .stream(input)
      .groupByKey()
      .count()
      .suppress(10)
      .toStream()
      .groupByKey()
      .windowedBy(tumbling(10, { allowedLateness }))
      .count()
  }
  throws(() => build(9), { code: 'LATENESS_SHRINKS' })
  build(10)
  throws(() => new App('app').table(rows).suppress(10), {
    code: 'INVALID_TOPOLOGY',
    message: /'rows-table'.*watermark: { outOfOrderness: 0 }/,
  })
  const timed = topic('rows', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
  new App('app').table(timed).suppress(10)
})
