/** A partition that cannot be compacted: how its users learn of it, and when that is over. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { ReadOnlyLog } from '../../src/broker/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import type { LogAdmin, PartitionDescription } from '../../src/port/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'

const configs = { 'cleanup.policy': 'compact', 'segment.bytes': 1000, 'min.cleanable.dirty.ratio': 0 }

async function reasonIn(admin: LogAdmin): Promise<PartitionDescription['uncleanable']> {
  const partitions = await admin.describePartitions('t')
  deepEqual(
    partitions.map(({ partition }) => partition),
    [0, 1],
  )
  equal(partitions[1]!.uncleanable, undefined)
  deepEqual([partitions[0]!.startOffset, partitions[0]!.endOffset], [0, 10])
  return partitions[0]!.uncleanable
}

test('why a partition cannot be compacted is told, beside the process that writes and after it, until it can', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 2, configs })
  const writer = await port.openWriter()
  for (let n = 0; n < 10; n += 1) {
    const batch = new BatchBuilder({ initialBytes: 512 })
    batch.append(log.clock.now(), Buffer.from('key'), Buffer.alloc(300, n))
    await writer.append('t', 0, batch)
  }
  const path = `/data/t-0/${'0'.repeat(20)}.log`
  const sound = log.disk.contentOf(path)!
  const damaged = Buffer.from(sound)
  damaged[100]! ^= 1
  log.disk.setContent(path, damaged)
  equal(await reasonIn(port.admin), undefined)
  await log.clock.advance(60_000)
  const reason = await reasonIn(port.admin)
  equal(reason?.code, 'PARTITION_DAMAGED')
  match(reason.message, /t-0/)
  const readOnly = await ReadOnlyLog.open('/data', { disk: log.disk, clock: log.clock })
  deepEqual(await reasonIn(readOnly.admin), reason)
  await port.close()
  deepEqual(await reasonIn(readOnly.admin), reason)
  // The next process finds it sound.
  log.disk.setContent(path, sound)
  const next = await log.open()
  deepEqual(await reasonIn(next.admin), reason)
  for (let n = 0; n < 20; n += 1) await log.clock.advance(6000)
  equal(await reasonIn(next.admin), undefined)
  equal(await reasonIn(readOnly.admin), undefined)
  await next.close()
})
