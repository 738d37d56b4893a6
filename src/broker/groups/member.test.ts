/** A member and its coordinator: how it joins, and how long it is there. */
import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { ActiveClock } from '../../base/index.ts'
import { stateOf } from '../../port/conformance/harness.ts'
import { encodeAssignment, type GroupCoordinator, GroupMember, type GroupOptions } from '../../port/index.ts'
import { Coordinator, sessionMs } from './group-coordinator.test-support.ts'

/** A member over a coordinator, whose requests a test may change. */
function memberOf(
  { clock, groups }: Coordinator,
  changed: (groups: Coordinator['groups']) => Partial<GroupCoordinator>,
  hooks: Partial<GroupOptions> = {},
): GroupMember {
  const coordinator: GroupCoordinator = {
    join: request => groups.join(request),
    sync: request => groups.sync(request),
    heartbeat: member => groups.heartbeat(member),
    rebalance: member => groups.rebalance(member),
    leave: request => groups.leave(request),
    commit: commit => groups.commit(commit),
    ...changed(groups),
  }
  return new GroupMember(
    {
      coordinator,
      active: new ActiveClock(clock),
      clientId: 'c',
      clientHost: '/h',
      counts: async () => new Map([['t', 2]]),
      ended: () => undefined,
    },
    { group: 'g', topics: [['t']], onAssigned() {}, onRevoked() {}, onLost() {}, ...hooks },
  )
}

test('a new member joins again with the id that the coordinator requires, also after a deletion', async () => {
  const it = new Coordinator()
  const ids: string[] = []
  const member = memberOf(it, groups => ({
    join: async request => {
      ids.push(request.memberId)
      if (ids.length === 2) await groups.whileDeleting('g', forget => forget())
      return groups.join({ ...request, requireMemberId: true })
    },
  }))
  const { memberId, assignment } = await member.join()
  deepEqual(ids, ['', ids[1], '', memberId])
  notEqual(ids[1], memberId)
  equal(assignment.length, 2)
  equal(it.groups.members('g'), 1)
  await member.leave()
  equal(it.groups.members('g'), 0)
})

test('a member takes no partitions of a topic that it does not read', async () => {
  const it = new Coordinator()
  const taken: unknown[] = []
  const foreign = [{ topic: 'other', partition: 0 }]
  const sync: GroupCoordinator['sync'] = async request => ({
    ...(await it.groups.sync(request)),
    assignment: encodeAssignment({ partitions: foreign, userData: undefined }),
  })
  const member = memberOf(it, () => ({ sync }), { onAssigned: partitions => void taken.push(...partitions) })
  await rejects(member.join(), isCode('INVALID_ARGUMENT', /'g'.*'other'/))
  deepEqual(taken, [])
  equal(it.groups.members('g'), 0)
})

test('a member that waits for others leaves at once, and is not in the group when they have joined', async () => {
  for (const instanceId of [undefined, 'i']) {
    const it = new Coordinator()
    const one = await it.stable()
    const closing = new AbortController()
    const member = memberOf(it, () => ({}), {
      signal: closing.signal,
      assignors: ['range'],
      ...(instanceId && { instanceId }),
    })
    const joining = member.join()
    equal(await stateOf(joining), 'pending')
    closing.abort('closing')
    await rejects(joining, isCode('CLOSED', /'g'/))
    await member.leave()
    const again = await it.join({ memberId: one.memberId })
    await rejects(it.sync(again), isCode('REBALANCE_IN_PROGRESS'))
    equal(it.groups.members('g'), 1)
    const { members } = await it.join({ memberId: one.memberId })
    equal(members.length, 1)
  }
})

test('the signal of a member in this process has one listener, however often the member joins again', async () => {
  const it = new Coordinator()
  const alive = new AbortController()
  const join = { alive: alive.signal, clientHost: 'in process' }
  const first = await it.stable(join)
  for (let n = 0; n < 3; n += 1) await it.stable({ ...join, memberId: first.memberId })
  equal(getEventListeners(alive.signal, 'abort').length, 1)
  alive.abort()
  await it.clock.advance(sessionMs + 1000)
  equal(it.groups.members('g'), 0)
})
