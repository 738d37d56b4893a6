/** Tables with history in programs: what a join finds, and what is refused. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { TableOptions } from './history.ts'
import { tumbling } from './windows.ts'

const prices = topic('prices', { key: text(), value: json<number>(), watermark: { outOfOrderness: 10 } })
const orders = topic('orders', { key: text(), value: json<number>() })
/** The orders, where they move the watermark. */
const timed = topic('orders', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
const output = topic('output', { key: text(), value: json<unknown>() })

/** Prices and orders, each `[value, timestamp]`; what is paid, as `value @timestamp`. */
function paid(program: (app: App) => void, of: { readonly prices: Row[]; readonly orders: Row[] }) {
  const app = new App('app')
  program(app)
  const run = testApp(app)
  for (const [value, timestamp] of of.prices) run.input(prices).push({ key: 'a', value, timestamp })
  for (const [value, timestamp] of of.orders) run.input(orders).push({ key: 'a', value, timestamp })
  run.advanceTime(Infinity)
  const results = run.output(output).read()
  return { run, results: results.map(({ value, timestamp }) => `${JSON.stringify(value)} @${timestamp}`) }
}

type Row = readonly [value: number, timestamp: number]

const rising: Row[] = [
  [100, 10],
  [200, 20],
  [150, 15],
  [300, 30],
]

test('an order pays the price of its time, also if the price came out of order; a filter applies to the past', () => {
  const { results } = paid(
    app => {
      const old = app
        .table(prices, { history: 100 })
        .mapValues((price, key) => (price === 200 ? null : key + price))
      app
        .stream(orders)
        .leftJoin(old, (n, price) => [n, price])
        .to(output)
    },
    {
      prices: rising,
      orders: [
        [1, 5],
        [2, 12],
        [3, 17],
        [4, 25],
        [5, 35],
      ],
    },
  )
  deepEqual(results, ['[1,null] @5', '[2,"a100"] @12', '[3,"a150"] @17', '[4,null] @25', '[5,"a300"] @35'])
})

test('a stream becomes a table with history; its changes are those of the latest row', () => {
  const { results } = paid(app => app.stream(prices).toTable({ history: '1h' }).to(output), {
    prices: rising,
    orders: [],
  })
  deepEqual(results, ['100 @10', '200 @20', '300 @30'])
})

test('a change that is later than allowed is counted, and has no effect', () => {
  const { run, results } = paid(
    app =>
      app
        .stream(orders)
        .join(app.table(prices, { history: 100, allowedLateness: 5 }), (n, price) => n * price)
        .to(output),
    {
      prices: [
        [1, 10],
        [2, 40],
        // The watermark is 30.
        [3, 25],
        [4, 24],
      ],
      orders: [
        [1, 24],
        [1, 25],
      ],
    },
  )
  deepEqual(results, ['1 @24', '3 @25'])
  equal(run.metrics.dropped.late, 1)
})

test('changes and orders that come too late are side outputs, of a filtered table, too', () => {
  const late: unknown[] = []
  const { run, results } = paid(
    app => {
      const table = app
        .table(prices, { history: 20 })
        .filter(price => price !== 3)
        .mapValues(price => ({ price }))
      const joined = app.stream(timed).join(table, (n, { price }) => n * price)
      joined.to(output)
      joined.late().forEach((n, key, { timestamp }) => late.push(`order ${n} of ${key} @${timestamp}`))
      table.late().forEach((price, key, { timestamp }) => late.push(`${price} of ${key} @${timestamp}`))
      equal(table.late(), table.late())
    },
    {
      prices: [
        [1, 10],
        [2, 60],
        // The watermark is 50.
        [3, 49],
      ],
      orders: [
        [1, 60],
        // The watermark is 60.
        [5, 40],
        [7, 39],
      ],
    },
  )
  deepEqual(results, ['5 @40', '2 @60'])
  deepEqual(late, ['3 of a @49', 'order 7 of a @39'])
  equal(run.metrics.dropped.late, 0)
  equal(run.metrics.sideOutput.late, 2)
})

test('results wait for changes of the table, so windows behind the join allow as much', () => {
  const build = (allowedLateness: number): App => {
    const app = new App('app')
    app
      .stream(orders)
      .join(app.table(prices, { history: 100, allowedLateness: 5 }), (n, price) => n * price)
      .groupByKey()
      .windowedBy(tumbling(10, { allowedLateness }))
      .count()
      .emit('final')
      .to(topic('counts', { key: windowed(text()), value: json<number>() }))
    return app
  }
  throws(() => build(4), { code: 'LATENESS_SHRINKS' })
  build(5).plan()
})

test('a history of results that may come later than it allows is refused', () => {
  const toTable = (options: TableOptions) => () =>
    new App('app')
      .stream(orders)
      .groupByKey()
      .windowedBy(tumbling(10, { allowedLateness: 5 }))
      .count()
      .emit('final')
      .toStream()
      .toTable(options)
  throws(toTable({ history: 100 }), { code: 'LATENESS_SHRINKS' })
  toTable({ history: 100, allowedLateness: 5 })()
})

test('a history needs a watermark; an allowed lateness needs a history', () => {
  const build = (options: TableOptions) => () => new App('app').table(orders, options)
  throws(build({ history: '1h' }), {
    code: 'INVALID_TOPOLOGY',
    message: /'orders'.*watermark: { outOfOrderness: 0 }/,
  })
  throws(build({ allowedLateness: '1h' }), { code: 'INVALID_ARGUMENT', message: /'orders'.*{ history }/ })
  throws(build({ history: 0 }), { code: 'INVALID_ARGUMENT' })
  throws(() => new App('app').table(orders).toStream().toTable({ history: '1h' }), {
    code: 'INVALID_TOPOLOGY',
  })
  const app = new App('app')
  app.table(prices)
  throws(() => app.table(prices, { history: '1h' }), {
    code: 'INVALID_TOPOLOGY',
    message: /where the table is made/,
  })
  const advised = topic('orders', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
  new App('app').table(advised, { history: '1h' }).toStream().toTable({ history: '1h' })
})

test('a change that is late for a history kept twice is counted once', () => {
  const late = [...rising, [100, 5] as const]
  const { run } = paid(
    app => {
      const table = app.table(prices, { history: 100 })
      app
        .stream(orders)
        .join(table, (_, price) => price)
        .selectKey((_, key) => key)
        .join(table, (_, price) => price)
        .to(output)
    },
    { prices: late, orders: [[1, 12]] },
  )
  equal(run.metrics.dropped.late, 1)
})
