import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../testing/virtual-clock.ts'
import type { InputPartition } from '../task/input-partition.ts'
import type { InstanceContext } from './instance-context.ts'
import { Purge } from './purge.ts'

test('a purge deletes what was committed at the purge before, every 30 s, and between stages alone', async () => {
  const clock = virtualClock()
  const deleted: [string, number][] = []
  const deleteRecords = (topic: string, _partition: number, offset: number): Promise<number> => {
    deleted.push([topic, offset])
    return Promise.resolve(offset)
  }
  const purge = new Purge({
    app: 'app',
    clock,
    port: { admin: { deleteRecords } },
  } as unknown as InstanceContext)
  const at = (topic: string, position: number, source?: object): InputPartition =>
    ({ topic, partition: 0, position, source }) as unknown as InputPartition
  const commit = async (position: number): Promise<void> => {
    purge.committed([at('between', position), at('input', position, {})])
    await purge.settled()
  }
  purge.begins(at('between', 5))
  await commit(10)
  await commit(20)
  await clock.advance(30_000)
  await commit(30)
  await clock.advance(30_000)
  await commit(40)
  deepEqual(deleted, [
    ['between', 5],
    ['between', 10],
    ['between', 30],
  ])
})
