/** A member over the coordinator, as a client over TCP: the coordinator gives ids before it takes members. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ActiveClock } from '../base/index.ts'
import { GroupMember, type GroupCoordinator } from '../port/index.ts'
import { Coordinator } from './group-coordinator.test-support.ts'

test('a new member joins again with the id that the coordinator requires', async () => {
  const { clock, groups } = new Coordinator()
  const ids: string[] = []
  const coordinator: GroupCoordinator = {
    join: request => {
      ids.push(request.memberId)
      return groups.join({ ...request, requireMemberId: true })
    },
    sync: request => groups.sync(request),
    heartbeat: member => groups.heartbeat(member),
    rebalance: member => groups.rebalance(member),
    leave: request => groups.leave(request),
    commit: commit => groups.commit(commit),
  }
  const member = new GroupMember(
    {
      coordinator,
      active: new ActiveClock(clock),
      clientId: 'c',
      clientHost: '/h',
      counts: async () => new Map([['t', 2]]),
      ended: () => undefined,
    },
    { group: 'g', topics: [['t']], onAssigned() {}, onRevoked() {}, onLost() {} },
  )
  const { memberId, assignment } = await member.join()
  deepEqual(ids, ['', memberId])
  equal(assignment.length, 2)
  equal(groups.members('g'), 1)
  await member.leave()
  equal(groups.members('g'), 0)
})
