/** mapAsync over a log: what was in flight when a run ended is asked again, and has one result. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: text(), value: json<number>(), partitions: 1 })
const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 1 })

type Ask = (value: number | null) => Promise<number>

function asking(ask: Ask, capacity = 100): App {
  const app = new App('app')
  const answers = app.stream(input).mapAsync(ask, { capacity })
  answers.to(output)
  answers.groupByKey().windowedBy(tumbling(10)).count().emit('final').to(counts)
  return app
}

const numbers = (from: number, to: number): { key: string; value: number; timestamp: number }[] =>
  Array.from({ length: to - from }, (_, n) => ({ key: 'k', value: from + n, timestamp: from + n }))

const valuesOf = async (world: World, name: string): Promise<number[]> =>
  (await world.read(name)).map(({ value }) => Number(value))

for (const exchange of ['memory', 'topic'] as const)
  for (const event of ['stop', 'crash'] as const)
    test(`what is in flight at a ${event} is asked again (${exchange})`, async () => {
      const world = await World.open()
      await world.write('input', numbers(0, 30))
      const asked: number[] = []
      const options = { commitInterval: 50, exchange }
      const first = world.start(
        asking(async value => {
          asked.push(value ?? 0)
          return value! < 10 ? value! : await new Promise(() => {})
        }),
        options,
      )
      await world.clock.advance(500)
      deepEqual([asked.length, (await valuesOf(world, 'output')).length], [30, 10])
      // The records in flight hold back time, but for the first ten.
      deepEqual(await valuesOf(world, 'counts'), [])
      if (event === 'stop') await world.stop(first)
      else await world.crash()
      const again: number[] = []
      const answered: Ask = async value => {
        await world.clock.sleep(100 - value!)
        again.push(value!)
        return value!
      }
      await world.run(asking(answered), { ...options, until: 'end' })
      deepEqual(
        again.toSorted((a, b) => a - b),
        numbers(10, 30).map(({ value }) => value),
      )
      deepEqual(
        await valuesOf(world, 'output'),
        numbers(0, 30).map(({ value }) => value),
      )
      deepEqual(await valuesOf(world, 'counts'), [10, 10, 10])
      deepEqual(await world.rows('app-map-async-1-waiting-changelog'), [])
    })

test('while more records wait than can be asked, no others are read', async () => {
  const world = await World.open()
  await world.write('input', numbers(0, 100), { perBatch: 10 })
  let inFlight = 0
  let most = 0
  const slow: Ask = async value => {
    most = Math.max(most, (inFlight += 1))
    await world.clock.sleep(1000)
    inFlight -= 1
    return value!
  }
  const running = world.start(asking(slow, 5), { commitInterval: 50 })
  await world.clock.advance(500)
  equal(running.instance.metrics.records, 10)
  await world.clock.advance(30_000)
  deepEqual([most, running.instance.metrics.records], [5, 100])
  ok((await valuesOf(world, 'output')).length === 100)
  await world.stop(running)
})

test('a run that ends waits for what is in flight', async () => {
  const world = await World.open()
  await world.write('input', numbers(0, 3))
  const slow: Ask = async value => {
    await world.clock.sleep(5000)
    return value!
  }
  await world.run(asking(slow), { until: 'now' })
  deepEqual(await valuesOf(world, 'output'), [0, 1, 2])
})
