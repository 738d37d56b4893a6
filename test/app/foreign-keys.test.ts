/**
 * Tables without watermarks, whose records go over exchanges, in whole runs: bounded, live, restarted.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const orders = topic('orders', { key: text(), value: json<{ readonly of: string }>() })
const customers = topic('customers', { key: text(), value: json<string>() })
const output = topic('output', { key: text(), value: json<string>(), partitions: 1 })

function joined(): App {
  const app = new App('app')
  app
    .table(orders)
    .leftJoin(
      app.table(customers),
      ({ of }) => of,
      (_, customer, key) => `${key} of ${customer ?? 'nobody'}`,
    )
    .to(output)
  return app
}

async function rowsOf(world: World): Promise<string[]> {
  const rows = new Map<string | null, string | null>()
  for (const { key, value } of await world.read('output')) rows.set(key, value)
  return [...rows.values()].map(String).toSorted()
}

async function fill(world: World): Promise<void> {
  await world.write(
    'orders',
    ['a', 'b', 'c'].map((of, n) => ({ key: `o${n}`, value: { of }, partition: n % 2 })),
    { partitions: 2 },
  )
  await world.write(
    'customers',
    ['a', 'b'].map((key, n) => ({ key, value: JSON.stringify(`name ${key}`), partition: n })),
    { partitions: 3 },
  )
}

const expected = ['"o0 of name a"', '"o1 of name b"', '"o2 of nobody"']

for (const exchange of ['memory', 'topic'] as const)
  for (const until of ['now', 'end'] as const)
    test(`a run until '${until}' joins all rows (${exchange})`, async () => {
      const world = await World.open()
      await fill(world)
      await world.run(joined(), { until, exchange })
      deepEqual(await rowsOf(world), expected)
    })

test('a run until the end that commits early still reads what tables send over topics', async () => {
  const world = await World.open()
  await fill(world)
  await world.run(joined(), { until: 'end', exchange: 'topic', dirtyBytesMax: 1 })
  deepEqual(await rowsOf(world), expected)
})

test('so does one in which the table meets a stream without records', async () => {
  const world = await World.open()
  await world.write(
    'customers',
    ['a', 'b', 'c'].map(key => ({ key, value: '"new"' })),
    { perBatch: 1 },
  )
  await world.write('orders', [])
  const app = new App('app')
  const table = app.table(customers)
  app
    .stream(orders)
    .join(table, (_, customer) => customer)
    .merge(table.toStream().mapValues(String))
    .groupBy(value => value)
    .count()
    .toStream()
    .mapValues(String)
    .to(output)
  await world.run(app, { until: 'end', exchange: 'topic', dirtyBytesMax: 1 })
  deepEqual(await rowsOf(world), ['"3"'])
})

test('a run until the end that power cuts off continues with what tables have sent', async () => {
  const world = await World.open()
  await fill(world)
  const { instance } = world.start(joined(), { until: 'end', exchange: 'topic', dirtyBytesMax: 1 })
  for (let ms = 0; instance.metrics.commits < 3 && ms < 1000; ms += 1) await world.clock.advance(1)
  await world.crash()
  await world.run(joined(), { until: 'end', exchange: 'topic' })
  deepEqual(await rowsOf(world), expected)
})

for (const exchange of ['memory', 'topic'] as const)
  test(`a live run continues after a crash (${exchange})`, async () => {
    const world = await World.open()
    await fill(world)
    world.start(joined(), { exchange, commitInterval: 10 })
    await world.clock.advance(5)
    await world.crash()
    let running = world.start(joined(), { exchange, commitInterval: 10 })
    await world.clock.advance(2000)
    deepEqual(await rowsOf(world), expected)
    await world.write('customers', [{ key: 'c', value: JSON.stringify('name c'), partition: 2 }])
    await world.clock.advance(2000)
    await world.stop(running)
    running = world.start(joined(), { exchange })
    await world.write('customers', [{ key: 'a', value: null, partition: 0 }])
    await world.clock.advance(2000)
    await world.stop(running)
    deepEqual(await rowsOf(world), ['"o0 of nobody"', '"o1 of name b"', '"o2 of name c"'])
  })
