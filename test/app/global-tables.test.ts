/** Global tables in whole runs: there before the first record, followed, and read again at each start. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { isCode } from '../is-code.ts'
import { World } from './world.ts'

const orders = topic('orders', { key: text(), value: json<{ readonly city: string }>() })
const cities = topic('cities', { key: text(), value: json<string>() })
const output = topic('output', { key: text(), value: json<string>(), partitions: 1 })

function joined(of: typeof cities = cities): App {
  const app = new App('app')
  app
    .stream(orders)
    .selectKey((_, key) => `new ${key}`)
    .repartition()
    .leftJoin(
      app.globalTable(of),
      ({ city }) => city,
      (_, city, key) => `${key} in ${city}`,
    )
    .to(output)
  return app
}

/** Orders of all cities in each of two partitions; the cities are in five. */
const keys = Array.from('abcdefgh')
const ordered = (name: string) =>
  keys.map((city, n) => ({ key: `${name}${city}`, value: { city }, partition: n % 2 }))
const named = keys.map((key, n) => ({ key, value: JSON.stringify(`city ${key}`), partition: n % 5 }))

const written = async (world: World): Promise<string[]> =>
  (await world.read('output')).map(({ value }) => String(JSON.parse(value ?? ''))).toSorted()
const expected = (name: string): string[] => keys.map(city => `new ${name}${city} in city ${city}`)

for (const exchange of ['memory', 'topic'] as const)
  test(`each record finds its row, whatever the partitions; a later run reads the table again (${exchange})`, async () => {
    const world = await World.open()
    await world.write('orders', ordered('x'), { partitions: 2 })
    await world.write('cities', named, { partitions: 5 })
    await world.run(joined(), { until: 'now', exchange })
    deepEqual(await written(world), expected('x'))
    await world.reopen()
    await world.write('orders', ordered('y'))
    await world.write('cities', [{ key: 'a', value: null }])
    await world.run(joined(), { until: 'now', exchange })
    deepEqual(
      await written(world),
      [...expected('x'), ...expected('y').map((one, n) => (n === 0 ? 'new ya in null' : one))].toSorted(),
    )
    const own = (await world.port.listTopics({ internal: true })).filter(({ name }) =>
      /cities|global/.test(name),
    )
    deepEqual(
      own.map(({ name }) => name),
      ['cities'],
    )
  })

test('a live run follows the topic, and a crash loses nothing', async () => {
  const world = await World.open()
  await world.write('orders', [], { partitions: 2 })
  await world.write('cities', named, { partitions: 5 })
  world.start(joined())
  await world.clock.advance(500)
  await world.write('cities', [{ key: 'a', value: JSON.stringify('Aachen') }])
  await world.clock.advance(500)
  await world.write('orders', [{ key: '1', value: { city: 'a' } }])
  await world.clock.advance(500)
  await world.crash()
  const running = world.start(joined())
  await world.clock.advance(500)
  await world.write('cities', [{ key: 'a', value: null }])
  await world.clock.advance(500)
  await world.write('orders', [
    { key: '2', value: { city: 'a' } },
    { key: '3', value: { city: 'b' } },
  ])
  await world.clock.advance(500)
  await world.stop(running)
  deepEqual(await written(world), ['new 1 in Aachen', 'new 2 in null', 'new 3 in city b'])
})

test('a record that is not a row ends the run, or is counted at each start', async () => {
  const world = await World.open()
  await world.write('orders', ordered('x'), { partitions: 2 })
  await world.write('cities', [...named, { key: 'a', value: '{' }], { partitions: 5 })
  await rejects(world.run(joined(), { until: 'now' }), isCode('MALFORMED_RECORD', /cities-0, offset 2/))
  for (const onError of ['skip', { deadLetter: 'letters' }] as const) {
    const { metrics } = await world.run(joined(), { until: 'now', restart: true, onError })
    equal(metrics.dropped.malformed, 1)
    equal(metrics.deadLetters, 0)
  }
})

test('a topic that is missing is made by a live run, and refused by a bounded one', async () => {
  const world = await World.open()
  await world.write('orders', ordered('x'), { partitions: 2 })
  await rejects(world.run(joined(), { until: 'now' }), isCode('UNKNOWN_TOPIC', /'cities'/))
  const running = world.start(joined(topic('cities', { key: text(), value: json<string>(), partitions: 3 })))
  await world.clock.advance(500)
  await world.stop(running)
  equal((await world.port.describeTopic('cities'))?.partitions, 3)
})

test('a run that is stopped while it reads the table does not begin', async () => {
  const world = await World.open()
  await world.write('orders', ordered('x'), { partitions: 2 })
  await world.write('cities', named, { partitions: 5 })
  const stopping = new AbortController()
  const running = world.start(joined(), { signal: stopping.signal })
  stopping.abort()
  await world.stop(running)
  deepEqual(await written(world), [])
})
