/** Users in process of a topic that gets more partitions. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { append, drain, partitionNames } from '../port/conformance/harness.ts'
import { openTestLog } from './simulated-log.test-support.ts'

test('the members of a group share the partitions that a topic gets', async context => {
  const { port } = await openTestLog(context)
  await port.createTopic('t', { partitions: 1 })
  const shares = new Set<string>()
  const { promise: shared, resolve } = Promise.withResolvers<void>()
  const join = (): Promise<unknown> =>
    port.joinGroup({
      group: 'g',
      topics: [['t']],
      onAssigned(partitions) {
        for (const partition of partitionNames(partitions)) shares.add(partition)
        if (shares.size === 4) resolve()
      },
      onRevoked() {},
      onLost() {},
    })
  await join()
  void join()
  await port.admin.createPartitions('t', 4)
  await shared
  deepEqual([...shares].toSorted(), ['t/0', 't/1', 't/2', 't/3'])
})

test('a writer and a reader continue, and use the partitions that a topic gets', async context => {
  const { port } = await openTestLog(context)
  await port.createTopic('t', { partitions: 1 })
  const writer = await port.openWriter()
  const reader = await port.openReader()
  reader.assign([{ topic: 't', partition: 0, offset: 0 }])
  await append(writer, 't', ['a'])
  await port.admin.createPartitions('t', 2)
  await append(writer, 't', ['b'])
  await append(writer, 't', ['c'], 1)
  const read = async (partition: number): Promise<string[]> =>
    (await drain(reader, 't', partition)).map(({ value }) => value)
  deepEqual(await read(0), ['a', 'b'])
  reader.assign([{ topic: 't', partition: 1, offset: 0 }])
  deepEqual(await read(1), ['c'])
  await reader.close()
  await writer.close()
})
