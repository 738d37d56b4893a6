/** A group is deleted as a whole, or not at all: also while members join and offsets are committed. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { stateOf } from '../../port/conformance/harness.ts'
import type { GroupDetails, LogPort } from '../../port/index.ts'
import { Coordinator } from './group-coordinator.test-support.ts'
import { SimulatedLog } from '../simulated-log.test-support.ts'

const hooks = { onAssigned() {}, onRevoked() {}, onLost() {} }
const at = (offset: number) => ({ topic: 't', partition: 0, offset })
const deletions: Readonly<Record<string, (port: LogPort) => Promise<unknown>>> = {
  deleteGroup: port => port.admin.deleteGroup('g'),
  setOffsets: port => port.setOffsets('g', []),
  deleteApp: port => port.deleteApp('g'),
}

for (const [name, remove] of Object.entries(deletions)) {
  test(`${name}: a member that joins meanwhile is in the next group of that name`, async () => {
    const log = new SimulatedLog()
    const port = await log.open()
    await port.createTopic('t', { partitions: 1 })
    await port.commitOffsets({ group: 'g', offsets: [at(1)] })
    const deleting = remove(port)
    const joining = port.joinGroup({ group: 'g', topics: [['t']], ...hooks })
    await deleting
    const member = await joining
    deepEqual(await port.committedOffsets('g', [at(0)]), [undefined])
    await member.commit([at(2)])
    const crashed = await log.crash()
    deepEqual(await crashed.committedOffsets('g', [at(0)]), [at(2)])
    await log.close()
  })

  test(`${name}: a group that a member joins first is refused, and stays`, async () => {
    const log = new SimulatedLog()
    const port = await log.open()
    await port.createTopic('t', { partitions: 1 })
    await port.commitOffsets({ group: 'g', offsets: [at(1)] })
    const joining = port.joinGroup({ group: 'g', topics: [['t']], ...hooks })
    await stateOf(joining)
    await rejects(remove(port), isCode('GROUP_NOT_EMPTY', /'g'.*1 members/))
    await (await joining).commit([at(2)])
    deepEqual(await port.committedOffsets('g', [at(0)]), [at(2)])
    await log.close()
  })
}

test('a commit in flight is deleted with its group; a later one counts', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 2 })
  const changes = [
    port.commitOffsets({ group: 'g', offsets: [at(1)] }),
    port.setOffsets('g', []),
    port.commitOffsets({ group: 'g', offsets: [{ ...at(2), partition: 1 }] }),
  ]
  await Promise.all(changes)
  const committed = async (from: LogPort): Promise<GroupDetails['offsets'] | undefined> =>
    (await from.admin.describeGroup('g'))?.offsets
  deepEqual(await committed(port), [{ ...at(2), partition: 1 }])
  deepEqual(await committed(await log.crash()), [{ ...at(2), partition: 1 }])
  await log.close()
})

test('a group that cannot be deleted keeps its generation', async () => {
  const it = new Coordinator()
  const { memberId } = await it.stable()
  it.groups.leave({ group: 'g', memberId })
  const disk = Promise.withResolvers<void>()
  it.disk = disk.promise
  const deleting = it.groups.whileDeleting('g', forget => forget())
  const joining = it.join()
  equal(await stateOf(joining), 'pending')
  disk.reject(new Error('full'))
  await rejects(deleting, /full/)
  equal((await joining).generation, 3)
  await rejects(
    it.groups.whileDeleting('g', forget => forget()),
    isCode('GROUP_NOT_EMPTY', /'g'/),
  )
})

for (const [name, wait] of Object.entries({
  'for more members': { initialRebalanceDelayMs: 3000 },
  'for a promised member': { initialRebalanceDelayMs: 0 },
}))
  test(`a group that waits ${name} is not empty; its end does not touch the next group of its name`, async () => {
    const it = new Coordinator(wait)
    const remove = (): Promise<void> => it.groups.whileDeleting('g', forget => forget())
    const joining = it.join({ instanceId: 'i' })
    const leave = (): void => it.groups.leave({ group: 'g', memberId: '', instanceId: 'i' })
    if (wait.initialRebalanceDelayMs === 0) {
      await joining
      await rejects(it.join({ requireMemberId: true }), isCode('MEMBER_ID_REQUIRED'))
    }
    leave()
    deepEqual([it.state, it.groups.members('g')], ['PreparingRebalance', 0])
    await rejects(remove(), isCode('GROUP_NOT_EMPTY', /'g'.*rebalance/))
    await it.clock.advance(31_000)
    await remove()
    const next = it.join({ instanceId: 'n', sessionTimeoutMs: 300_000 })
    await it.clock.advance(wait.initialRebalanceDelayMs + 100)
    const { generation, memberId } = await next
    await it.sync(await next, { [memberId]: 'all' })
    await it.clock.advance(60_000)
    deepEqual([it.state, generation, it.kept.get('g')?.members.length], ['Stable', 1, 1])
  })
