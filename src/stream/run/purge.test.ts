import { deepEqual, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '../../base/index.ts'
import type { LogAdmin } from '../../port/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/virtual-clock.ts'
import type { InputPartition } from '../task/input-partition.ts'
import type { InstanceContext } from './instance-context.ts'
import { Purge } from './purge.ts'

function purging(
  clock: VirtualClock,
  deleteRecords: LogAdmin['deleteRecords'],
  onNotice?: (message: string) => void,
): { purge: Purge; notices: string[] } {
  const notices: string[] = []
  const purge = new Purge({
    app: 'app',
    clock,
    port: { admin: { deleteRecords } },
    settings: { onNotice: onNotice ?? ((message: string) => notices.push(message)) },
  } as unknown as InstanceContext)
  return { purge, notices }
}

const at = (topic: string, position: number, source?: object): InputPartition =>
  ({ topic, partition: 0, position, source }) as unknown as InputPartition

test('a purge deletes what was committed at the purge before, every 30 s, and between stages alone', async () => {
  const clock = virtualClock()
  const deleted: [string, number][] = []
  const deleteRecords = (topic: string, _partition: number, offset: number): Promise<number> => {
    deleted.push([topic, offset])
    return Promise.resolve(offset)
  }
  const { purge } = purging(clock, deleteRecords)
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

test('what a callback throws fails the run at its next commit', async () => {
  const clock = virtualClock()
  const { purge } = purging(
    clock,
    () => Promise.reject(new MillraceError('POLICY_VIOLATION', 'its cleanup.policy is compact')),
    () => {
      throw new Error('by the callback')
    },
  )
  const inputs = [at('between', 5)]
  for (const input of inputs) purge.begins(input)
  purge.committed(inputs)
  await purge.settled()
  throws(() => purge.committed(inputs), /by the callback/)
})

test('a refusal is reported once, a failure that may pass is not, and other topics are purged', async () => {
  const clock = virtualClock()
  const deleted: string[] = []
  let error = new MillraceError('DISK_FULL', 'no room', { retriable: true })
  const { purge, notices } = purging(clock, async (topic, _partition, offset) => {
    if (topic === 'refused') throw error
    deleted.push(topic)
    return offset
  })
  const inputs = [at('refused', 5), at('between', 5)]
  for (const input of inputs) purge.begins(input)
  const commit = async (): Promise<void> => {
    purge.committed(inputs)
    await purge.settled()
    await clock.advance(30_000)
  }
  await commit()
  deepEqual(notices, [])
  error = new MillraceError('POLICY_VIOLATION', 'its cleanup.policy is compact')
  for (let n = 0; n < 3; n += 1) await commit()
  deepEqual(notices.length, 1)
  match(notices[0]!, /'refused', partition 0.*cleanup\.policy is compact/)
  deepEqual(deleted, ['between', 'between', 'between', 'between'])
})
