/** A stream joined to a table with history, in runs that are stopped and changed while records wait. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const watermark = { outOfOrderness: 0 }
const prices = topic('prices', { key: text(), value: json<number>(), watermark })
const orders = topic('orders', { key: text(), value: json<number>(), watermark })
const output = topic('output', { key: text(), value: json<number>(), partitions: 1 })

function paying(allowedLateness: number): App {
  const app = new App('app')
  app
    .stream(orders)
    .join(app.table(prices, { history: 1000, allowedLateness }), (pieces, price) => pieces * price)
    .to(output)
  return app
}

for (const [before, after] of [
  [20, 20],
  [200, 20],
] as const)
  test(`records that wait are answered by the next run; its lateness is ${after} after ${before}`, async () => {
    const world = await World.open()
    const at = (timestamp: number, value: number) => ({ key: 'a', value: `${value}`, timestamp })
    await world.write('prices', [at(10, 100), at(100, 200)])
    await world.write('orders', [at(50, 1), at(99, 2), at(100, 3)])
    await world.run(paying(before), { until: 'now', exchange: 'topic' })
    await world.reopen()
    await world.run(paying(after), { until: 'end', exchange: 'topic' })
    const results = await world.read('output')
    deepEqual(
      results.map(({ value, timestamp }) => `${value} @${timestamp}`),
      ['100 @50', '200 @99', '600 @100'],
    )
    deepEqual(await world.rows('app-as-of-join-1-waiting-changelog'), [])
  })
