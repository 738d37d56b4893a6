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
const timed = topic('timed', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
const questions = topic('questions', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
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

test('a table is joined to counts of its rows, and to counts of these', () => {
  const app = new App('app')
  const table = app.table(prices)
  const counts = table
    .toStream()
    .groupBy(price => `${price}`)
    .count()
  const countsOfCounts = counts
    .toStream()
    .groupBy(count => `counted ${count}`)
    .count()
  for (const counted of [counts, countsOfCounts])
    table.outerJoin(counted, (price, count) => [price, count]).to(output)
  deepEqual(results(app, [[prices, 7, 1]]).toSorted(), [
    '[7,null] @1',
    '[7,null] @1',
    '[null,1] @1',
    '[null,1] @1',
  ])
})

for (const [kind, rowsOf] of [
  ['a table', (app: App) => app.table(timed)],
  [
    'a table with history',
    (app: App) => app.table(timed, { history: 100, allowedLateness: 1 }).filter(price => price > 0),
  ],
] as const)
  test(`a stream is joined to ${kind} before its keys change, and after`, () => {
    for (const isFirst of [true, false]) {
      const app = new App('app')
      const table = rowsOf(app)
      const asked = app.stream(questions)
      const byValue = asked.selectKey(asking => `${asking}`)
      const [one, other] = isFirst ? [asked, byValue] : [byValue, asked]
      for (const stream of [one, other]) stream.join(table, (_, price) => price).to(output)
      const run = testApp(app)
      // The row of time 1 comes after that of time 2.
      for (const key of ['a', '7'])
        for (const time of [2, 1]) run.input(timed).push({ key, value: time, timestamp: time })
      run.input(questions).push({ key: 'a', value: 7, timestamp: 1 })
      run.advanceTime(100)
      const found = run
        .output(output)
        .read()
        .map(answer => `${answer.key as string} ${answer.value as number}`)
      deepEqual(found.toSorted(), ['7 1', 'a 1'])
    }
  })

test('changes of joined tables come from several partitions: a session judges a late one by its own time', () => {
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
