import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { LogDirectory } from '../log/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { InternalLog } from './internal-log.ts'
import { decodeOffsetKey, decodeOffsetValue } from './internal-records.ts'
import { Offsets } from './offsets.ts'

test('a rewrite keeps every offset, its metadata and the time of its commit', async () => {
  const clock = virtualClock(1000)
  const directory = await LogDirectory.open('/data', { disk: new SimulatedDisk(), clock, segmentBytes: 400 })
  const partition = await directory.createPartition('__consumer_offsets', 0)
  const limits = { rewriteBytes: 1000, batchBytes: 300 }
  const offsets = await Offsets.open(partition, { clock, limits, topicId: () => undefined })
  const commit = (group: string, offset: number): Promise<void> =>
    offsets.commit({ group, offsets: [{ topic: 't', partition: 0, offset, metadata: `at ${offset}` }] })
  await commit('idle', 7)
  await clock.advance(5000)
  for (let n = 0; n < 40; n += 1) await commit('busy', n)
  await offsets.close()
  ok(partition.logStartOffset > 0, 'it was rewritten')
  const found = new Map<string, unknown>()
  await new InternalLog(partition, clock).replay(batch => {
    for (const records = batch.records(); records.next();)
      found.set(decodeOffsetKey(records.key()!)!.group, decodeOffsetValue(records.value()!))
  })
  const last = { topicId: undefined }
  deepEqual(found.get('idle'), { offset: 7, metadata: 'at 7', committedMs: 1000, ...last })
  deepEqual(found.get('busy'), { offset: 39, metadata: 'at 39', committedMs: 6000, ...last })
  equal(offsets.of('idle')[0]?.offset, 7)
})
