/** Joins of tables in programs: what comes out, and what meets. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { Table } from './table.ts'
import { session, tumbling } from './windows.ts'

const prices = topic('prices', { key: text(), value: json<number>() })
const stocks = topic('stocks', { key: text(), value: json<number>() })
const quoted = topic('quoted', { key: json<string>(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

/** Pushes rows of one key into the topics of an app; the results, as `value @timestamp`. */
function results(app: App, rows: readonly [of: typeof prices, value: number | null, at: number][]): string[] {
  const run = testApp(app)
  for (const [of, value, timestamp] of rows) run.input(of).push({ key: 'a', value, timestamp })
  return run
    .output(output)
    .read()
    .map(({ value, timestamp }) => `${JSON.stringify(value)} @${timestamp}`)
}

type Numbers = Table<string, number>

const value = (price: number | null, stock: number | null): number =>
  stock === null ? -Number(price) : Number(price) * stock

for (const [kind, join, expected] of [
  ['join', (left: Numbers, right: Numbers) => left.join(right, value), ['2 @2', '6 @3', 'null @4']],
  [
    'leftJoin',
    (left: Numbers, right: Numbers) => left.leftJoin(right, value),
    ['-1 @1', '2 @2', '6 @3', '-3 @4', 'null @5'],
  ],
  [
    'outerJoin',
    (left: Numbers, right: Numbers) => left.outerJoin(right, value),
    ['-1 @1', '2 @2', '6 @3', '-3 @4', 'null @5'],
  ],
] as const)
  test(`${kind} of tables: changes of both sides, with keys in one form and in two`, () => {
    for (const other of [stocks, quoted]) {
      const app = new App('app')
      join(app.table(prices), app.table(other)).to(output)
      const rows: [typeof prices, number | null, number][] = [
        [prices, 1, 1],
        [other, 2, 2],
        [prices, 3, 3],
        [other, null, 4],
        [prices, null, 5],
      ]
      deepEqual(results(app, rows), expected)
    }
  })

test('a stream joins the rows of joined tables, and so does another table', () => {
  const app = new App('app')
  const table = app.table(prices)
  const joined = table.join(app.table(stocks), (price, stock) => price * stock)
  const twice = joined.leftJoin(table, (worth, price) => [worth, price])
  app
    .stream(quoted)
    .join(twice, (question, row) => [question, ...row])
    .to(output)
  const rows: [typeof prices, number, number][] = [
    [prices, 2, 1],
    [stocks, 3, 2],
    [quoted, 1, 3],
    [stocks, 4, 4],
    [quoted, 2, 5],
  ]
  deepEqual(results(app, rows), ['[1,6,2] @3', '[2,8,2] @5'])
})

test('results of windows can be joined to a table if they are kept, on either side', () => {
  const app = new App('app')
  const windows = app.stream(prices).groupByKey().windowedBy(tumbling(100)).count().emit('final')
  const kept = windows.toStream().toTable()
  for (const join of [() => windows.join(kept, () => 1), () => kept.join(windows, () => 1)])
    throws(join, {
      code: 'INVALID_TOPOLOGY',
      message: /^A table cannot be joined to 'count-1'.*toTable/,
    })
  kept.join(kept, count => count)
})

test('a table is joined to counts of its rows, as the message advises', () => {
  const build = (isAdvised: boolean): App => {
    const app = new App('app')
    const table = app.table(prices)
    const counts = table
      .toStream()
      .groupBy(price => `${price}`)
      .count()
    const side = isAdvised ? table.toStream(key => key).toTable() : table
    side.outerJoin(counts, (price, count) => [price, count]).to(output)
    return app
  }
  throws(() => build(false).plan(), {
    code: 'INVALID_TOPOLOGY',
    message: /table\.toStream\(key => key\)\.toTable/,
  })
  deepEqual(results(build(true), [[prices, 7, 1]]), ['[null,1] @1', '[7,null] @1'])
})

test('changes of joined tables come from several partitions: a session judges a late one by its own time', () => {
  const timed = topic('timed', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
  const sessions = topic('sessions', { key: windowed(text()), value: json<number>() })
  for (const [isJoined, late] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const app = new App('app')
    const table = app.table(timed)
    const read = isJoined ? table.outerJoin(app.table(stocks), price => price) : table
    read.toStream().groupByKey().windowedBy(session(10)).count().emit('final').to(sessions)
    const run = testApp(app)
    for (const timestamp of [100, 105, 97]) run.input(timed).push({ key: 'a', value: 1, timestamp })
    equal(run.metrics.dropped.late, late)
  }
})
