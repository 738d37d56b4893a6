/** Records between the stages that no commit counts: a loss of power under durability 'os' leaves them. */
import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { batch } from '../../src/port/conformance/harness.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, type RunOptions } from '../../src/stream/index.ts'
import { isCode } from '../is-code.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<number>(), partitions: 1 })
const between = 'app-select-key-1-exchange-repartition'
const options: RunOptions = { until: 'now', exchange: 'topic' }

function program(): App {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(n => `mod ${(n ?? 0) % 4}`)
    .count()
    .toStream()
    .to(output)
  return app
}

async function write(world: World, from: number): Promise<void> {
  const records = Array.from({ length: 8 }, (_, n) => ({
    key: `k${n}`,
    value: from + n,
    timestamp: n,
    partition: n % 2,
  }))
  await world.write('input', records, { partitions: 2, perBatch: 3 })
}

/** Writes to the topic between the stages, as a transaction whose offsets were lost has. */
async function send(world: World, partition: number, outcome: 'commit' | 'abort'): Promise<void> {
  const writer = await world.settle(world.port.openWriter({ transactionalId: 'lost', app: 'app' }))
  await world.settle(writer.append(between, partition, batch(['1'])))
  await world.settle(writer[outcome]())
  await world.settle(writer.close())
}

for (const partition of [0, 1])
  test(`records sent to partition ${partition} that no commit counts are refused, and aborted ones are not`, async () => {
    const world = await World.open()
    await write(world, 0)
    await world.run(program(), options)
    await send(world, partition, 'abort')
    await write(world, 8)
    await world.run(program(), options)
    await send(world, partition, 'commit')
    await rejects(
      world.run(program(), options),
      isCode('STATE_INCOMPATIBLE', new RegExp(`${between}-${partition} or later.*does not count them`)),
    )
    await world.run(program(), { ...options, restart: true })
    const counts = new Map((await world.read('output')).map(({ key, value }) => [key, Number(value)]))
    deepEqual([...counts.values()], [4, 4, 4, 4])
  })

test('at least once, such records are read: a crash may leave them', async () => {
  const world = await World.open()
  const atLeastOnce: RunOptions = { ...options, guarantee: 'at-least-once' }
  await write(world, 0)
  await world.run(program(), atLeastOnce)
  await send(world, 0, 'commit')
  // It is read, and lacks what an exchange would have given it.
  await rejects(world.run(program(), atLeastOnce), isCode('MALFORMED_RECORD'))
})
