/** repartition: what follows runs in as many tasks as the program says, with the same results. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, type Stream } from '../../src/stream/index.ts'
import { isCode } from '../is-code.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const rows = topic('rows', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

const keys = Array.from('abcdefghijkl')
const perKey = keys.map(key => ({ key, value: 1 }))

function appOf(program: (numbers: Stream<string | null, number | null>, app: App) => void): App {
  const app = new App('app')
  program(app.stream(input), app)
  return app
}

const counting = (partitions: number): App =>
  appOf(numbers => numbers.repartition({ partitions, name: 'spread' }).groupByKey().count().to(output))

async function written(world: World): Promise<string[]> {
  return (await world.read('output')).map(({ key, value }) => `${key} ${value}`).toSorted()
}

for (const exchange of ['memory', 'topic'] as const)
  test(`one partition becomes four tasks, which count each key once (${exchange})`, async () => {
    const world = await World.open()
    await world.write('input', perKey)
    await world.run(counting(4), { until: 'now', exchange })
    await world.write('input', perKey)
    await world.run(counting(4), { until: 'now', exchange })
    deepEqual(await written(world), keys.flatMap(key => [`"${key}" 1`, `"${key}" 2`]).toSorted())
    const state = await world.rows('app-count-1-aggregate-changelog')
    equal(new Set(state.map(row => row.split(' ')[0])).size, 4)
    const between = await world.port.describeTopic('app-spread-repartition')
    equal(between?.partitions, exchange === 'topic' ? 4 : undefined)
    // State by another count would be looked for in the wrong place.
    const changed = world.run(counting(3), { until: 'end', exchange })
    await rejects(changed, isCode('PARTITION_COUNT_CHANGED', /in 4 partitions.* 3.*repartition.*restart/s))
    await world.run(counting(3), { until: 'end', exchange, restart: true })
  })

test('records without a key pass, and the count is that of the input if none is stated', async () => {
  const world = await World.open()
  await world.write('input', [{ key: null, value: 1 }, ...perKey.map(each => ({ ...each, partition: 1 }))], {
    partitions: 2,
  })
  const app = appOf(numbers => numbers.repartition().to(output))
  await world.run(app, { until: 'end', exchange: 'topic' })
  deepEqual(await written(world), [...keys.map(key => `"${key}" 1`), 'null 1'])
  equal((await world.port.describeTopic('app-input-exchange-repartition'))?.partitions, 2)
})

const joined = (partitions: number, isMoved: boolean): App =>
  appOf((numbers, app) => {
    const spread = numbers.repartition({ partitions })
    const side = isMoved ? spread.selectKey((_, key) => key) : spread
    side.join(app.table(rows), (n, row) => n + row).to(output)
  })

test('a table has to have the stated count, or is created with it; the advice of the refusal leads to a result', async () => {
  const world = await World.open()
  await world.write('input', perKey)
  const start = world.start(joined(3, false))
  await world.clock.advance(1000)
  await world.stop(start)
  equal((await world.port.describeTopic('rows'))?.partitions, 3)
  const other = world.run(joined(2, false), { until: 'end', restart: true })
  await rejects(other, isCode('NOT_COPARTITIONED', /'rows' \(3 partitions\) and 'input-exchange' \(2\)/))
  await world.run(joined(2, true), { until: 'end', restart: true })
})
