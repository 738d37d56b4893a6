/**
 * An exchange over topics between many partitions: a task's progress upstream fits into the metadata of its
 * offset, and takes few records.
 */
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { World } from './world.ts'

const partitions = 260
const input = topic('input', { key: text(), value: json<number>() })
const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 1 })

function counting(): App {
  const app = new App('app')
  app
    .stream(input)
    .groupBy((_, key) => `${key}!`, { name: 'again' })
    .windowedBy(tumbling(100))
    .count()
    .emit('final')
    .to(counts)
  return app
}

test(`an app over ${partitions} partitions counts, is interrupted, and continues`, async () => {
  const world = await World.open()
  const records = (
    timestamp: number,
  ): { key: string; value: number; timestamp: number; partition: number }[] =>
    Array.from({ length: partitions }, (_, partition) => ({
      key: `k${partition}`,
      value: 1,
      timestamp,
      partition,
    }))
  await world.write('input', records(10), { partitions })
  const options = { exchange: 'topic', commitInterval: '100ms' } as const
  await world.run(counting(), { ...options, until: 'now' })
  await world.write('input', records(250))
  const { metrics } = await world.run(counting(), { ...options, until: 'now' })
  const results = await world.read('counts')
  equal(results.length, partitions)
  // One record per partition and commit announces how far the tasks upstream are.
  const announced = (await world.read('app-again-exchange-repartition')).filter(({ key }) => key === null)
  ok(announced.length <= 10 * partitions, `${announced.length} announcements in ${metrics.commits} commits`)
})

test('offsets and announcements of upstream tasks that 0.1.0 committed are read', async () => {
  const world = await World.open()
  await world.write('input', [{ key: 'a', value: 1, timestamp: 10 }], { partitions: 2 })
  const options = { exchange: 'topic' } as const
  await world.run(counting(), { ...options, until: 'now' })
  const exchange = 'app-again-exchange-repartition'
  // Task 0 had reached 10, task 1 had read nothing; then each announced itself, in the format of 0.1.0.
  const offsets = await Promise.all(
    [0, 1].map(async partition => ({
      topic: exchange,
      partition,
      offset: await world.settle(world.port.offsets(exchange, partition, 'latest')),
      metadata: JSON.stringify({ upstream: ['10', '-Infinity'] }),
    })),
  )
  // The commit of the input counts these announcements.
  const inputs = [0, 1].map(partition => ({ topic: 'input', partition }))
  for (const commit of await world.settle(world.port.committedOffsets('app', inputs))) {
    const metadata = JSON.parse(commit?.metadata ?? '{}') as { sent?: Record<string, string> }
    if (!commit || !metadata.sent) continue
    const ends = offsets
      .slice(0, 2)
      .map(({ offset }) => (offset + 2).toString(36))
      .join(',')
    metadata.sent = Object.fromEntries(Object.keys(metadata.sent).map(name => [name, `0/1/0:${ends}`]))
    offsets.push({ ...commit, metadata: JSON.stringify(metadata) })
  }
  await world.settle(world.port.commitOffsets({ group: 'app', offsets }))
  const announce = async (): Promise<void> => {
    const writer = await world.port.openWriter({ app: 'app' })
    for (const partition of [0, 1])
      for (const task of [0, 1]) {
        const batch = new BatchBuilder()
        batch.append(0, null, null, [
          { key: 'millrace.task', value: Buffer.from(String(task)) },
          { key: 'millrace.watermark', value: Buffer.from('120') },
        ])
        await writer.append(exchange, partition, batch)
      }
    await writer.close()
  }
  await world.settle(announce())
  await world.run(counting(), { ...options, until: 'now' })
  equal((await world.read('counts')).length, 1)
})
