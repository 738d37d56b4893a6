/**
 * A log in memory that is full: producers are told, readers are served, and it recovers when there is room.
 */
import { equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, MemoryDisk, systemClock, systemRandom } from '../base/index.ts'
import { createLog } from '../port/index.ts'
import { text, topic } from '../schema/index.ts'
import { InProcessLog } from './in-process.ts'

test('a full log in memory refuses producers, serves readers, and continues when there is room', async () => {
  const capacityBytes = 4 * 1024 * 1024
  const disk = new MemoryDisk({ capacityBytes })
  const clock = systemClock
  await using log = createLog(await InProcessLog.open('/data', { disk, clock, random: systemRandom }), clock)
  const [orders, users] = ['orders', 'users'].map(name => topic(name, { value: text() }))
  const producer = log.producer(orders!)
  const value = 'x'.repeat(100_000)
  let sent = 0
  const fill = async (): Promise<void> => {
    for (; sent < 1000; sent += 1) await producer.send({ value })
  }
  await rejects(fill(), error => isMillraceError(error, 'DISK_FULL') && error.retriable)
  ok(sent > 30 && sent < 42, `${sent} records fit`)
  ok(disk.leftBytes < 200_000)
  // It tells again what it could not send.
  await rejects(producer.close(), error => isMillraceError(error, 'DISK_FULL'))

  let read = 0
  for await (const record of log.consumer(orders!, { until: 'end' })) {
    equal(record.value?.length, value.length)
    read += 1
  }
  equal(read, sent)

  await log.deleteTopic('orders')
  const again = log.producer(users!)
  for (let n = 0; n < 20; n += 1) await again.send({ value })
  equal(await log.port.offsets('users', 0, 'latest'), 20)
})
