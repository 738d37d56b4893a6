/** A delivery reads the partitions that its topic gets while it runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { isCode } from '../../test/is-code.ts'
import { settle } from '../../test/settle.ts'
import { SimulatedLog } from '../broker/simulated-log.test-support.ts'
import { topic } from '../schema/index.ts'
import { BatchBuilder } from '../wire/index.ts'
import { deliver } from './deliver.ts'
import { MemoryTarget } from './memory-sink.test-support.ts'
import { sorted, things, valuesOf, type Thing } from './things.test-support.ts'

const open = topic('things', { key: z.string(), value: z.object({ n: z.int() }) })

async function delivering(which: typeof things) {
  const simulated = new SimulatedLog()
  const { clock } = simulated
  const log = await simulated.open()
  const settled = <T>(work: Promise<T>): Promise<T> => settle(clock, work)
  await settled(log.createTopic('things', { partitions: 2 }))
  const writer = await settled(log.openWriter())
  const append = async (partition: number, n: number): Promise<void> => {
    const builder = new BatchBuilder()
    builder.append(n, 'k', `{"n":${n}}`)
    await settled(writer.append('things', partition, builder))
  }
  await append(0, 0)
  const target = new MemoryTarget<string, Thing>()
  const delivery = deliver(log, which, target.sink(), { clock })
  delivery.done.catch(() => undefined)
  await clock.advance(2000)
  assert.deepEqual(valuesOf(target), [0])
  await settled(log.admin.createPartitions('things', 3))
  await append(2, 1)
  const close = async (): Promise<void> => {
    await settled(writer.close())
    await settled(log.close())
  }
  return { clock, target, delivery, append, settled, close }
}

test('finish delivers the records of all partitions', async () => {
  const { target, delivery, append, settled, close } = await delivering(open)
  await append(1, 2)
  assert.equal((await settled(delivery.finish())).delivered, 3)
  assert.deepEqual(sorted(valuesOf(target)), [0, 1, 2])
  await close()
})

test('within five minutes it delivers the records of all partitions', async () => {
  const { clock, target, delivery, append, settled, close } = await delivering(open)
  await clock.advance(4 * 60_000)
  await append(1, 2)
  await clock.advance(60_000)
  assert.deepEqual(sorted(valuesOf(target)), [0, 1, 2])
  assert.equal(delivery.progress().delivered, 3)
  await append(2, 3)
  assert.equal((await settled(delivery.finish())).delivered, 4)
  assert.deepEqual(sorted(valuesOf(target)), [0, 1, 2, 3])
  await close()
})

test('it fails where the topic declares another count', async () => {
  const { clock, delivery, settled, close } = await delivering(things)
  await clock.advance(5 * 60_000)
  await assert.rejects(settled(delivery.done), isCode('PARTITION_COUNT_CHANGED'))
  await close()
})
